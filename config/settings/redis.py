"""Redis: the cache, the channel layer and rq. The event streams use REDIS_URL too."""

from django.core.exceptions import ImproperlyConfigured
from redis.connection import parse_url

from config import env
from config.settings.base import SERVICES
from core.redis import ASYNC_RECONNECT


def _checked(url: str) -> str:
    """Return the address. Raises ImproperlyConfigured, without the password in it."""
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise ImproperlyConfigured(
            "REDIS_URL is no address of a Redis server; it must be like redis://:password@host:6379/0."
        ) from None
    return url


REDIS_URL = _checked(env.redis_url(SERVICES) or "redis://127.0.0.1:6379/0")

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CHANNEL_LAYERS = {
    "default": {
        # The Pub/Sub layer: the core layer silently drops messages once a channel holds 100.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "retry": ASYNC_RECONNECT}]},
    }
}

# The rq queues, in the order in which workers empty them.
RQ_PRIORITIES = ["high", "medium", "low"]
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 30} for name in RQ_PRIORITIES}

# Jobs have no arguments that depend on an uncommitted transaction: they only say that a stream has entries.
RQ = {"COMMIT_MODE": "auto"}
