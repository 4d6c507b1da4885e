"""JupyterLab reports the rendering of a text cell as a run: no figure of a class counts it."""

from datetime import UTC, datetime, timedelta

import pytest

from classroom.environments.error_shares import runs_by_student
from events.timeseries import sql
from tests.classroom.lesson_report.conftest import MINUTE, START


@pytest.fixture
def taught(at, aoi, ren, python_class):
    for student in (aoi, ren):
        for minute, fields in enumerate(
            [
                {"cell_type": "code"},
                {"cell_type": "code", "status": "error"},
                {"cell_type": "markdown", "cell": 1},
                {"cell_type": "markdown", "cell": 1},
                {"cell_type": "raw", "cell": 2},
            ]
        ):
            at(student, minute, class_id=python_class.pk, **fields)


def test_the_report(taught, report, classroom):
    assert (report().runs, report().errors, report().error_share) == (4, 2, 0.5)


@pytest.mark.parametrize("moved", [timedelta(), timedelta(seconds=1)], ids=["from sums", "from rows"])
def test_the_charts(taught, classroom, moved):
    hour = {"since": START - moved, "until": START + 60 * MINUTE - moved, "scope": classroom.scope}
    found = sql.activity(**hour, bucket=timedelta(minutes=5), students=None)
    assert sum(each["executionCount"] for each in found) == 4
    assert sql.totals(**hour, students=None).runs == 4


def test_error_shares(taught, classroom, aoi):
    runs = runs_by_student([aoi.pk], scope=classroom.scope, now=datetime.now(UTC))
    assert (runs[aoi.pk].runs, runs[aoi.pk].errors) == (2, 1)
