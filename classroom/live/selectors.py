"""The student cards of the live page."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from classroom.base.classrooms import MAX_CARDS, Classroom, latest_of
from classroom.base.display import PLAIN, Display
from classroom.base.student_cards import Card, cards
from classroom.base.student_filters import Filter
from events.student_status import student_rows

# The statuses of red cards, which the figure "With errors" counts.
FAILING = ("error", "significant_error")


@dataclass(frozen=True, kw_only=True)
class LiveState:
    """The cards of the live page, and the filter that the user has chosen."""

    cards: list[Card]
    filter: Filter

    @cached_property
    def metrics(self) -> dict[str, int]:
        statuses = Counter(card.status for card in self.cards)
        return {
            "students": len(self.cards),
            "active": statuses["active"],
            "help": statuses["help"],
            "errors": sum(card.status in FAILING for card in self.cards),
            "runs": sum(card.runs for card in self.cards),
        }

    @cached_property
    def teams(self) -> list[str]:
        return sorted({card.team for card in self.cards})

    @property
    def is_capped(self) -> bool:
        return len(self.cards) >= MAX_CARDS

    @cached_property
    def hidden(self) -> set[int]:
        return {card.student_id for card in self.cards if not self.filter.matches(card)}


def live_state(
    classroom: Classroom, *, chosen: Filter, now: datetime, only: list[int] | None = None, display: Display = PLAIN
) -> LiveState:
    """Return the cards of the classroom, or of the students `only`. Two queries, whatever the number of students."""
    students = classroom.students
    if only is not None:
        students = students.filter(pk__in=only)
    return LiveState(
        cards=cards(student_rows(latest_of(students), scope=classroom.scope, now=now), display), filter=chosen
    )
