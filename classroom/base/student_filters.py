"""Which students a page or a fragment shows, by its query string: a filter survives a reload."""

from dataclasses import dataclass

from django.http import QueryDict

from classroom.base.student_cards import RANKS, Card
from core.identity import label_key, row_number

# If a page has to update more students, its script requests all of them.
MAX_REQUESTED = 50


@dataclass(frozen=True)
class Filter:
    text: str = ""
    team: str = ""
    status: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> "Filter":
        status = query.get("status", "")
        return cls(
            text=query.get("q", "").strip()[:100],
            team=query.get("team", "")[:255],
            status=status if status in RANKS else "",
        )

    def matches(self, card: Card) -> bool:
        """Return whether the card is shown; the same rule as `matches` in static/js/live/filters.js."""
        searched = label_key(" ".join((card.name, card.email, card.team, card.notebook)))
        return (
            label_key(self.text) in searched
            and (not self.team or self.team == card.team)
            and (not self.status or self.status == card.status)
        )


def requested_students(query: QueryDict) -> list[int]:
    """Return the ids of `?student=`, at most MAX_REQUESTED; texts that are no ids are left out."""
    numbers = map(row_number, query.getlist("student")[:MAX_REQUESTED])
    return [number for number in numbers if number is not None]
