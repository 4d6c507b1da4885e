"""The share of an oracle: how many stuck students the first 1, 3 and 5 of a ranking meet, of those one could meet."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

BUDGETS = (1, 3, 5)


@dataclass(slots=True)
class Budgets:
    met: Counter[int] = field(default_factory=Counter)
    possible: Counter[int] = field(default_factory=Counter)

    def add(self, ranked: Iterable[int], stuck: set[int]) -> None:
        """Add one look; `ranked` are students, most urgent first."""
        first = list(ranked)[: max(BUDGETS)]
        for budget in BUDGETS:
            self.met[budget] += sum(student in stuck for student in first[:budget])
            self.possible[budget] += min(budget, len(stuck))

    def __iadd__(self, other: "Budgets") -> "Budgets":
        self.met += other.met
        self.possible += other.possible
        return self

    def share(self, budget: int) -> float:
        return self.met[budget] / self.possible[budget] if self.possible[budget] else float("nan")
