"""Send live notices about changes that are already stored: a failure to send does not undo the change."""

import logging
from collections.abc import Callable

from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def notify(send: Callable[[], None]) -> None:
    """Call `send`. If Redis is not reachable the notice is lost; pages read the state again when they reconnect."""
    try:
        send()
    except (RedisError, OSError, TimeoutError) as error:
        logger.warning("A live notice was not sent: %s", type(error).__name__)
