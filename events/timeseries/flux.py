"""Time series queries in InfluxDB.

The query texts are constant. All values are sent as parameters, so that no name or address is parsed as Flux.

InfluxDB reads by series, and a student has one for each notebook, session and kind of event. Grouping by student before
counting takes a fifth of the time (measured with InfluxDB 2.7.12). A period is queried in parts (`QueryPart`): whole
hours from the sums of `buckets`, the rest from single points. Each function raises one of `client.unanswered`, or
ValueError, LookupError or TypeError for an invalid answer.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from events.timeseries import client as timeseries_client
from events.timeseries.hourly_sums import SUMS, hourly_bucket, sums
from events.timeseries.line_protocol import MEASUREMENT, RUN_KINDS, student_tag
from events.timeseries.types import StudentTotals, Totals

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SUM_MS = 20_000  # no page waits for the sums; they are computed while nothing else is sent

_STUDENTS = """
ofStudents = (tables=<-) => tables |> filter(fn: (r) => _everybody or contains(value: r.userId, set: _students))
"""
_POINTS = f"""{_STUDENTS}
points = (field) => from(bucket: _bucket)
    |> range(start: _since, stop: _until)
    |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == field)
    |> filter(fn: (r) => {" or ".join(f'r.event == "{kind}"' for kind in RUN_KINDS)})
failed = (tables=<-) => tables |> filter(fn: (r) => r._value == false)
"""
_SUMS = f"""{_STUDENTS}
sums = (field) => from(bucket: _bucket)
    |> range(start: _since, stop: _until)
    |> filter(fn: (r) => r._measurement == "{SUMS}" and r._field == field)
"""
_IN_BUCKETS = """
inBuckets = (tables=<-, fn) => tables
    |> group(columns: ["userId"])
    |> ofStudents()
    |> group()
    |> aggregateWindow(every: _every, offset: _offset, fn: fn, createEmpty: false, timeSrc: "_start")
    |> keep(columns: ["_time", "_value"])
"""
_OF_EACH = """
ofEach = (tables=<-) => tables |> ofStudents() |> keep(columns: ["userId", "_value"]) |> group()
"""

ACTIVITY = f"""{_POINTS}{_IN_BUCKETS}
points(field: "success") |> inBuckets(fn: count) |> yield(name: "runs")
points(field: "success") |> failed() |> inBuckets(fn: count) |> yield(name: "errors")
"""

ACTIVITY_OF_HOURS = f"""{_SUMS}{_IN_BUCKETS}
sums(field: "runs") |> inBuckets(fn: sum) |> yield(name: "runs")
sums(field: "errors") |> inBuckets(fn: sum) |> yield(name: "errors")
"""

TOTALS = f"""{_POINTS}{_OF_EACH}
points(field: "success") |> group(columns: ["userId"]) |> count() |> ofEach() |> yield(name: "runs")
points(field: "success") |> failed() |> group(columns: ["userId"]) |> count() |> ofEach() |> yield(name: "errors")
points(field: "duration") |> group(columns: ["userId"]) |> count() |> ofEach() |> yield(name: "timed")
points(field: "duration") |> group(columns: ["userId"]) |> sum() |> ofEach() |> yield(name: "milliseconds")
"""

TOTALS_OF_HOURS = f"""{_SUMS}{_OF_EACH}
inAll = (field) => sums(field: field) |> group(columns: ["userId"]) |> sum() |> ofEach()
inAll(field: "runs") |> yield(name: "runs")
inAll(field: "errors") |> yield(name: "errors")
inAll(field: "timed") |> yield(name: "timed")
inAll(field: "milliseconds") |> yield(name: "milliseconds")
"""

PER_STUDENT = f"""{_POINTS}{_OF_EACH}
points(field: "success") |> group(columns: ["userId"]) |> count() |> ofEach() |> yield(name: "runs")
points(field: "success") |> failed() |> group(columns: ["userId"]) |> count() |> ofEach() |> yield(name: "errors")
points(field: "success")
    |> group(columns: ["userId"])
    |> ofStudents()
    |> aggregateWindow(every: _every, fn: count, createEmpty: false, timeSrc: "_start")
    |> group(columns: ["userId"])
    |> count()
    |> group()
    |> yield(name: "minutes")
"""

# Computes the sums of a finished hour again, because points arrived late.
SUM = sums(bucket="_bucket", into="_hourly", start="_since", stop="_until")


@dataclass(frozen=True, slots=True)
class QueryPart:
    """A part of a period; `of_hours` if it is read from hourly sums."""

    since: datetime
    until: datetime
    of_hours: bool = False


def activity(
    parts: Sequence[QueryPart], *, since: datetime, bucket: timedelta, emails: Collection[str] | None
) -> dict[int, tuple[int, int]]:
    """Return the runs and errors of each bucket, by its index, without empty ones. One query a part."""
    params = {"_every": bucket, "_offset": (since - EPOCH) % bucket}
    counts: dict[int, dict[str, int]] = {}
    for part in parts:
        for record in _ask(ACTIVITY_OF_HOURS if part.of_hours else ACTIVITY, part, emails, params):
            found = counts.setdefault((record["_time"] - since) // bucket, {})
            found[record["result"]] = found.get(record["result"], 0) + int(record["_value"])
    return {number: (found.get("runs", 0), found.get("errors", 0)) for number, found in counts.items()}


def totals(parts: Sequence[QueryPart], *, emails: Collection[str] | None) -> Totals:
    """Return the totals of all parts. One query a part."""
    found: dict[str, dict[str, float]] = {name: {} for name in ("runs", "errors", "timed", "milliseconds")}
    for part in parts:
        for record in _ask(TOTALS_OF_HOURS if part.of_hours else TOTALS, part, emails, {}):
            of_each = found[record["result"]]
            of_each[record["userId"]] = of_each.get(record["userId"], 0) + float(record["_value"])
    timed = sum(found["timed"].values())
    return Totals(
        runs=int(sum(found["runs"].values())),
        errors=int(sum(found["errors"].values())),
        seconds=sum(found["milliseconds"].values()) / timed / 1000 if timed else None,
        active=sum(runs > 0 for runs in found["runs"].values()),
    )


def per_student(part: QueryPart, *, students: Mapping[str, int]) -> dict[int, StudentTotals]:
    """Return the totals of each student by the ids of `students`, whose keys are addresses, without students who ran
    nothing. What came with several addresses of one is added up."""
    ids = {student_tag(email): student for email, student in students.items()}
    counts: dict[int, Counter[str]] = {}
    for record in _ask(PER_STUDENT, part, students, {"_every": MINUTE}):
        counts.setdefault(ids[record["userId"]], Counter())[record["result"]] += int(record["_value"])
    return {
        student: StudentTotals(runs=found["runs"], errors=found["errors"], minutes=found["minutes"])
        for student, found in counts.items()
    }


def sum_hour(start: datetime) -> None:
    """Compute and write the sums of this hour again."""
    params = {"_bucket": settings.INFLUXDB_BUCKET, "_hourly": hourly_bucket(), "_since": start, "_until": start + HOUR}
    timeseries_client.ask(SUM, params, timeout_ms=SUM_MS)


def _ask(flux: str, part: QueryPart, emails: Collection[str] | None, extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    params = {
        "_bucket": hourly_bucket() if part.of_hours else settings.INFLUXDB_BUCKET,
        "_since": part.since,
        "_until": part.until,
        "_everybody": emails is None,
        # Never empty, because Flux cannot infer the type of an empty list.
        "_students": sorted({student_tag(email) for email in emails or ()}) or [""],
        **extra,
    }
    return timeseries_client.ask(flux, params)
