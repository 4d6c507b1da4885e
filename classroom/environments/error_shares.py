"""Comparison of the shares of failed runs of two groups of students.

The criterion should be easy to explain to a class; it is no proof. Two groups differ clearly when

- each has MIN_STUDENTS students and MIN_RUNS runs, else there is too little to tell;
- their shares differ by MIN_DIFFERENCE (5 points), so that it matters;
- Newcombe's interval for the difference, made of the Wilson intervals of the two shares, excludes zero. It is the 99 %
  interval, because a page compares a hundred packages: of these, one in a hundred would stand out by chance.

- it does not depend on one student: it remains without the student with most errors in the group that fails more.

Runs of one student resemble each other, so the interval is narrower than it should be; the last point is there for
that, and still a clear difference is a reason to look, no proof, and the page says so. Source: R. G. Newcombe,
Statistics in Medicine 17 (1998) 873-890, method 10.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Literal

from django.db.models import Count, Q

from events.models import CellExecution
from lms.access import Scope

Verdict = Literal["more", "less", "alike", "few"]

WINDOW = timedelta(days=7)
MIN_STUDENTS, MIN_RUNS, MIN_DIFFERENCE = 3, 30, 0.05
Z = 2.576  # 99 %


@dataclass(frozen=True, slots=True)
class Runs:
    """Successful and failed runs of a group of students."""

    students: int = 0
    runs: int = 0
    errors: int = 0
    worst: tuple[int, int] = (0, 0)  # errors and runs of the student with most errors

    def without_worst(self) -> "Runs":
        errors, runs = self.worst
        return Runs(max(0, self.students - 1), self.runs - runs, self.errors - errors)

    @property
    def share(self) -> float:
        return self.errors / self.runs if self.runs else 0.0

    @property
    def percent(self) -> int:
        return round(100 * self.share)


@dataclass(frozen=True, slots=True)
class ErrorShareComparison:
    these: Runs
    others: Runs

    @property
    def verdict(self) -> Verdict:
        """Whether these fail more or less often than the others."""
        groups = (self.these, self.others)
        if any(group.students < MIN_STUDENTS or group.runs < MIN_RUNS for group in groups):
            return "few"
        if fails_more(self.these, self.others) and fails_more(self.these.without_worst(), self.others):
            return "more"
        if fails_more(self.others, self.these) and fails_more(self.others.without_worst(), self.these):
            return "less"
        return "alike"


def fails_more(these: Runs, others: Runs) -> bool:
    if not these.runs or these.share - others.share < MIN_DIFFERENCE:
        return False
    low, _ = difference_interval(these, others)
    return low > 0


def wilson(runs: Runs) -> tuple[float, float]:
    """Return Wilson's score interval of the share of errors."""
    n, p = runs.runs, runs.share
    middle, half = p + Z * Z / (2 * n), Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return (middle - half) / (1 + Z * Z / n), (middle + half) / (1 + Z * Z / n)


def difference_interval(these: Runs, others: Runs) -> tuple[float, float]:
    """Return Newcombe's interval for the difference of the shares; both groups must have runs."""
    (low, high), (other_low, other_high) = wilson(these), wilson(others)
    p, q = these.share, others.share
    below = sqrt((p - low) ** 2 + (other_high - q) ** 2)
    above = sqrt((high - p) ** 2 + (q - other_low) ** 2)
    return p - q - below, p - q + above


def runs_by_student(students: Collection[int], *, scope: Scope, now: datetime) -> dict[int, Runs]:
    """Return the runs of the last seven days by student; aborted runs do not count. One query."""
    recent = CellExecution.objects.filter(scope.q(), student__in=students, executed_at__gte=now - WINDOW)
    counted = recent.exclude(status=CellExecution.Status.ABORTED).order_by().values_list("student")
    failed = Count("pk", filter=Q(status=CellExecution.Status.ERROR))
    return {
        student: Runs(1, runs, errors) for student, runs, errors in counted.annotate(runs=Count("pk"), failed=failed)
    }


def together(students: Iterable[int], runs: Mapping[int, Runs]) -> Runs:
    """Return the sum for several students; those without runs do not count."""
    found = [runs[student] for student in students if student in runs]
    worst = max(((each.errors, each.runs) for each in found), default=(0, 0))
    return Runs(len(found), sum(each.runs for each in found), sum(each.errors for each in found), worst)
