"""The set-up page's students: who is in the class, and whether their JupyterLab has been heard."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display
from lms.enrolment import Known, Listed, known_students
from lms.models import Class
from lms.rosters.parser import Line, Table

# A school class is shorter; a longer list is narrowed by the search.
MOST = 500


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
    count: int  # of all in the class, whatever the search
    search: str

    @property
    def is_capped(self) -> bool:
        return len(self.rows) >= MOST


def members(classroom: Classroom, *, search: str = "", display: Display = PLAIN) -> Members:
    """By name. Two queries. On a projector nobody is searched for: an answer would tell who is who."""
    assert classroom.class_ref is not None
    enrolled = classroom.students.select_related("team")
    search = "" if display.projector else search.replace("\0", "").strip()[:200]
    texts = ("name", "email", "team__team_name")
    found = enrolled.filter(
        *(Q(*((f"{text}__icontains", word) for text in texts), _connector=Q.OR) for word in search.split())
    )
    students = found.order_by("name", "email")[:MOST]
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
        rows.sort(key=lambda row: row.student_id)  # the order of names would tell them
    return Members(rows, enrolled.order_by().count(), search)


def register(classroom: Classroom) -> list[tuple[str, str, str]]:
    """(e-mail, name, team) of everybody in the class, as a list to keep. One query."""
    assert classroom.class_ref is not None
    rows = classroom.students.order_by("email").values_list("email", "name", "team__team_name")
    return [(email, name or "", team or "") for email, name, team in rows]


@dataclass(frozen=True)
class Outlook:
    """What importing a line would do."""

    line: Line
    effect: str  # created, updated, unchanged
    name_before: str = ""
    team_before: str = ""


@dataclass(frozen=True)
class Preview:
    table: Table
    outlooks: list[Outlook]

    @property
    def counts(self) -> Counter[str]:
        return Counter(each.effect for each in self.outlooks)


def preview(class_ref: Class, table: Table) -> Preview:
    """What importing the good lines would do. One query. Of who is not in the class yet nothing is told, nor whether
    they are known at all."""
    known = known_students(class_ref.pk, [line.email for line in table.good])
    return Preview(table, [_outlook(line, known.get(line.email)) for line in table.good])


def _outlook(line: Line, known: Known | None) -> Outlook:
    if known is None or not known.is_member:
        return Outlook(line, "created")
    if known.differs(Listed(email=line.email, name=line.name or None, team=line.team or None)):
        return Outlook(line, "updated", known.name or "", known.team or "")
    return Outlook(line, "unchanged")
