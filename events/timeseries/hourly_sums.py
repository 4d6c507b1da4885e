"""Hourly sums of points: their bucket, and the Flux query that writes them. `buckets` documents their use."""

from django.conf import settings

from events.timeseries.line_protocol import MEASUREMENT, RUN_KINDS

SUMS = "student_activity"  # the measurement


def hourly_bucket() -> str:
    return f"{settings.INFLUXDB_BUCKET}_hourly"


def sums(*, bucket: str, into: str, start: str, stop: str) -> str:
    """Return the Flux query that writes hourly sums; the arguments are Flux expressions."""
    kinds = " or ".join(f'r.event == "{kind}"' for kind in RUN_KINDS)
    return f"""
points = (field) => from(bucket: {bucket})
    |> range(start: {start}, stop: {stop})
    |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == field)
    |> filter(fn: (r) => {kinds})
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
