"""The set-up page's students: who is in the class, and whether their JupyterLab has been heard."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from instructors.display import PLAIN, Display
from instructors.queries.classroom import Room
from lms.models import StudentClass

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


def members(room: Room, *, search: str = "", display: Display = PLAIN) -> Members:
    """By name. Two queries. On a projector nobody is searched for: an answer would tell who is who."""
    assert room.class_ref is not None
    enrolled = StudentClass.objects.filter(class_ref=room.class_ref).select_related("student__team")
    search = "" if display.projector else search.replace("\0", "").strip()[:200]
    texts = ("student__name", "student__email", "student__team__team_name")
    found = enrolled.filter(
        *(Q(*((f"{text}__icontains", word) for text in texts), _connector=Q.OR) for word in search.split())
    )
    students = [row.student for row in found.order_by("student__name", "student__email")[:MOST]]
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


def register(room: Room) -> list[tuple[str, str, str]]:
    """(e-mail, name, team) of everybody in the class, as a list to keep. One query."""
    assert room.class_ref is not None
    enrolled = StudentClass.objects.filter(class_ref=room.class_ref).order_by("student__email")
    rows = enrolled.values_list("student__email", "student__name", "student__team__team_name")
    return [(email, name or "", team or "") for email, name, team in rows]
