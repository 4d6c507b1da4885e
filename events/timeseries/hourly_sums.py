"""Hourly sums of points: their bucket, and the Flux query that writes them. `buckets` documents their use."""

from django.conf import settings

from events.contract.effects import TEXT_CELLS
from events.timeseries.line_protocol import MEASUREMENT, RUN_KINDS

SUMS = "student_activity"  # the measurement
# The condition on a point that counts as a run, as `events.counted_runs` has it for a row.
_KINDS = " or ".join(f'r.event == "{kind}"' for kind in RUN_KINDS)
RUNS_COUNTED = " and ".join([f"({_KINDS})", *(f'r.cellType != "{kind}"' for kind in TEXT_CELLS)])


def hourly_bucket() -> str:
    return f"{settings.INFLUXDB_BUCKET}_hourly"


def sums(*, bucket: str, into: str, start: str, stop: str) -> str:
    """Return the Flux query that writes hourly sums; the arguments are Flux expressions."""
    return f"""
points = (field) => from(bucket: {bucket})
    |> range(start: {start}, stop: {stop})
    |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == field)
    |> filter(fn: (r) => {RUNS_COUNTED})
store = (tables=<-, field) => tables
    |> group(columns: ["userId", "teamName", "notebook", "_time"])
    |> sum()
    |> group()
    |> map(fn: (r) => ({{r with _measurement: "{SUMS}", _field: field, _value: float(v: r._value)}}))
    |> to(bucket: {into}, tagColumns: ["userId", "teamName", "notebook"])

points(field: "success")
    |> aggregateWindow(every: 1h, fn: count, createEmpty: false, timeSrc: "_start")
    |> store(field: "runs")
points(field: "success")
    |> filter(fn: (r) => r._value == false)
    |> aggregateWindow(every: 1h, fn: count, createEmpty: false, timeSrc: "_start")
    |> store(field: "errors")
points(field: "duration")
    |> aggregateWindow(every: 1h, fn: count, createEmpty: false, timeSrc: "_start")
    |> store(field: "timed")
points(field: "duration")
    |> aggregateWindow(every: 1h, fn: sum, createEmpty: false, timeSrc: "_start")
    |> store(field: "milliseconds")
"""
