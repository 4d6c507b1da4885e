"""Deletion of expired rows, once an hour."""

import logging
from collections.abc import Callable
from datetime import datetime

from instructors.cleanup import delete_expired_sessions, delete_expired_tokens, delete_old_login_failures

logger = logging.getLogger(__name__)

# Each task returns the number of deleted rows, and may be repeated at any time.
TASKS: list[Callable[..., int]] = [delete_expired_sessions, delete_expired_tokens, delete_old_login_failures]


def run_all(*, now: datetime) -> None:
    """Run all tasks, even if one fails. Raises the last failure, so that rq records it."""
    failure: Exception | None = None
    for task in TASKS:
        try:
            number = task(now=now)
        except Exception as error:
            logger.exception("%s failed", task.__name__)
            failure = error
        else:
            if number:
                logger.info("%s: %d", task.__name__, number)
    if failure:
        raise failure
