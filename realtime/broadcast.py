"""The only sender to live channels.

Two routes leave from here, for two kinds of listener: the channel layer for the sockets of our own web processes, and
the Redis channel `student_progress_notifications` for programs outside. Our web processes do not listen to the second
for what we sent ourselves (`origin`), so nothing arrives twice. Source: docs/contract/websocket.md section 6.
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
    """Send changed rows and notices to their groups, and `outside` to other programs. For synchronous callers.

    Consumers coalesce rows; a notice goes out at once. The same frame to several groups reaches a socket that is in
    more than one of them once. Raises when Redis does not take it.
    """
    _run(_publish(rows, notices, outside))


def publish_runs(notices: Sequence[RunNotice], last: Mapping[str, Sequence[tuple[int, LastRun]]]) -> None:
    """Send runs to their students' `progress` channels, and to groups each student's latest, which a dashboard shows
    with that student's next row: call it before the rows are published."""
    _run(_publish_runs(notices, last))


async def send(notices: Sequence[tuple[str, Frame]]) -> None:
    """The same for notices from a socket, which nobody outside hears."""
    await _send(_layer(), notices)


def system_message(message: str, *, level: Level = "info") -> None:
    """Tell everybody who is connected, and programs outside. For the admin site and for operators' commands."""
    frame = messages.system_message(message, level=level)
    publish({}, [(group, frame) for group in (groups.BROADCAST, groups.DASHBOARDS)], outside=[frame])


def system_alert(message: str, *, alert_type: str, severity: Level = "warning") -> None:
    """Tell those who watch that a service is in trouble, or well again."""
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
    """One event loop for all synchronous senders of this process: `async_to_sync` would open a loop, and with it a
    connection to Redis, for every call."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="broadcast", daemon=True).start()
    return loop


@cache
def _outside() -> "aioredis.Redis":
    return async_client(timeout=TIMEOUT)


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(work, _loop()).result(timeout=TIMEOUT)
