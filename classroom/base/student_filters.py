"""The filter of the live page, stored in the query string, so that it survives a reload."""

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
        """Return whether the card is shown; the same rule as `matches` in static/js/live/filters.js."""
        searched = label_key(" ".join((card.name, card.email, card.team, card.notebook)))
        return (
            label_key(self.text) in searched
            and (not self.team or self.team == card.team)
            and (not self.status or self.status == card.status)
        )
