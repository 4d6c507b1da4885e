"""What Redis holds of a person beside the river: presence, caches, counters, records of tests, failed jobs.

All of it expires by itself within a day. It is small (a key a process, a caller or a test), so every key is read.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from redis import Redis

from config.privacy.person import Person
from events import jobs
from realtime import groups, presence

RIVER = b"river:"  # events.waiting looks after it
POINTS = b"points:"  # and events.points after these


def erase(person: Person) -> int:
    """Delete what names the person. Returns how many keys and members went."""
    with Redis.from_url(settings.REDIS_URL, socket_timeout=10) as redis:
        forms = groups.forms_of_text(person.email)
        if person.student_id is not None:
            forms += groups.forms_of_student(person.student_id, person.email)
        # Jobs first, and by rq's own hand: their keys belong together.
        erased = jobs.forget_failures(person.is_named_in)
        erased += int(redis.zrem(presence.PROGRESS, *set(forms)))
        for key in redis.scan_iter(count=1000):
            if not key.startswith((RIVER, POINTS)) and _names(redis, key, person):
                erased += int(redis.delete(key))
    return erased


def _names(redis: "Redis", key: bytes, person: Person) -> bool:
    return person.is_named_in(_text(key)) or any(person.is_named_in(_text(value)) for value in _values(redis, key))


def _values(redis: "Redis", key: bytes) -> Iterable[Any]:
    client: Any = redis
    match client.type(key):
        case b"string":
            return [client.get(key)]
        case b"hash":
            return [part for pair in client.hscan_iter(key) for part in pair]
        case b"list":
            return client.lrange(key, 0, -1)  # type: ignore[no-any-return]
        case b"set":
            return client.sscan_iter(key)  # type: ignore[no-any-return]
        case b"zset":
            return [member for member, _ in client.zscan_iter(key)]
        case b"stream":
            return [part for _, fields in client.xrange(key) for pair in (fields or {}).items() for part in pair]
    return []


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
