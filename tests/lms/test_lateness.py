"""Lateness is decided in Python, in SQL and in the panel (texts.test.ts): all agree on the same cases."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from lms.due_dates import with_own_due
from lms.models import AssignmentSubmission, ClassAssignment
from lms.submissions import IS_LATE, is_over, late_by

CASES = json.loads((Path(__file__).parents[2] / "extension/src/__tests__/lateness.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['due']} {case['submitted']}")
def test_python_and_sql_agree(cast, case):
    due, submitted = datetime.fromisoformat(case["due"]), datetime.fromisoformat(case["submitted"])
    ClassAssignment.objects.filter(pk=cast.loops.pk).update(due_date=due)
    AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.hanako, submitted_at=submitted)
    rows = with_own_due(AssignmentSubmission.objects.all())
    assert rows.filter(IS_LATE).exists() is case["is_late"]
    assert (late_by(rows.get()) is not None) is case["is_late"]
    assert is_over(due, now=submitted) is case["is_late"]
