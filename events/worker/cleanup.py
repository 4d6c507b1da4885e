"""Deletion of expired rows, once an hour."""

import logging
from datetime import datetime

from instructors.cleanup import EXPIRED

logger = logging.getLogger(__name__)


def run_all(*, now: datetime) -> None:
    """Delete all that has expired, one statement each, even if one fails. Raises the last failure, so that rq records
    it. May be repeated at any time."""
    failure: Exception | None = None
    for expired in EXPIRED:
        try:
            number, _ = expired(now=now).delete()
        except Exception as error:
            logger.exception("%s: not deleted", expired.__name__)
            failure = error
        else:
            if number:
                logger.info("%s: %d deleted", expired.__name__, number)
    if failure:
        raise failure
