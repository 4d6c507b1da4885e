"""Every text of Flux that is sent, with the parameters it is sent with, before InfluxDB's own parser and type checker.

That is a package of npm (`tests/flux`, which `make needs` installs where there is an npm); without it these are
skipped. What a text *answers* only an InfluxDB knows (`test_reads`).
"""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from events import timeseries
from events.timeseries import backfill, buckets, flux
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import sql as timeseries_sql
from events.timeseries.flux import QueryPart
from lms.models import Student
from tests.events.conftest import event
from tests.influx import Kept
from tests.servers import ROOT

FOLDER = ROOT / "tests" / "flux"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not shutil.which("node") or not (FOLDER / "node_modules").is_dir(),
        reason="no node, or tests/flux not installed",
    ),
]

HOUR = datetime(2026, 11, 21, 9, tzinfo=UTC)


def are_valid(*texts: str) -> list[bool]:
    done = subprocess.run(
        ["node", str(FOLDER / "check.mjs")], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def text_of(query: dict[str, Any]) -> str:
    """A recorded question, with its parameters as statements before it."""
    statements = [statement["assignment"] for statement in query["extern"]["body"]]
    return "\n".join([*(f"{one['id']['name']} = {_written(one['init'])}" for one in statements), query["query"]])


def _written(literal: dict[str, Any]) -> str:
    kind = literal["type"]
    if kind == "ArrayExpression":
        return f"[{', '.join(_written(element) for element in literal['elements'])}]"
    if kind == "DurationLiteral":
        return "".join(f"{part['magnitude']}{part['unit']}" for part in literal["values"])
    if kind == "StringLiteral":
        return buckets.quoted(literal["value"])
    return str(literal["value"]).lower() if kind == "BooleanLiteral" else str(literal["value"])


def test_the_checker_finds_what_is_wrong():
    good = 'from(bucket: "b") |> range(start: -1h) |> aggregateWindow(every: 1m, fn: count)'
    assert are_valid(
        good,
        good.replace("1m", '"1m"'),  # of the wrong type
        good.replace("aggregateWindow", "aggregate"),  # a function that is not
        good.replace('"b"', "_bucket"),  # a name that is not
        good.removesuffix(")"),
    ) == [True, False, False, False, False]


@pytest.mark.parametrize("students", [None, [], ['x") |> drop() //@e.com', "${secrets}@e.com", "花子@例え.jp"]])
def test_questions(series, redis, students):
    ids = None if students is None else [Student.objects.create(email=email).pk for email in students]
    emails = None if ids is None else timeseries_sql.addresses(ids)
    for of_hours in (False, True):
        part = QueryPart(HOUR, HOUR + timedelta(hours=3), of_hours)
        flux.activity([part], since=HOUR, bucket=timedelta(hours=1), emails=emails)
        flux.activity([part], since=HOUR + timedelta(minutes=1), bucket=timedelta(minutes=4), emails=emails)
        flux.totals([part], emails=emails)
    flux.per_student(QueryPart(HOUR, HOUR + timedelta(hours=1)), students=emails or {})
    assert len(series.queries) == 7
    assert {query["query"] for query in series.queries} == {
        flux.ACTIVITY, flux.ACTIVITY_OF_HOURS, flux.TOTALS, flux.TOTALS_OF_HOURS, flux.PER_STUDENT
    }  # fmt: skip
    assert are_valid(*map(text_of, series.queries)) == [True] * 7


def test_questions_of_a_backfill(event_pipeline, series):
    event_pipeline.post(event())
    for options in ((), ("--new",)):
        call_command("influx_backfill", "--since", "start", *options, stdout=StringIO())
    assert {query["query"] for query in series.queries} == {backfill.PRESENT, backfill.FIRST}
    assert all(are_valid(*map(text_of, series.queries)))


def test_sums(event_pipeline, series, redis):
    series.sums = Kept()
    timeseries.send_waiting()
    timeseries_buffer.mark_unsummed(redis, [1])
    redis.delete(timeseries_buffer.SUMMED)
    timeseries.send_waiting()
    [query] = series.queries
    assert query["query"] == flux.SUM
    assert are_valid(text_of(query), buckets.hourly("b"), buckets.hourly('x") |> drop() //${y}\\')) == [True] * 3
