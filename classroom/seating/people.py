"""The students who may sit in a room: how forms name them, and how typed names are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from core.identity import label_key, row_number
from lms.rooms import Seated
from lms.rosters.seat_lists import Classmate, People


@dataclass(frozen=True)
class Choices:
    """The students of a class, to be typed or picked. One query."""

    classroom: Classroom

    @cached_property
    def classmates(self) -> list[Classmate]:
        """In the order of the class list."""
        people = sorted(self.classroom.people.values(), key=lambda person: person.order)
        return [
            Classmate(one.student_id, one.name or "", one.email, one.student_number or "", one.reading or "")
            for one in people
        ]

    @cached_property
    def people(self) -> People:
        return People(self.classmates)

    @cached_property
    def texts(self) -> dict[int, str]:
        """How each student is written: the name, for namesakes with what tells them apart."""
        apart = self.classroom.apart
        return {
            one.student_id: f"{one.shown} ({apart[one.student_id]})" if one.student_id in apart else one.shown
            for one in self.classmates
        }

    @property
    def options(self) -> list[tuple[str, str]]:
        """What can be picked, and what it is found by as well."""
        found = []
        for one in self.classmates:
            other = " · ".join(text for text in (one.student_number, one.reading, one.email) if text)
            found.append((self.texts[one.student_id], other))
        return found

    @cached_property
    def _by_text(self) -> dict[str, int]:
        return {label_key(text): student for student, text in self.texts.items()}

    def student(self, typed: str) -> tuple[int | None, str]:
        """Return the id of the student who was picked or typed, or the problem."""
        picked = self._by_text.get(label_key(typed))
        if picked is not None:
            return picked, ""
        found, problem = self.people.one(typed.strip())
        return (found.student_id if found else None), problem


@dataclass
class SeatInput:
    """The field of one seat."""

    seat: Seated
    text: str
    problem: str = ""


def inputs_of(seats: Sequence[Seated], choices: Choices) -> list[SeatInput]:
    return [SeatInput(seat, choices.texts.get(seat.student_id or 0, "")) for seat in seats]


def typed_people(
    seats: Sequence[Seated], choices: Choices, sent: Mapping[str, str]
) -> tuple[list[SeatInput], dict[int, int | None]]:
    """Return the fields as they were sent, with their problems, and who is to sit where: of the seats that were changed
    alone, so that what another instructor did meanwhile stays."""
    fields, changes = [], dict[int, int | None]()
    placed: dict[int, str] = {}
    for seat in seats:
        typed = sent.get(f"seat-{seat.seat_id}")
        before = row_number(sent.get(f"was-{seat.seat_id}", "")) or None
        if typed is None:
            fields.append(SeatInput(seat, choices.texts.get(seat.student_id or 0, "")))
            continue
        field = SeatInput(seat, typed)
        fields.append(field)
        student = None
        if typed.strip():
            student, field.problem = choices.student(typed)
        if field.problem or student == before:
            continue
        if student is not None and student in placed:
            field.problem = gettext("They are also on seat %(seat)s.") % {"seat": placed[student]}
            continue
        if student is not None:
            placed[student] = seat.label
        changes[seat.seat_id] = student
    return fields, changes
