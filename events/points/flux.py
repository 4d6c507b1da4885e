"""The questions, answered by InfluxDB. Each is one query whose text is the same for everybody: what differs travels
beside it as parameters, so that no name or address is ever read as Flux.

Counted is first within each series, where the storage does it, then among the few rows that are left: by student, by
bucket. Each function raises one of `server.unanswered`, or ValueError, LookupError or TypeError for an answer that
makes no sense.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from events.points import server
from events.points.lines import MEASUREMENT, RUN_KINDS, student_tag
from events.points.shapes import Totals, Work

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

_POINTS = f"""
points = (field) => from(bucket: _bucket)
    |> range(start: _since, stop: _until)
    |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == field)
    |> filter(fn: (r) => {" or ".join(f'r.event == "{kind}"' for kind in RUN_KINDS)})
failed = (tables=<-) => tables |> filter(fn: (r) => r._value == false)
ofStudents = (tables=<-) => tables |> filter(fn: (r) => _everybody or contains(value: r.userId, set: _students))
"""

ACTIVITY = f"""{_POINTS}
inBuckets = (tables=<-) => tables
    |> aggregateWindow(every: _every, offset: _offset, fn: count, createEmpty: false, timeSrc: "_start")
    |> ofStudents()
    |> group(columns: ["_time"])
    |> sum()
    |> group()
points(field: "success") |> inBuckets() |> yield(name: "runs")
points(field: "success") |> failed() |> inBuckets() |> yield(name: "errors")
"""

TOTALS = f"""{_POINTS}
inAll = (tables=<-) => tables |> ofStudents() |> group() |> sum()
points(field: "success") |> count() |> inAll() |> yield(name: "runs")
points(field: "success") |> failed() |> count() |> inAll() |> yield(name: "errors")
points(field: "duration") |> count() |> inAll() |> yield(name: "timed")
points(field: "duration") |> sum() |> inAll() |> yield(name: "milliseconds")
points(field: "success") |> count() |> ofStudents() |> group(columns: ["userId"]) |> sum() |> group() |> count()
    |> yield(name: "active")
"""

PER_STUDENT = f"""{_POINTS}
ofEach = (tables=<-) => tables |> ofStudents() |> group(columns: ["userId"]) |> sum() |> group()
points(field: "success") |> count() |> ofEach() |> yield(name: "runs")
points(field: "success") |> failed() |> count() |> ofEach() |> yield(name: "errors")
points(field: "success")
    |> aggregateWindow(every: _every, fn: count, createEmpty: false, timeSrc: "_start")
    |> ofStudents()
    |> group(columns: ["userId", "_time"])
    |> sum()
    |> group(columns: ["userId"])
    |> count()
    |> group()
    |> yield(name: "minutes")
"""


def activity(
    *, since: datetime, until: datetime, bucket: timedelta, emails: Collection[str] | None
) -> dict[int, tuple[int, int]]:
    """Runs and errors in each bucket, by its number from `since` on; empty ones are left out."""
    params = {"_every": bucket, "_offset": (since - EPOCH) % bucket}
    counts: dict[int, dict[str, int]] = {}
    for record in _ask(ACTIVITY, since, until, emails, params):
        number = (record["_time"] - since) // bucket
        counts.setdefault(number, {})[record["result"]] = int(record["_value"])
    return {number: (found.get("runs", 0), found.get("errors", 0)) for number, found in counts.items()}


def totals(*, since: datetime, until: datetime, emails: Collection[str] | None) -> Totals:
    found = {record["result"]: record["_value"] for record in _ask(TOTALS, since, until, emails, {})}
    timed = int(found.get("timed", 0))
    return Totals(
        runs=int(found.get("runs", 0)),
        errors=int(found.get("errors", 0)),
        seconds=float(found["milliseconds"]) / timed / 1000 if timed else None,
        active=int(found.get("active", 0)),
    )


def per_student(*, since: datetime, until: datetime, emails: Mapping[int, str]) -> dict[int, Work]:
    """By the ids of `emails`; students who ran nothing are left out."""
    ids = {student_tag(email): student for student, email in emails.items()}
    counts: dict[int, dict[str, int]] = {}
    for record in _ask(PER_STUDENT, since, until, emails.values(), {"_every": MINUTE}):
        counts.setdefault(ids[record["userId"]], {})[record["result"]] = int(record["_value"])
    return {
        student: Work(runs=found["runs"], errors=found.get("errors", 0), minutes=found["minutes"])
        for student, found in counts.items()
    }


def _ask(
    flux: str, since: datetime, until: datetime, emails: Collection[str] | None, more: Mapping[str, Any]
) -> list[dict[str, Any]]:
    params = {
        "_bucket": settings.INFLUXDB_BUCKET,
        "_since": since,
        "_until": until,
        "_everybody": emails is None,
        # Never empty: Flux cannot tell what an empty list is a list of.
        "_students": sorted({student_tag(email) for email in emails or ()}) or [""],
        **more,
    }
    return server.ask(flux, params)
