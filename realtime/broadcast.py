"""Send frames to the channel layer and to the external Redis channel. All live messages are sent by this module.

The channel layer serves the sockets of our own web processes; the Redis channel `student_progress_notifications` serves
external programs. Our web processes ignore frames on it that carry our own `origin`, so nothing is delivered twice.
Source: docs/contract/websocket.md section 6.
"""

import asyncio
import threading
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from channels.layers import get_channel_layer
from redis import asyncio as aioredis

from core.redis import async_client
from realtime import groups, messages
from realtime.messages import Frame, LastRun, Level, RunNotice, StudentRow

OUTSIDE_CHANNEL = "student_progress_notifications"
ORIGIN = "cell-monitor"
TIMEOUT = 5  # seconds for one broadcast


def publish(
    rows: Mapping[str, Sequence[StudentRow]], notices: Sequence[tuple[str, Frame]], *, outside: Sequence[Frame]
) -> None:
    """Send changed rows and notices to their groups, and `outside` to external programs. For synchronous callers.

    Consumers coalesce rows; a notice is sent at once. A socket that is in several groups receives the same frame object
    once. Raises RedisError, OSError or TimeoutError if Redis does not accept it.
    """
    _run(_publish(rows, notices, outside))


def publish_runs(notices: Sequence[RunNotice], last: Mapping[str, Sequence[tuple[int, LastRun]]]) -> None:
    """Send `notices` to the students' `progress` channels and `last`, each student's last run, to groups.

    A dashboard sends the last run together with the student's next row, so call this before `publish()`.
    """
    _run(_publish_runs(notices, last))


async def send(notices: Sequence[tuple[str, Frame]]) -> None:
    """Send notices to their groups, without the external channel. For consumers."""
    await _send(_layer(), notices)


def system_message(message: str, *, level: Level = "info") -> None:
    """Send a message to every connection and to external programs. For the admin site and for management commands."""
    frame = messages.system_message(message, level=level)
    publish({}, [(group, frame) for group in (groups.BROADCAST, groups.DASHBOARDS)], outside=[frame])


def system_alert(message: str, *, alert_type: str, severity: Level = "warning") -> None:
    """Notify dashboards and instructors that a service has failed or has recovered."""
    frame = messages.system_alert(message, alert_type=alert_type, severity=severity)
    publish({}, [(group, frame) for group in (groups.DASHBOARDS, groups.INSTRUCTORS)], outside=[frame])


async def _publish(
    rows: Mapping[str, Sequence[StudentRow]], notices: Sequence[tuple[str, Frame]], outside: Sequence[Frame]
) -> None:
    layer = _layer()
    await _send(layer, notices)
    for group, changed in rows.items():
        if changed:
            await layer.group_send(group, {"type": "rows", "rows": list(changed)})
    async with _outside().pipeline(transaction=False) as pipe:
        for frame in outside:
            pipe.publish(OUTSIDE_CHANNEL, msgspec.json.encode({**frame, "origin": ORIGIN}))
        await pipe.execute()


async def _publish_runs(notices: Sequence[RunNotice], last: Mapping[str, Sequence[tuple[int, LastRun]]]) -> None:
    layer = _layer()
    if notices:
        await layer.group_send(groups.RUNS, {"type": "runs", "runs": list(notices)})
    for group, runs in last.items():
        if runs:
            await layer.group_send(group, {"type": "last_runs", "runs": list(runs)})


async def _send(layer: Any, notices: Sequence[tuple[str, Frame]]) -> None:
    keys: dict[int, str] = {}
    for group, frame in notices:
        key = keys.setdefault(id(frame), uuid.uuid4().hex)
        await layer.group_send(group, {"type": "notice", "frame": frame, "key": key})


def _layer() -> Any:
    layer = get_channel_layer()
    assert layer is not None
    return layer


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that all synchronous senders of this process share.

    `async_to_sync` would open a loop, and with it a connection to Redis, for every call.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="broadcast", daemon=True).start()
    return loop


@cache
def _outside() -> "aioredis.Redis":
    return async_client(timeout=TIMEOUT)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(coroutine, _loop()).result(timeout=TIMEOUT)
