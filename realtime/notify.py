"""Telling the screens about a change that is stored already: not being able to tell does not undo it."""

import logging
from collections.abc import Callable

from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def notify(send: Callable[[], None]) -> None:
    """Send it. While Redis is away it is lost; pages read the state again when they come back."""
    try:
        send()
    except (RedisError, OSError, TimeoutError) as error:
        logger.warning("The live view was not told: %s", type(error).__name__)
