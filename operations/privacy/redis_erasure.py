"""Erase a person from Redis except the event streams: presence, caches, counters, test events, jobs.

All of it expires within a day. It is small (a key for each process, caller or test), so every key is read.
"""

from collections.abc import Iterable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from core.redis import blocking_client
from core.redis_cluster import servers_of
from events.queue import jobs, stream
from operations.privacy.person import Person
from realtime import groups, presence

# events.queue.maintenance, events.timeseries and events.worker.tasks erase from these. Of rq's keys only those of
# single jobs may be deleted. Streams of an older release begin with "river:" (events.queue.renamed_keys).
HANDLED_ELSEWHERE = (b"events:", b"river:", b"points:", b"rq:")
JOB_KEYS = (b"rq:job:", b"rq:results:")


def erase(person: Person) -> int:
    """Delete what names the person. Return the number of deleted keys and members."""
    with blocking_client(timeout=10) as redis:
        # Jobs first, through rq, because their keys belong together.
        erased = jobs.delete_jobs_naming(person.matcher.names)
        erased += int(redis.zrem(presence.PROGRESS, *_group_forms(person)))
        for key in redis.scan_iter(count=1000):
            if (key.startswith(JOB_KEYS) or not key.startswith(HANDLED_ELSEWHERE)) and _names(redis, key, person):
                erased += int(redis.delete(key))
        _clear_slow_log(redis, person)
    if stream.has_own_redis():
        with blocking_client(timeout=10, url=stream.url()) as streams:
            for server in servers_of(streams, with_replicas=True):
                _clear_slow_log(server, person)
    return erased


def _group_forms(person: Person) -> set[str]:
    forms = {str(pk) for pk in person.student_ids}
    return forms | {groups.email_form(spelling) for spelling in {*person.spellings, *person.keys}}


def _names(redis: "Redis", key: bytes, person: Person) -> bool:
    """Return whether a key or its values may name the person. A key deleted by mistake is created again."""
    holds = person.matcher.holds
    return holds(_text(key)) or any(holds(_text(value)) for value in _values(redis, key))


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


def _clear_slow_log(redis: "Redis", person: Person) -> None:
    """Reset the slow log if a command in it names the person. Without permission, leave it: old entries expire."""
    try:
        commands = [_text(entry["command"]) for entry in redis.slowlog_get(128)]
        if any(map(person.matcher.names, commands)):
            redis.slowlog_reset()
    except RedisError:
        return


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
