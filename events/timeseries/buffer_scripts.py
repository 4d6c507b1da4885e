"""Lua scripts that change the buffer of points in one step. Its keys are explained in `events.timeseries.buffer`."""

from events.queue.stream import IS_CROWDED

ADD = (
    IS_CROWDED
    + """
-- KEYS: waiting, held.  ARGV: maximum of points, of bytes, points, lines, oldest and newest event time, complete from
redis.call('HSETNX', KEYS[2], 'complete_from', ARGV[7])
local points = tonumber(redis.call('HGET', KEYS[2], 'points') or 0)
local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0)
if points + ARGV[3] > tonumber(ARGV[1]) or bytes + #ARGV[4] > tonumber(ARGV[2]) or is_crowded(#ARGV[4]) then
  local since = tonumber(redis.call('HGET', KEYS[2], 'dropped_since') or ARGV[5])
  local complete = tonumber(redis.call('HGET', KEYS[2], 'complete_from'))
  redis.call('HINCRBY', KEYS[2], 'dropped', ARGV[3])
  if tonumber(ARGV[5]) <= since then redis.call('HSET', KEYS[2], 'dropped_since', ARGV[5]) end
  if tonumber(ARGV[6]) >= complete then
    redis.call('HSET', KEYS[2], 'complete_from', string.format('%.0f', ARGV[6] + 1))
  end
  local sums = tonumber(redis.call('HGET', KEYS[2], 'sums_from'))
  if sums and tonumber(ARGV[6]) >= sums then
    redis.call('HSET', KEYS[2], 'sums_from', string.format('%.0f', ARGV[6] + 1))
  end
  return 0
end
redis.call('XADD', KEYS[1], '*', 'n', ARGV[3], 'l', ARGV[4])
redis.call('HINCRBY', KEYS[2], 'points', ARGV[3])
redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[4])
return 1
"""
)

STATUS = """
-- KEYS: held, waiting, trouble, unsummed.  Does not read the entries' contents, which may be large
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local hour = redis.call('ZRANGE', KEYS[4], 0, 0)
return {redis.call('HGETALL', KEYS[1]), first[1] and first[1][1] or '', redis.call('HGET', KEYS[3], 'reason') or '',
        hour[1] or ''}
"""

REMOVE = """
-- KEYS: waiting, held.  ARGV: entry id, points and bytes, repeated.  Counts only existing entries
for i = 1, #ARGV, 3 do
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then
    redis.call('HINCRBY', KEYS[2], 'points', -ARGV[i + 1])
    redis.call('HINCRBY', KEYS[2], 'bytes', -ARGV[i + 2])
  end
end
"""


REFUSED = """
-- KEYS: held.  ARGV: number, InfluxDB's message, their newest event time or ''
redis.call('HINCRBY', KEYS[1], 'refused', ARGV[1])
redis.call('HSET', KEYS[1], 'refusal', ARGV[2])
if ARGV[3] == '' then return end
local before = tonumber(redis.call('HGET', KEYS[1], 'refused_until') or 0)
if tonumber(ARGV[3]) > before then redis.call('HSET', KEYS[1], 'refused_until', ARGV[3]) end
local complete = tonumber(redis.call('HGET', KEYS[1], 'complete_from'))
if complete and tonumber(ARGV[3]) >= complete then
  redis.call('HSET', KEYS[1], 'complete_from', string.format('%.0f', ARGV[3] + 1))
end
local sums = tonumber(redis.call('HGET', KEYS[1], 'sums_from'))
if sums and tonumber(ARGV[3]) >= sums then
  redis.call('HSET', KEYS[1], 'sums_from', string.format('%.0f', ARGV[3] + 1))
end
"""

INVALIDATE_SUMS = """
-- KEYS: held.  ARGV: an event time up to which the sums may be wrong
local sums = tonumber(redis.call('HGET', KEYS[1], 'sums_from'))
if sums and tonumber(ARGV[1]) >= sums then
  redis.call('HSET', KEYS[1], 'sums_from', string.format('%.0f', ARGV[1] + 1))
end
"""

BUCKET = """
-- KEYS: held.  ARGV: bucket, its creation, retention, complete from if it is new, start of its retention
-- Returns 1 if the bucket was replaced
local known = redis.call('HGET', KEYS[1], 'bucket')
local complete = tonumber(redis.call('HGET', KEYS[1], 'complete_from'))
redis.call('HSET', KEYS[1], 'bucket', ARGV[1], 'retention', ARGV[3])
if known ~= ARGV[1] and complete and (known or tonumber(ARGV[2]) > complete) then
  redis.call('HSET', KEYS[1], 'complete_from', ARGV[4])
  if redis.call('HEXISTS', KEYS[1], 'sums_from') == 1 then redis.call('HSET', KEYS[1], 'sums_from', ARGV[4]) end
  if known then redis.call('HSET', KEYS[1], 'remade', ARGV[2]) end
  return 1
end
if complete and complete < tonumber(ARGV[5]) then redis.call('HSET', KEYS[1], 'complete_from', ARGV[5]) end
return 0
"""
