"""Preview the import of a list of seats."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from classroom.seating.people import Choices
from lms.rooms import Seated
from lms.rosters.seat_lists import SeatLine, SeatTable


@dataclass(frozen=True, kw_only=True)
class SeatEffect:
    """What a line does."""

    line: SeatLine
    name: str  # of the student
    effect: str  # seated, moved, unchanged
    before: str  # the label of the seat that a student leaves
    replaced: str  # who sat there and has no seat afterwards


@dataclass(frozen=True, kw_only=True)
class SeatPreview:
    table: SeatTable
    lines: list[SeatEffect]
    people: dict[int, int | None]  # by the id of the seat the id of the student
    freed: list[str]  # who loses their seat without being on a line of the list

    @property
    def counts(self) -> Counter[str]:
        return Counter(each.effect for each in self.lines)


def preview(table: SeatTable, seats: Sequence[Seated], choices: Choices, *, free_others: bool) -> SeatPreview:
    """Return what the good lines do. With `free_others` everybody whom the list does not name loses their seat."""
    by_label = {seat.label: seat for seat in seats}
    before = {seat.student_id: seat.label for seat in seats if seat.student_id is not None}
    seated = {line.student.student_id for line in table.good if line.student}
    lines: list[SeatEffect] = []
    people: dict[int, int | None] = {}
    for line in table.good:
        assert line.student is not None
        seat, student = by_label[line.label], line.student.student_id
        people[seat.seat_id] = student
        sat = seat.student_id
        effect = "unchanged" if sat == student else "moved" if student in before else "seated"
        replaced = choices.texts.get(sat, "") if sat is not None and sat not in seated else ""
        lines.append(
            SeatEffect(
                line=line,
                name=choices.texts[student],
                effect=effect,
                before=before.get(student, "") if effect == "moved" else "",
                replaced=replaced,
            )
        )
    shown = {seat.student_id for seat in seats if seat.seat_id in people}
    left = [pk for pk in before if free_others and pk not in seated and pk not in shown]
    return SeatPreview(table=table, lines=lines, people=people, freed=[choices.texts.get(pk, "") for pk in left])
