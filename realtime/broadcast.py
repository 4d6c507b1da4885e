"""The only sender to live channels.

Two routes leave from here, for two kinds of listener: the channel layer for the sockets of our own web processes, and
the Redis channel `student_progress_notifications` for programs outside. Our web processes do not listen to the second
for what we sent ourselves (`origin`), so nothing arrives twice. Source: docs/contract/websocket.md section 6.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from channels.layers import get_channel_layer
from django.conf import settings
from redis import asyncio as aioredis

from realtime.messages import Frame, StudentRow

OUTSIDE_CHANNEL = "student_progress_notifications"
ORIGIN = "cell-monitor"
TIMEOUT = 5  # seconds for one broadcast


def publish(
    rows: Mapping[str, Sequence[StudentRow]], notices: Sequence[tuple[str, Frame]], *, outside: Sequence[Frame]
) -> None:
    """Send changed rows and notices to their groups, and `outside` to other programs. For synchronous callers.

    Consumers coalesce rows; a notice goes out at once. Raises when Redis does not take it.
    """
    _run(_publish(rows, notices, outside))


async def _publish(
    rows: Mapping[str, Sequence[StudentRow]], notices: Sequence[tuple[str, Frame]], outside: Sequence[Frame]
) -> None:
    layer = get_channel_layer()
    assert layer is not None
    for group, frame in notices:
        await layer.group_send(group, {"type": "notice", "frame": frame})
    for group, changed in rows.items():
        if changed:
            await layer.group_send(group, {"type": "rows", "rows": list(changed)})
    async with _outside().pipeline(transaction=False) as pipe:
        for frame in outside:
            pipe.publish(OUTSIDE_CHANNEL, msgspec.json.encode({**frame, "origin": ORIGIN}))
        await pipe.execute()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop for all synchronous senders of this process: `async_to_sync` would open a loop, and with it a
    connection to Redis, for every call."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="broadcast", daemon=True).start()
    return loop


@cache
def _outside() -> "aioredis.Redis":
    return aioredis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT)


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(work, _loop()).result(timeout=TIMEOUT)
