"""The student cards of the live page."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from classroom.base.classrooms import MAX_CARDS, Classroom, latest_of
from classroom.base.display import Display
from classroom.base.js_strings import failing_texts
from classroom.base.student_cards import Card, cards
from classroom.base.student_filters import Filter
from events.student_status import student_rows
from lms.models import ClassCode, ClassKey, StudentToken

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
    classroom: Classroom, *, chosen: Filter, now: datetime, only: list[int] | None, display: Display
) -> LiveState:
    """Return the cards of the classroom, or of the students `only`. Three queries, whatever the number of students."""
    students = classroom.students
    if only is not None:
        students = students.filter(pk__in=only)
    rows = student_rows(latest_of(students), scope=classroom.scope, now=now)
    return LiveState(cards=cards(rows, display, classroom.people), filter=chosen)


def is_unconnected(classroom: Classroom, *, now: datetime) -> bool:
    """Return whether nothing can post events to this class: it has no valid key, no device of a student and no class
    code with which one could join. One query; none for all students."""
    class_ref = classroom.class_ref
    if class_ref is None:
        return False
    keys = ClassKey.objects.filter(ClassKey.open_at(now), class_ref=class_ref)
    devices = StudentToken.objects.filter(class_ref=class_ref, revoked_at=None)
    codes = ClassCode.objects.filter(class_ref=class_ref, expires_at__gt=now)
    rows = (found.order_by().values_list("pk")[:1] for found in (keys, devices, codes))
    first, *others = rows
    return not first.union(*others, all=True).exists()


def failing_said(state: LiveState, *, known: Collection[int]) -> str:
    """Return how the red cards and the attention list agree, empty where no card is red; `known` are the students whom
    the list knows. No query. live.js keeps the sentence up to date."""
    failing = {card.student_id for card in state.cards if card.status in FAILING}
    if not failing:
        return ""
    listed = len(failing.intersection(known))
    rest = len(failing) - listed
    text = failing_texts()["failingSome" if listed and rest else "failingNone" if rest else "failingAll"]
    return text.format(count=len(failing), listed=listed, rest=rest)
