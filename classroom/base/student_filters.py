"""What the reader of a live page wants to see; it lives in the address, so that a reload keeps it."""

from dataclasses import dataclass

from django.http import QueryDict

from classroom.base.student_cards import RANKS, Card
from core.identity import label_key


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
        """The same rule as `matches` in static/js/live/filters.js."""
        searched = label_key(" ".join((card.name, card.email, card.team, card.notebook)))
        return (
            label_key(self.text) in searched
            and (not self.team or self.team == card.team)
            and (not self.status or self.status == card.status)
        )
