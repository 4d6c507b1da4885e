"""Compare the reported environments of a class: which packages differ, for whom, and with which error shares."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from classroom.base.classrooms import Classroom
from classroom.base.display import Display
from classroom.environments.error_shares import ErrorShareComparison, Runs, runs_by_student, together
from core.identity import display_name
from lms.models import EnvironmentSnapshot

# Limits of the page: packages, and names per version. `?package=` shows all names of one package.
MAX_PACKAGES, MAX_NAMES = 60, 12
MAX_VERSION_LENGTH = 40
PYTHON = "Python"


@dataclass(frozen=True, slots=True)
class StudentEnvironment:
    student_id: int
    name: str
    captured_at: datetime | None = None
    python: str = ""
    packages: int = 0


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The students with this version; None stands for "not installed"."""

    version: str | None
    people: list[StudentEnvironment]
    shown: list[StudentEnvironment]

    @property
    def hidden(self) -> int:
        return len(self.people) - len(self.shown)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One package whose version differs between students."""

    name: str
    common: str  # the most common version
    common_count: int
    variants: list[Variant]
    comparison: ErrorShareComparison  # students who differ and those with the common version

    @property
    def differing(self) -> int:
        return sum(len(variant.people) for variant in self.variants)

    @property
    def is_python(self) -> bool:
        return self.name == PYTHON


@dataclass(frozen=True, kw_only=True)
class State:
    reports: list[StudentEnvironment]  # students with a report, by name
    silent: list[StudentEnvironment]  # students without a report
    drifts: list[Drift]  # those with more errors first, then by the number of differing students
    alike: list[tuple[str, str]]  # package, version
    rare: list[tuple[str, int]]  # package, number of students who have it: fewer than half
    chosen: str = ""

    @property
    def students(self) -> int:
        return len(self.reports) + len(self.silent)

    @cached_property
    def shown(self) -> list[Drift]:
        return self.drifts[:MAX_PACKAGES]

    @property
    def hidden(self) -> int:
        return len(self.drifts) - len(self.shown)

    @cached_property
    def oldest(self) -> datetime | None:
        return min((person.captured_at for person in self.reports if person.captured_at), default=None)

    @cached_property
    def suspicious(self) -> int:
        return sum(drift.comparison.verdict == "more" for drift in self.drifts)


def environments_of(classroom: Classroom, *, chosen: str, now: datetime, display: Display) -> State:
    """Return the comparison of all reports, of one package with `chosen`. Three queries for any number of students."""
    students = classroom.students.order_by("pk").values_list("pk", "name", "email")
    names = {pk: display.name(pk, display_name(name, email)) for pk, name, email in students}
    latest = {pk: report for pk, report in _latest_reports(classroom).items() if pk in names}
    people = {
        pk: StudentEnvironment(pk, names[pk], moment, python, len(found))
        for pk, (moment, python, found) in latest.items()
    }
    installed = {pk: found | ({PYTHON: python} if python else {}) for pk, (_, python, found) in latest.items()}
    drifts, alike, rare = _classified(
        installed, people, runs_by_student(list(people), scope=classroom.scope, now=now), chosen
    )
    return State(
        reports=_by_name(people.values()),
        silent=_by_name(StudentEnvironment(pk, name) for pk, name in names.items() if pk not in people),
        drifts=drifts,
        alike=alike,
        rare=rare,
        chosen=chosen,
    )


Report = tuple[datetime, str, dict[str, str]]  # time, Python version, version by package


def _latest_reports(classroom: Classroom) -> dict[int, Report]:
    """Return the latest report of each student through this class, or without a class key if keys are optional.

    One query, which reads only what is compared.
    """
    seen = Q(class_ref=classroom.class_ref) if classroom.class_ref else Q()
    if classroom.class_ref and not settings.EVENTS_REQUIRE_KEY:
        seen |= Q(class_ref=None)
    reports = EnvironmentSnapshot.objects.filter(
        seen,
        source=EnvironmentSnapshot.Source.CLIENT,
        student__in=classroom.students.values("pk"),
    )
    newest = reports.order_by("student", "-captured_at", "-pk").distinct("student")
    python = KeyTextTransform("python_version", "python_env")
    rows = newest.annotate(python=python).values_list("student", "captured_at", "python", "versions")
    return {student: (moment, (text or "")[:MAX_VERSION_LENGTH], found) for student, moment, text, found in rows}


def _classified(
    installed: Mapping[int, Mapping[str, str]],
    people: Mapping[int, StudentEnvironment],
    runs: Mapping[int, Runs],
    chosen: str,
) -> tuple[list[Drift], list[tuple[str, str]], list[tuple[str, int]]]:
    """Return the packages that differ, those that are the same for all, and those that fewer than half have."""
    holders: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for student, versions in installed.items():
        for name, version in versions.items():
            if not chosen or name == chosen:
                holders[name][version].append(student)
    drifts, alike, rare = [], [], []
    for name in sorted(holders, key=str.lower):
        versions_held = holders[name]
        having = sum(len(students) for students in versions_held.values())
        if len(versions_held) == 1 and having == len(installed):
            alike.append((name, next(iter(versions_held))))
        elif having * 2 < len(installed):
            rare.append((name, having))
        elif len(versions_held) > 1 or name != PYTHON:
            drifts.append(_drift(name, versions_held, people, runs, shows_all=bool(chosen)))
    order = {"more": 0}
    drifts.sort(key=lambda d: (order.get(d.comparison.verdict, 1), not d.is_python, -d.differing, d.name))
    return drifts, alike, rare


def _drift(
    name: str,
    holders: Mapping[str, list[int]],
    people: Mapping[int, StudentEnvironment],
    runs: Mapping[int, Runs],
    *,
    shows_all: bool,
) -> Drift:
    counts = Counter({version: len(students) for version, students in holders.items()})
    common = max(counts, key=lambda version: (counts[version], version))
    having = {student for students in holders.values() for student in students}
    missing = [] if name == PYTHON else [student for student in people if student not in having]
    others: list[tuple[str | None, list[int]]] = [
        (version, holders[version]) for version, _ in counts.most_common() if version != common
    ]
    others += [(None, missing)] if missing else []
    differing = [student for _, students in others for student in students]
    return Drift(
        name=name,
        common=common,
        common_count=counts[common],
        variants=[_variant(version, [people[pk] for pk in students], shows_all) for version, students in others],
        comparison=ErrorShareComparison(together(differing, runs), together(holders[common], runs)),
    )


def _variant(version: str | None, people: list[StudentEnvironment], shows_all: bool) -> Variant:
    named = _by_name(people)
    return Variant(version=version, people=named, shown=named if shows_all else named[:MAX_NAMES])


def _by_name(people: Iterable[StudentEnvironment]) -> list[StudentEnvironment]:
    return sorted(people, key=lambda person: (person.name.lower(), person.student_id))
