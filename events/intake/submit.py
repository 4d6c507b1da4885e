"""Submitting a single event from synchronous code."""

from typing import Any

from events.intake.request import RequestRefused
from events.queue import jobs
from events.queue.enqueue import QueueUnavailable, enqueue, event_of


def submit(record: dict[str, Any], *, received: int, class_id: int | None = None) -> None:
    """Append one record to the stream, as if it was posted with a key of that class. Raises BadBody,
    RequestRefused(503)."""
    event = event_of(record, received=received, class_id=class_id)
    try:
        jobs.enqueue_drains(enqueue([event]))
    except QueueUnavailable:
        raise RequestRefused(503, "The event queue is not available; try again") from None
