"""Edit name, reading, number and team of the students of a class in one form.

Each row carries a digest of what it showed. A row that somebody else has changed since is shown again with their
values, and nothing is saved until the teacher has seen it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.http import HttpRequest

from classroom.base.classrooms import Classroom
from classroom.setup.members import Members
from core.identity import label_key, number_form, visible
from instructors import audit
from instructors.models import Instructor
from lms.bulk_get_or_create import find_teams
from lms.models import Class, StudentClass
from lms.rosters.parser import problem_of

FIELDS = ("name", "reading", "student_number", "team")
MAX_ROWS = 200  # of the form; the search finds others

Values = dict[str, str]  # by FIELDS; empty for none


@dataclass(kw_only=True)
class EditedRow:
    student_id: int
    email: str
    values: Values  # as the form shows them
    seen: str
    problems: dict[str, str] = field(default_factory=dict)  # by FIELDS
    theirs: Values | None = None  # what somebody else has stored meanwhile


def digest(values: Values) -> str:
    return hashlib.sha256("\0".join(values[name] for name in FIELDS).encode()).hexdigest()[:16]


def rows_of(found: Members) -> list[EditedRow]:
    rows = []
    for member in found.rows[:MAX_ROWS]:
        values = {
            "name": member.stored_name,
            "reading": member.reading,
            "student_number": member.student_number,
            "team": member.team,
        }
        rows.append(EditedRow(student_id=member.student_id, email=member.email, values=values, seen=digest(values)))
    return rows


def changed_rows(classroom: Classroom, posted: Mapping[str, str]) -> list[EditedRow]:
    """Return the rows of the form that the teacher has changed, with their problems. One query.

    Students who are no longer in the class are left out.
    """
    now = stored_values(classroom)
    rows = []
    for student_id, (email, current) in now.items():
        seen = posted.get(f"seen-{student_id}")
        if seen is None:
            continue
        values = {name: cleaned(name, posted.get(f"{name}-{student_id}", "")) for name in FIELDS}
        if values == current or digest(values) == seen:
            continue
        row = EditedRow(student_id=student_id, email=email, values=values, seen=digest(current))
        row.problems = {name: problem for name in FIELDS if (problem := problem_of(name, values[name]))}
        if digest(current) != seen:
            row.theirs = current
        rows.append(row)
    return rows


def stored_values(classroom: Classroom) -> dict[int, tuple[str, Values]]:
    """Return address and values of all students of the class, by student id. One query."""
    columns = ("pk", "email", "name", "reading", "student_number", "team__team_name")
    return {
        pk: (email, dict(zip(FIELDS, (text or "" for text in texts), strict=True)))
        for pk, email, *texts in classroom.students.order_by().values_list(*columns)
    }


def cleaned(name: str, text: str) -> str:
    text = visible(text) or ""
    return number_form(text) if name == "student_number" else text


def save(class_ref: Class, rows: Sequence[EditedRow], *, by: Instructor, request: HttpRequest) -> int:
    """Store these rows of a valid form, with an entry in the audit log. Return how many students were changed. Five
    statements."""
    wanted = {row.student_id: row.values for row in rows}
    with transaction.atomic():
        teams = find_teams({values["team"] for values in wanted.values() if label_key(values["team"])})
        enrolments = list(
            StudentClass.objects.select_for_update(no_key=True)
            .filter(class_ref=class_ref, student__in=list(wanted))
            .order_by("student")
        )
        for enrolment in enrolments:
            values = wanted[enrolment.student_id]
            enrolment.name = values["name"] or None
            enrolment.reading = values["reading"] or None
            enrolment.student_number = values["student_number"] or None
            enrolment.team_id = teams.get(values["team"])
        StudentClass.objects.bulk_update(enrolments, ["name", "reading", "student_number", "team"])
        changed = [enrolment.student_id for enrolment in enrolments]
        if changed:
            audit.record("students_update", class_ref, actor=by, request=request, details={"students": changed})
    return len(changed)
