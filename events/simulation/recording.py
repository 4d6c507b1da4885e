"""Reading recorded requests from JSON lines.

A line is a request as a recording proxy writes it (an object with `method`, `path`, `body`, `t`), an event, or an array
of events. Only POST requests with a body are read; their bodies are not changed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from events.simulation.records import wire_time

EVENT_KEYS = {"eventType", "event_type", "event", "type", "emailAddress", "eventId", "event_id"}
TIME_KEYS = ("eventTime", "timestamp")
ID_KEYS = ("eventId", "event_id")

Event = dict[str, Any]  # as recorded: it may have any fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    line: int
    body: bytes
    at: float | None  # seconds since the recording began, where the line says so


@dataclass(frozen=True, kw_only=True, slots=True)
class BadLine:
    line: int
    reason: str


def read(lines: Iterable[bytes]) -> Iterator[Post | BadLine]:
    """Yield the request of each line, without lines that contain none (GET, OPTIONS, blank)."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = _post(number, line.strip())
        except (ValueError, msgspec.DecodeError) as wrong:
            yield BadLine(line=number, reason=str(wrong))
            continue
        if found is not None:
            yield found


def _post(number: int, line: bytes) -> Post | None:
    value = msgspec.json.decode(line)
    if isinstance(value, list):
        return Post(line=number, body=line, at=None)
    if not isinstance(value, dict):
        raise ValueError("neither an object nor an array")
    if "method" in value:
        return _request(number, value)
    if EVENT_KEYS & value.keys():
        return Post(line=number, body=b"[" + line + b"]", at=None)
    raise ValueError("neither a recorded request nor an event")


def _request(number: int, value: dict[str, Any]) -> Post | None:
    body, at = value.get("body"), value.get("t")
    if value["method"] != "POST" or body is None:
        return None
    if at is not None and not isinstance(at, int | float):
        raise ValueError(f"t is {at!r}; it must be seconds")
    raw = body.encode(errors="surrogatepass") if isinstance(body, str) else msgspec.json.encode(body)
    return Post(line=number, body=raw, at=at)


def with_fresh_ids(posts: list[Post]) -> list[Post]:
    """Return the same events with new ids, for a server that has the old ones. Equal ids stay equal."""
    fresh: dict[str, str] = {}

    def change(event: Event) -> None:
        for key in ID_KEYS:
            if isinstance(event.get(key), str):
                event[key] = fresh.setdefault(event[key], str(uuid4()))

    return [_changed(post, change) for post in posts]


def with_shifted_times(posts: list[Post], *, now: datetime) -> list[Post]:
    """Return the events with all times shifted by the same amount, so that the latest is `now`."""
    times = [moment for post in posts for event in _events(post.body) for _, moment in _times(event)]
    if not times:
        return posts
    shift: timedelta = now - max(times)

    def change(event: Event) -> None:
        for key, moment in _times(event):
            event[key] = wire_time(moment + shift)

    return [_changed(post, change) for post in posts]


def _changed(post: Post, change: Callable[[Event], None]) -> Post:
    """Return the post with all its events changed. A body without events is not changed."""
    events = _events(post.body)
    if not events:
        return post
    for event in events:
        change(event)
    return replace(post, body=msgspec.json.encode(events))


def _events(body: bytes) -> list[Event]:
    """Return the events of an array of objects. Other bodies are invalid, and are replayed unchanged."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, msgspec.DecodeError):
        return []
    return value if isinstance(value, list) and all(isinstance(event, dict) for event in value) else []


def _times(event: Event) -> list[tuple[str, datetime]]:
    """Return the times of an event that are texts, by key. A time without an offset is UTC."""
    found = []
    for key in TIME_KEYS:
        try:
            moment = datetime.fromisoformat(event[key])
        except (KeyError, TypeError, ValueError):
            continue
        found.append((key, moment if moment.tzinfo else moment.replace(tzinfo=UTC)))
    return found
