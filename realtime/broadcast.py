"""Send frames to the channel layer and to the external Redis channel. All live messages are sent by this module.

The channel layer serves the sockets of our own web processes; the Redis channel `student_progress_notifications` serves
external programs. Our web processes ignore frames on it that carry our own `origin`, so nothing is delivered twice.
Source: docs/contract/websocket.md section 6.
"""

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from channels.layers import get_channel_layer
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from core.redis import async_client
from realtime import groups
from realtime.messages import Level, Message, SystemAlert, SystemMessage, SystemMessageData, encode, name_of
from realtime.rows import ClassRun, LastRun, StudentRow

logger = logging.getLogger(__name__)

OUTSIDE_CHANNEL = "student_progress_notifications"
OWN_ENDING = b',"origin":"cell-monitor"}'  # of our own frames on that channel
TIMEOUT = 5  # seconds for one broadcast


def publish(
    rows: Mapping[str, Sequence[StudentRow]], notices: Sequence[tuple[str, Message]], *, outside: Sequence[Message]
) -> None:
    """Send changed rows and notices to their groups, and `outside` to external programs. For synchronous callers.

    Consumers coalesce rows; a notice is sent at once. A socket that is in several groups receives the same frame object
    once. Raises RedisError, OSError or TimeoutError if Redis does not accept it.
    """
    _run(_publish(rows, notices, outside))


def publish_notices(notices: Sequence[tuple[str, Message]], *, outside: Sequence[Message]) -> None:
    """Send notices alone; otherwise like `publish`."""
    publish({}, notices, outside=outside)


def publish_runs(notices: Sequence[ClassRun], last: Mapping[str, Sequence[tuple[int, LastRun]]]) -> None:
    """Send `notices` to the students' `progress` channels and `last`, each student's last run, to groups.

    A dashboard sends the last run together with the student's next row, so call this before `publish()`.
    """
    _run(_publish_runs(notices, last))


def notify(recipients: Iterable[str], frame: Message, *, also_outside: bool = False) -> None:
    """Send one notice about a change that is already stored to these groups and, if asked, to external programs. It is
    lost if Redis is not reachable (`best_effort`)."""
    addressed = [(group, frame) for group in recipients]
    best_effort(lambda: publish_notices(addressed, outside=[frame] if also_outside else []))


def best_effort(send: Callable[[], None]) -> None:
    """Call `send`, which sends notices about changes that are already stored.

    If Redis is not reachable the notices are lost, with a warning in the log; pages read the state again when they
    reconnect.
    """
    try:
        send()
    except (RedisError, OSError, TimeoutError) as error:
        logger.warning("A live notice was not sent: %s", type(error).__name__)


def wake_inboxes(student_ids: Collection[int], *, help_in: Collection[int] = ()) -> None:
    """Wake those who wait for news of these students, after it is stored. For synchronous callers.

    `help_in` are the classes whose help queue changed (0: any of these students' classes). Raises what `publish`
    raises.
    """
    _run(awake_inboxes(student_ids, help_in=help_in))


async def awake_inboxes(student_ids: Collection[int], *, help_in: Collection[int] = ()) -> None:
    """Do the same as `wake_inboxes`. For consumers."""
    message = {"type": "inboxes", "students": list(student_ids), "help_in": list(help_in)}
    await _layer().group_send(groups.INBOXES, message)


async def send(notices: Sequence[tuple[str, Message]]) -> None:
    """Send notices to their groups, without the external channel. For consumers."""
    await _send(_layer(), notices)


def system_message(message: str, *, level: Level = "info") -> None:
    """Send a message to every connection and to external programs. For the admin site and for management commands."""
    frame = SystemMessage(SystemMessageData(message, level))
    everybody = (groups.BROADCAST, groups.DEVICES, groups.DASHBOARDS)
    publish_notices([(group, frame) for group in everybody], outside=[frame])


def system_alert(message: str, *, alert_type: str, severity: Level = "warning") -> None:
    """Notify dashboards and instructors that a service has failed or has recovered."""
    frame = SystemAlert(alert_type=alert_type, severity=severity, message=message)
    publish_notices([(group, frame) for group in (groups.DASHBOARDS, groups.INSTRUCTORS)], outside=[frame])


async def _publish(
    rows: Mapping[str, Sequence[StudentRow]], notices: Sequence[tuple[str, Message]], outside: Sequence[Message]
) -> None:
    layer = _layer()
    await _send(layer, notices)
    for group, changed in rows.items():
        if changed:
            message = {"type": "rows", "group": group, "rows": list(changed)}
            await layer.group_send(groups.row_group(group), message)
    async with _outside().pipeline(transaction=False) as pipe:
        for frame in outside:
            pipe.publish(OUTSIDE_CHANNEL, encode(frame).encode()[:-1] + OWN_ENDING)  # one more field
        await pipe.execute()


async def _publish_runs(notices: Sequence[ClassRun], last: Mapping[str, Sequence[tuple[int, LastRun]]]) -> None:
    layer = _layer()
    if notices:
        await layer.group_send(groups.RUNS, {"type": "runs", "runs": list(notices)})
    for group, runs in last.items():
        if runs:
            message = {"type": "last_runs", "group": group, "runs": list(runs)}
            await layer.group_send(groups.row_group(group), message)


async def _send(layer: Any, notices: Sequence[tuple[str, Message]]) -> None:
    """Send each notice as the text that sockets write, so that it is encoded once."""
    sent: dict[int, dict[str, str]] = {}
    for group, frame in notices:
        if id(frame) not in sent:
            sent[id(frame)] = {"type": "notice", "name": name_of(frame), "text": encode(frame), "key": uuid.uuid4().hex}
        await layer.group_send(group, sent[id(frame)])


def load() -> None:
    """Load the library of the channel layer, which the first message would do."""
    _layer()


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
    return async_client(timeout=TIMEOUT, reconnect=True)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run_coroutine_threadsafe(coroutine, _loop()).result(timeout=TIMEOUT)
