"""Events as docs/contract/events.md of the product describes them: ids, times, and what a run says."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from . import CLIENT
from .outputs import OutputText, clip, clip_end

Event = dict[str, Any]

# Whoever names a run derives the same event id: two tabs, the watcher, the browser and the kernel's own hook.
RUN_NAMESPACE = uuid.UUID("6b0f5c0e-0d1c-5a7e-9a53-6d2f1c7f4b11")
SOURCE_BYTES = 64 * 1024
ERROR_BYTES = 2 * 1024
TRACEBACK_BYTES = 16 * 1024
TIMES = ("queuedAt", "startedAt", "finishedAt")  # in metadata


@dataclass
class Cell:
    """Where a run belongs. `path` is the notebook's name for the product, `local_path` that of the file."""

    path: str | None = None
    local_path: str | None = None
    cell_id: str | None = None
    cell_index: int | None = None
    cell_type: str = "code"
    is_private: bool = False  # kind, times and status are sent, nothing of what it says
    is_off: bool = False  # nothing is sent


@dataclass
class Run:
    """One execution of one code cell. Times are seconds since 1970 by the clock of the kernel's machine."""

    msg_id: str
    kernel_id: str
    kernel_start: int  # which life of the kernel, from 1
    cell: Cell = field(default_factory=Cell)
    code: str = ""
    execution_count: int | None = None
    queued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    is_end_estimated: bool = False
    slept: float = 0.0  # seconds of the run in which the machine slept, or by which its clock was set
    output: OutputText = field(default_factory=OutputText)
    output_bytes: int = 0
    output_types: dict[str, int] = field(default_factory=dict)
    error_name: str | None = None
    error_value: str = ""
    traceback: str = ""


def event_id(msg_id: str, phase: str) -> str:
    """Return the id of a run's event; `phase` is start or end. The end has one id however it ended."""
    return str(uuid.uuid5(RUN_NAMESPACE, f"{msg_id}:{phase}"))


def iso(seconds: float) -> str:
    """Return UTC with milliseconds, as in 2026-11-27T22:32:12.923Z."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """Return the time that `iso` wrote. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def run_started(run: Run) -> Event:
    """Return the cell_execution_start of a run that has a start."""
    assert run.started_at is not None
    return {
        "eventId": event_id(run.msg_id, "start"),
        "eventType": "cell_execution_start",
        "eventTime": iso(run.started_at),
        **_place(run),
        "metadata": _metadata(run),
    }


def run_ended(run: Run, status: str, reason: str | None = None) -> Event:
    """Return the end of a run. `status` is success, error or aborted; `reason` says why it was aborted."""
    ended_at = run.finished_at if run.finished_at is not None else run.started_at or run.queued_at
    assert ended_at is not None
    event: Event = {
        "eventId": event_id(run.msg_id, "end"),
        "eventType": "cell_execution_error" if status == "error" else "cell_execution_complete",
        "eventTime": iso(ended_at),
        **_place(run),
        "status": status,
        "hasError": status == "error",
        "metadata": _metadata(run),
    }
    metadata = event["metadata"]
    if run.started_at is not None:
        event["executionDurationMs"] = round(max(0.0, ended_at - run.started_at - run.slept) * 1000, 3)
    if run.finished_at is not None:
        metadata["finishedAt"] = iso(run.finished_at)
    if run.slept:
        metadata["sleptMs"] = round(run.slept * 1000)
    if run.is_end_estimated:
        metadata["endIsEstimated"] = True
    if reason:
        metadata["reason"] = reason
    if run.cell.is_private:
        return event
    result = run.output.text()
    if result:
        event["result"] = result
    if run.error_name is not None:
        event["errorMessage"] = clip(f"{run.error_name}: {run.error_value}", ERROR_BYTES)
        if run.traceback:
            metadata["traceback"] = clip_end(run.traceback, TRACEBACK_BYTES)
    metadata["outputBytes"] = run.output_bytes
    metadata["outputTypes"] = dict(run.output_types)
    return event


def _place(run: Run) -> Event:
    cell = run.cell
    place = {
        "notebookPath": cell.path,
        "cellId": cell.cell_id,
        "cellIndex": cell.cell_index,
        "cellType": cell.cell_type,
        "executionCount": run.execution_count,
        "code": None if cell.is_private else clip(run.code, SOURCE_BYTES),
    }
    return {name: value for name, value in place.items() if value is not None}


def _metadata(run: Run) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "runId": run.msg_id,
        "kernelId": run.kernel_id,
        "kernelStart": run.kernel_start,
        "client": CLIENT,
    }
    if run.cell.local_path is not None:
        metadata["localPath"] = run.cell.local_path
    if run.cell.is_private:
        metadata["private"] = True
    if run.queued_at is not None:
        metadata["queuedAt"] = iso(run.queued_at)
    if run.started_at is not None:
        metadata["startedAt"] = iso(run.started_at)
        if run.queued_at is not None:
            metadata["queuedMs"] = round(max(0.0, run.started_at - run.queued_at) * 1000)
    return metadata


def plain_event(kind: str, at: float, **fields: Any) -> Event:
    """Return an event that is no run, with an id of its own. Fields that are None are left out."""
    event: Event = {"eventId": str(uuid.uuid4()), "eventType": kind, "eventTime": iso(at)}
    event.update({name: value for name, value in fields.items() if value is not None})
    event["metadata"] = {"client": CLIENT, **(fields.get("metadata") or {})}
    return event


def shifted(event: Event, offset: float) -> Event:
    """Return the event by the product's clock, which is `offset` seconds ahead of this machine's."""
    shifted_event = {**event, "eventTime": iso(seconds(event["eventTime"]) + offset)}
    metadata = dict(event.get("metadata") or {})
    for name in TIMES:
        if name in metadata:
            metadata[name] = iso(seconds(metadata[name]) + offset)
    metadata["clockOffsetMs"] = round(offset * 1000)
    shifted_event["metadata"] = metadata
    return shifted_event
