"""Redis: the cache, the channel layer and rq, and the event streams, which may have a Redis of their own."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.settings.base import SERVICES
from core import redis_address
from core.redis import channel_options, rq_options


def _checked(name: str, url: str) -> redis_address.RedisAddress:
    """Return the address. Raises ImproperlyConfigured, without the password in it."""
    try:
        return redis_address.parse(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is no address of a Redis server; it {error}.") from None


REDIS_URL = env.redis_url(SERVICES) or "redis://127.0.0.1:6379/0"
_address = _checked("REDIS_URL", REDIS_URL)
if _address.kind == "cluster":
    raise ImproperlyConfigured(
        "REDIS_URL is a Cluster, which rq cannot use: name one server, or some sentinels. "
        "A Cluster can have the event streams: name it in EVENTS_REDIS_URL."
    )
# Of the event streams alone, empty: REDIS_URL (`events.queue.moved` takes over what waits there).
EVENTS_REDIS_URL = env.text("EVENTS_REDIS_URL")
if EVENTS_REDIS_URL:
    _checked("EVENTS_REDIS_URL", EVENTS_REDIS_URL)

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {**_address.keepalive},
    }
}

if _address.kind == "sentinel":
    CACHES["default"]["LOCATION"] = [REDIS_URL]  # Django takes a comma in a text for the end of an address
    CACHES["default"]["OPTIONS"] = {"pool_class": "core.redis.MasterPool", "socket_timeout": 4}

CHANNEL_LAYERS = {
    "default": {
        # The Pub/Sub layer: the core layer silently drops messages once a channel holds 100.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [channel_options(_address)]},
    }
}

# The rq queues, in the order in which workers empty them.
RQ_PRIORITIES = ["high", "medium", "low"]
RQ_QUEUES = {name: {**rq_options(_address), "DEFAULT_TIMEOUT": 30} for name in RQ_PRIORITIES}

# Jobs have no arguments that depend on an uncommitted transaction: they only say that a stream has entries.
RQ = {"COMMIT_MODE": "auto"}
