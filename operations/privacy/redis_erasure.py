"""What Redis holds of a person beside the river: presence, caches, counters, records of tests, jobs.

All of it expires by itself within a day. It is small (a key a process, a caller or a test), so every key is read.
"""

from collections.abc import Iterable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from core.redis import blocking_client
from events.queue import jobs
from operations.privacy.person import Person
from realtime import groups, presence

# events.queue.maintenance, events.timeseries and events.worker.tasks look after these; of rq's keys only what is of one job may go.
ELSEWHERE = (b"river:", b"points:", b"rq:")
OF_A_JOB = (b"rq:job:", b"rq:results:")


def erase(person: Person) -> int:
    """Delete what names the person. Returns how many keys and members went."""
    with blocking_client(timeout=10) as redis:
        # Jobs first, and by rq's own hand: their keys belong together.
        erased = jobs.delete_jobs_naming(person.matcher.names)
        erased += int(redis.zrem(presence.PROGRESS, *_group_forms(person)))
        for key in redis.scan_iter(count=1000):
            if (key.startswith(OF_A_JOB) or not key.startswith(ELSEWHERE)) and _names(redis, key, person):
                erased += int(redis.delete(key))
        _forget_slow_commands(redis, person)
    return erased


def _group_forms(person: Person) -> set[str]:
    forms = {str(pk) for pk in person.student_ids}
    return forms | {groups.email_form(spelling) for spelling in {*person.spellings, person.key}}


def _names(redis: "Redis", key: bytes, person: Person) -> bool:
    """Without a look at what stands around it: values are packed, and what is deleted too much is made anew."""
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


def _forget_slow_commands(redis: "Redis", person: Person) -> None:
    """Redis remembers slow commands with what they said. Where we may not ask, it forgets them by itself."""
    try:
        said = [_text(entry["command"]) for entry in redis.slowlog_get(128)]
        if any(map(person.matcher.names, said)):
            redis.slowlog_reset()
    except RedisError:
        return


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
