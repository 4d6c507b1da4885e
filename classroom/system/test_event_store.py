"""Store the records of end-to-end tests in Redis for ten minutes, never in the real tables (http.md section 2.1).

    test-events:ids     sorted set   test id, scored by the arrival of its newest record; expires with it
    test-events:number  integer      last number assigned to a record; outlives every record
    test-events:sizes   hash         test id → bytes of its records
    test-events:bytes   integer      bytes of all records, at most TEST_EVENTS_BYTES
    test-events:id:{id} sorted set   number and record as JSON, scored by arrival; expires with the newest

Members begin with a unique number, so that equal records are stored twice. Sizes include Redis' overhead. Events of
lessons take precedence: while half of Redis' memory is in use, no test event is accepted.
"""

import json
from datetime import datetime
from functools import cache
from typing import Any, cast

from django.conf import settings
from redis import Redis

from core.redis import short_timeout_client
from events.queue.stream import IS_CROWDED
from realtime.messages import timestamp

LIFETIME = 600  # seconds
IDS, NUMBER, SIZES, BYTES = (f"test-events:{name}" for name in ("ids", "number", "sizes", "bytes"))
RECORD, ID = 128, 512  # bytes of overhead of a record and of a test id

_DELETE = """
-- Deletes a test's records and subtracts their size from the sum
local function delete(ids, sizes, bytes, prefix, id)
  redis.call('DECRBY', bytes, redis.call('HGET', sizes, id) or 0)
  redis.call('HDEL', sizes, id)
  redis.call('ZREM', ids, id)
  redis.call('DEL', prefix .. id)
end
"""

_ADD = f"""{_DELETE}{IS_CROWDED}
-- KEYS: ids, sizes, bytes, number, of this test.
-- ARGV: now, lifetime, maximum bytes, overhead of a record, overhead of an id, prefix, id, records.
-- Returns 1 (stored), 0 (over the maximum) or -1 (Redis' memory is needed for events), and the bytes of all records
local old = ARGV[1] - ARGV[2]
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', old)) do
  delete(KEYS[1], KEYS[2], KEYS[3], ARGV[6], id)
end
local gone = 0
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', old)) do gone = gone + #member + ARGV[4] end
if gone > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', old)
  redis.call('DECRBY', KEYS[3], gone)
  redis.call('HINCRBY', KEYS[2], ARGV[7], -gone)
end
local new = 0
if redis.call('HEXISTS', KEYS[2], ARGV[7]) == 0 then new = ARGV[5] + 3 * #ARGV[7] end
for i = 8, #ARGV do new = new + #ARGV[i] + 16 + ARGV[4] end
local held = tonumber(redis.call('GET', KEYS[3]) or 0)
if held + new > tonumber(ARGV[3]) then return {{0, held}} end
if is_crowded(new) then return {{-1, held}} end
for i = 8, #ARGV do
  redis.call('ZADD', KEYS[5], ARGV[1], string.format('%015d ', redis.call('INCR', KEYS[4])) .. ARGV[i])
end
redis.call('HINCRBY', KEYS[2], ARGV[7], new)
redis.call('INCRBY', KEYS[3], new)
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[7])
redis.call('EXPIRE', KEYS[5], ARGV[2])
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ARGV[2] * 2) end
return {{1, held + new}}
"""

_CLEAR = f"""{_DELETE}
-- KEYS: ids, sizes, bytes, of this test.  ARGV: now, lifetime, prefix, id
local count = redis.call('ZCOUNT', KEYS[4], '(' .. (ARGV[1] - ARGV[2]), '+inf')
delete(KEYS[1], KEYS[2], KEYS[3], ARGV[3], ARGV[4])
return count
"""


class StoreFull(Exception):
    """Nothing was stored; the text says why, and what to do."""


def add(test_id: str, records: list[dict[str, Any]], *, now: datetime) -> None:
    """Store all records with `received_at`, or none, in one round trip. Raises StoreFull, RedisError."""
    if not records:
        return
    maximum = settings.TEST_EVENTS_BYTES
    if len(records) * RECORD > maximum:  # before they are encoded
        raise StoreFull(_too_much(held()))
    stamped = [json.dumps({**record, "received_at": timestamp(now)}) for record in records]
    keys = (IDS, SIZES, BYTES, NUMBER, _key(test_id))
    args: tuple[Any, ...] = (now.timestamp(), LIFETIME, maximum, RECORD, ID, _key(""), test_id, *stamped)
    done, size = cast("list[int]", _redis().eval(_ADD, len(keys), *keys, *args))
    if done < 0:
        raise StoreFull("Redis' memory is needed for the events of lessons; try again when less waits")
    if done == 0:
        raise StoreFull(_too_much(size))


def _too_much(size: int) -> str:
    return (
        f"Test events may hold {settings.TEST_EVENTS_BYTES} bytes together, and {size} are held: clear those of a"
        f" test, or wait until they are {LIFETIME // 60} minutes old"
    )


def held() -> int:
    """Return the counted bytes of all test events. Raises RedisError."""
    return max(0, int(cast("bytes | None", _redis().get(BYTES)) or 0))


def of(test_id: str, *, now: datetime) -> list[dict[str, Any]]:
    """Return the records of a test that have not expired, in order of arrival."""
    found = cast(list[bytes], _redis().zrangebyscore(_key(test_id), f"({now.timestamp() - LIFETIME}", "+inf"))
    return [json.loads(member.partition(b" ")[2]) for member in found]


def clear(test_id: str, *, now: datetime) -> int:
    """Delete the records of a test; return their number."""
    keys = (IDS, SIZES, BYTES, _key(test_id))
    return int(cast(int, _redis().eval(_CLEAR, len(keys), *keys, now.timestamp(), LIFETIME, _key(""), test_id)))


def ids(*, now: datetime) -> list[str]:
    """Return the ids of the tests with records, oldest first."""
    found = cast(list[bytes], _redis().zrangebyscore(IDS, f"({now.timestamp() - LIFETIME}", "+inf"))
    return [member.decode() for member in found]


def _key(test_id: str) -> str:
    return f"test-events:id:{test_id}"


@cache
def _redis() -> Redis:
    return short_timeout_client(timeout=4, connect_timeout=2)
