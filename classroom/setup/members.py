"""Select the students of a class for the set-up pages, and preview an import."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display
from lms.enrolment import Known, Listed, known_students
from lms.models import Class
from lms.rosters.parser import Line, Table

MAX_MEMBERS = 500  # on the page; the search narrows a longer list


@dataclass(frozen=True)
class Member:
    student_id: int
    name: str
    email: str
    team: str
    last_activity_at: datetime | None


@dataclass(frozen=True)
class Members:
    rows: list[Member]
    count: int  # of all students of the class, regardless of the search
    search: str

    @property
    def is_capped(self) -> bool:
        return len(self.rows) >= MAX_MEMBERS


def members(classroom: Classroom, *, search: str = "", display: Display = PLAIN) -> Members:
    """Return the students by name. Two queries. A projector view ignores the search, which would reveal identities."""
    assert classroom.class_ref is not None
    enrolled = classroom.students.select_related("team")
    search = "" if display.projector else search.replace("\0", "").strip()[:200]
    texts = ("name", "email", "team__team_name")
    found = enrolled.filter(
        *(Q(*((f"{text}__icontains", word) for text in texts), _connector=Q.OR) for word in search.split())
    )
    students = found.order_by("name", "email")[:MAX_MEMBERS]
    rows = [
        Member(
            each.pk,
            display.name(each.pk, each.display_name),
            display.email(each.email),
            each.team.team_name if each.team else "",
            each.last_activity_at,
        )
        for each in students
    ]
    if display.projector:
        rows.sort(key=lambda row: row.student_id)  # the order by name would reveal identities
    return Members(rows, enrolled.order_by().count(), search)


def register(classroom: Classroom) -> list[tuple[str, str, str]]:
    """Return (e-mail, name, team) of all students of the class. One query."""
    assert classroom.class_ref is not None
    rows = classroom.students.order_by("email").values_list("email", "name", "team__team_name")
    return [(email, name or "", team or "") for email, name, team in rows]


@dataclass(frozen=True)
class LinePreview:
    """The effect that importing a line would have."""

    line: Line
    effect: str  # created, updated, unchanged
    name_before: str = ""
    team_before: str = ""


@dataclass(frozen=True)
class Preview:
    table: Table
    lines: list[LinePreview]

    @property
    def counts(self) -> Counter[str]:
        return Counter(each.effect for each in self.lines)


def preview(class_ref: Class, table: Table) -> Preview:
    """Return the effects of importing the valid lines. One query.

    Nothing is revealed about students who are not in the class, not even whether they are known.
    """
    known = known_students(class_ref.pk, [line.email for line in table.good])
    return Preview(table, [_line_preview(line, known.get(line.email)) for line in table.good])


def _line_preview(line: Line, known: Known | None) -> LinePreview:
    if known is None or not known.is_member:
        return LinePreview(line, "created")
    if known.differs(Listed(email=line.email, name=line.name or None, team=line.team or None)):
        return LinePreview(line, "updated", known.name or "", known.team or "")
    return LinePreview(line, "unchanged")
