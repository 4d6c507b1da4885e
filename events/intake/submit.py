"""Events from a synchronous caller: the same way as those of a POST, one at a time."""

from typing import Any

from events.intake.app import Answer
from events.queue import jobs
from events.queue.enqueue import QueueUnavailable, enqueue, event_of


def submit(record: dict[str, Any], *, received: int, class_id: int | None = None) -> None:
    """Queue one record under the names of the event contract, as if it came with a key of that class. Raises
    wire.BadBody and intake.Answer(503)."""
    event = event_of(record, received=received, class_id=class_id)
    try:
        jobs.enqueue_drains(enqueue([event]))
    except QueueUnavailable:
        raise Answer(503, "The event queue is not available; try again") from None
