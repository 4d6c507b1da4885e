"""Records of end-to-end tests: kept in Redis for ten minutes, never in the real tables (http.md section 2.1).

    test-events:ids     sorted set   test id, by when its newest record came; expires with it
    test-events:number  integer      numbers handed out; outlives every record
    test-events:id:{id} sorted set   record as JSON with its number in front, by when it came; expires with the newest

Members begin with a number of their own, so that two equal records are two.
"""

import json
from datetime import datetime
from functools import cache
from typing import Any, cast

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from realtime.messages import timestamp

LIFETIME = 600  # seconds
IDS, NUMBER = "test-events:ids", "test-events:number"


def add(test_id: str, records: list[dict[str, Any]], *, now: datetime) -> None:
    """Two round trips. Each record gains the time at which it came."""
    redis, score, key = _redis(), now.timestamp(), _key(test_id)
    if not records:
        return
    last = int(redis.incrby(NUMBER, len(records)))
    first = last - len(records) + 1
    stamped = [{**record, "received_at": timestamp(now)} for record in records]
    members = {f"{first + index:015d} {json.dumps(record)}": score for index, record in enumerate(stamped)}
    with redis.pipeline() as pipe:
        pipe.zadd(key, cast(dict[Any, float], members))
        pipe.expire(key, LIFETIME)
        pipe.zadd(IDS, {test_id: score})
        pipe.expire(IDS, LIFETIME)
        pipe.expire(NUMBER, LIFETIME * 2)
        pipe.execute()


def of(test_id: str, *, now: datetime) -> list[dict[str, Any]]:
    """The records that are not too old, in the order in which they came."""
    found = cast(list[bytes], _redis().zrangebyscore(_key(test_id), f"({now.timestamp() - LIFETIME}", "+inf"))
    return [json.loads(member.partition(b" ")[2]) for member in found]


def clear(test_id: str, *, now: datetime) -> int:
    """Forget them. Returns how many there were."""
    with _redis().pipeline() as pipe:
        pipe.zcount(_key(test_id), f"({now.timestamp() - LIFETIME}", "+inf")
        pipe.delete(_key(test_id))
        pipe.zrem(IDS, test_id)
        counted, *_ = pipe.execute()
    return int(counted)


def ids(*, now: datetime) -> list[str]:
    """The tests that have records, the oldest first."""
    found = cast(list[bytes], _redis().zrangebyscore(IDS, f"({now.timestamp() - LIFETIME}", "+inf"))
    return [member.decode() for member in found]


def _key(test_id: str) -> str:
    return f"test-events:id:{test_id}"


@cache
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=4, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1))
