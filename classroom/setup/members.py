"""Select the students of a class for the set-up pages, and preview an import."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from classroom.base.classrooms import BY_READING, ORDERS, Classroom
from classroom.base.display import PLAIN, Display
from lms.enrolment import ListedStudent, StoredStudent, known_students
from lms.models import Class, Student
from lms.rosters.parser import Line, Table

MAX_MEMBERS = 500  # on the page; the search narrows a longer list


@dataclass(frozen=True)
class ClassMember:
    student_id: int
    name: str
    email: str
    team: str
    last_activity_at: datetime | None
    student_number: str = ""
    reading: str = ""
    stored_name: str = ""  # without the address that is shown where there is none


@dataclass(frozen=True)
class Members:
    rows: list[ClassMember]
    count: int  # of all students of the class, regardless of the search
    search: str
    order: str = "reading"  # one of ORDERS

    @property
    def is_capped(self) -> bool:
        return len(self.rows) >= MAX_MEMBERS


def members(classroom: Classroom, *, search: str = "", order: str = "", display: Display = PLAIN) -> Members:
    """Return the students in one of ORDERS. Two queries. A projector view ignores search and order, which would reveal
    identities."""
    assert classroom.class_ref is not None
    enrolled = classroom.students.select_related("team")
    search = "" if display.projector else search.replace("\0", "").strip()[:200]
    order = order if order in ORDERS else "reading"
    texts = ("name", "email", "team__team_name", "student_number", "reading")
    found = enrolled.filter(
        *(Q(*((f"{text}__icontains", word) for text in texts), _connector=Q.OR) for word in search.split())
    )
    students = found.order_by(*ORDERS[order])[:MAX_MEMBERS]
    rows = [_member(each, display) for each in students]
    if display.projector:
        rows.sort(key=lambda row: row.student_id)  # the order by name would reveal identities
    return Members(rows, enrolled.order_by().count(), search, order)


def members_among(classroom: Classroom, student_ids: Sequence[int], *, display: Display = PLAIN) -> list[ClassMember]:
    """Return those of these students who are in the class, by reading and name. One query."""
    found = classroom.students.filter(pk__in=student_ids).select_related("team").order_by(*BY_READING)
    return [_member(each, display) for each in found]


def _member(student: Student, display: Display) -> ClassMember:
    """`student` is a row of `ClassStudent`, which has number and reading."""
    shown = not display.projector
    return ClassMember(
        student.pk,
        display.name(student.pk, student.display_name),
        display.email(student.email),
        student.team.team_name if student.team else "",
        student.last_activity_at,
        student.student_number or "" if shown else "",  # type: ignore[attr-defined]
        student.reading or "" if shown else "",  # type: ignore[attr-defined]
        student.name or "" if shown else "",
    )


def register(classroom: Classroom) -> list[tuple[str, str, str, str, str]]:
    """Return (e-mail, name, team, number, reading) of all students of the class. One query."""
    assert classroom.class_ref is not None
    columns = ("email", "name", "team__team_name", "student_number", "reading")
    rows = classroom.students.order_by("email").values_list(*columns)
    return [(email, name or "", team or "", number or "", reading or "") for email, name, team, number, reading in rows]


def listed_by(line: Line) -> ListedStudent:
    return ListedStudent(
        email=line.email,
        name=line.name or None,
        team=line.team or None,
        student_number=line.student_number or None,
        reading=line.reading or None,
    )


@dataclass(frozen=True)
class LinePreview:
    """The effect that importing a line would have."""

    line: Line
    effect: str  # created, updated, unchanged
    before: StoredStudent | None = None  # of a line that changes somebody

    @property
    def before_text(self) -> str:
        """What is replaced: name, team, number and reading as they are."""
        known = self.before
        found = (known.name, known.team, known.student_number, known.reading) if known else ()
        return ", ".join(text for text in found if text) or "–"


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


def _line_preview(line: Line, known: StoredStudent | None) -> LinePreview:
    if known is None or not known.is_member:
        return LinePreview(line, "created")
    if known.differs(listed_by(line)):
        return LinePreview(line, "updated", known)
    return LinePreview(line, "unchanged")
