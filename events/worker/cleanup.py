"""Delete what has expired, once an hour."""

import logging
from collections.abc import Callable
from datetime import datetime

from instructors.cleanup import delete_expired_sessions, delete_expired_tokens, delete_old_login_failures

logger = logging.getLogger(__name__)

# Each returns how many rows it deleted, and may be run again at any time.
TASKS: list[Callable[..., int]] = [delete_expired_sessions, delete_expired_tokens, delete_old_login_failures]


def run_all(*, now: datetime) -> None:
    """Run each on its own: one that fails stops no other. Raises the last failure, so that it is seen."""
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
