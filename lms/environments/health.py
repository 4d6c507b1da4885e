"""Health of an environment: a score with the issues that lowered it.

The score begins at 1, and each issue subtracts from it:

    disk      under 5 % or 1 GB free: 0.4          under 10 % or 5 GB: 0.15
    memory    under 5 % available: 0.3             under 10 %: 0.1
    Python    past its end of life: 0.3            within half a year of it: 0.05
    packages  broken requirements: 0.1 for the first, 0.02 for each further one, 0.3 at most

Unknown values subtract nothing. Levels (http.md section 10): 0.9 excellent, 0.7 good, 0.5 warning, else critical.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from lms.environments.collection import Environment
from lms.environments.packages import broken_requirements

# The last day of the month in which Python ends support for security. Source: https://devguide.python.org/versions/
# and the release schedules, PEP 569, 596, 619, 664, 693, 719, 745.
END_OF_LIFE = {
    (3, 8): date(2024, 10, 31),
    (3, 9): date(2025, 10, 31),
    (3, 10): date(2026, 10, 31),
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
    (3, 14): date(2030, 10, 31),
}
SOON = timedelta(days=183)
LEVELS = ((0.9, "excellent"), (0.7, "good"), (0.5, "warning"))
MAX_LISTED = 20  # broken requirements that are listed one by one


@dataclass
class Health:
    score: float = 1.0
    issues: list[str] = field(default_factory=list)
    recommendations: list[str] = field(default_factory=list)

    @property
    def level(self) -> str:
        return next((level for minimum, level in LEVELS if self.score >= minimum), "critical")

    def add_issue(self, penalty: float, issue: str, recommendation: str) -> None:
        """Record an issue and subtract its penalty from the score."""
        self.score = max(0.0, round(self.score - penalty, 4))
        self.issues.append(issue)
        if recommendation and recommendation not in self.recommendations:
            self.recommendations.append(recommendation)


def examine(environment: Environment, *, now: datetime) -> Health:
    """Return the health of the environment."""
    found = Health()
    _disk(environment.system_env, found)
    _memory(environment.system_env, found)
    _python(environment.python_env, found, today=now.date())
    _requirements(environment, found)
    return found


def _disk(system: dict[str, Any], found: Health) -> None:
    free, total = _number(system.get("disk_free_gb")), _number(system.get("disk_total_gb"))
    if free is None:
        return
    share = free / total if total else 1.0
    issue, advice = f"Only {free:.1f} GB of disk are free", "Free disk space: remove old environments and data."
    if free < 1 or share < 0.05:
        found.add_issue(0.4, issue, advice)
    elif free < 5 or share < 0.1:
        found.add_issue(0.15, issue, advice)


def _memory(system: dict[str, Any], found: Health) -> None:
    available, total = _number(system.get("memory_available_gb")), _number(system.get("memory_total_gb"))
    if available is None or not total:
        return
    issue, advice = f"Only {available:.1f} GB of memory are available", "Close kernels and programs nobody uses."
    if available / total < 0.05:
        found.add_issue(0.3, issue, advice)
    elif available / total < 0.1:
        found.add_issue(0.1, issue, advice)


def _python(python: dict[str, Any], found: Health, *, today: date) -> None:
    version = minor_of(python.get("python_version"))
    if version is None:
        return
    name, ends = "Python {}.{}".format(*version), END_OF_LIFE.get(version)
    if version < min(END_OF_LIFE) or (ends and today > ends):
        when = f" since {ends.isoformat()}" if ends else ""
        found.add_issue(
            0.3, f"{name} gets no security fixes any more{when}", "Move to a Python that is still supported."
        )
    elif ends and today > ends - SOON:
        found.add_issue(
            0.05, f"{name} gets no security fixes after {ends.isoformat()}", "Plan the move to a newer Python."
        )


def minor_of(version: Any) -> tuple[int, int] | None:
    """Return `"3.11.4"` as (3, 11); None if it is no version."""
    parts = version.split(".")[:2] if isinstance(version, str) else []
    if len(parts) == 2 and all(part.isdecimal() and len(part) < 5 for part in parts):
        return int(parts[0]), int(parts[1])
    return None


def _requirements(environment: Environment, found: Health) -> None:
    broken = broken_requirements(environment.packages, environment.versions)
    advice = "Install what is missing, then see `pip check`."
    for index, issue in enumerate(broken):
        penalty = 0.1 if index == 0 else 0.02 if index <= 10 else 0.0
        if index < MAX_LISTED:
            found.add_issue(penalty, issue, advice)
    if len(broken) > MAX_LISTED:
        found.issues.append(f"{len(broken) - MAX_LISTED} more requirements are broken")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
