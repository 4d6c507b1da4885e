"""What the product sees of a simulated lesson: the evidence about each student at each look, by the production code."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.lessons import Lesson, Stuck
from benchmarks.lessons import Run as LessonRun
from classroom.attention.evidence import Evidence, evidence_of
from classroom.attention.history import ClassWork, Run, Work, change_between, class_of, work_of

HISTORY = 60  # latest runs of a student that are known, as in the product
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Look:
    at: float
    student: int
    work: Work
    evidence: Evidence
    stuck: Stuck | None


def looks_at(lesson: Lesson, *, every: float, bare: bool = False) -> Iterator[tuple[float, ClassWork, list[Look]]]:
    """Yield the time, the class, and all who have run anything, every so many seconds.

    `bare`: as from a sender that reports neither code nor outputs, and no aborted runs.
    """
    histories: dict[int, list[Run]] = {}
    codes: dict[tuple[int, str], str] = {}
    works: dict[int, Work] = {}
    truths = _by_student(lesson)
    done, now = 0, every
    while now <= lesson.length:
        changed: set[int] = set()
        while done < len(lesson.runs) and lesson.runs[done].at <= now:
            run = lesson.runs[done]
            done += 1
            if bare and run.status == "aborted":
                continue
            key = (run.student, run.cell)
            histories.setdefault(run.student, []).append(seen(run, codes.get(key), bare=bare))
            codes[key] = run.code
            changed.add(run.student)
        for student in changed:
            works[student] = work_of(histories[student][-HISTORY:])
        if works:
            class_ = class_of(works.values(), now)
            found = [
                Look(now, student, work, evidence_of(work, class_), _stuck_at(truths.get(student, ()), now))
                for student, work in works.items()
            ]
            yield now, class_, found
        now += every


def seen(run: LessonRun, before: str | None, *, bare: bool = False) -> Run:
    """Return the run as the product reads it from the database; `before` is the code of the cell's run before."""
    return Run(
        at=run.at, notebook=run.notebook, cell=run.cell, position=run.position, failed=run.failed,
        aborted=run.status == "aborted", error=NUMBER.sub("0", f"{run.error}: {run.message}") if run.failed else "",
        error_name=run.error, output="" if bare else " ".join(run.output.split()),
        change=None if before is None or bare else change_between(before, run.code),
    )  # fmt: skip


def _by_student(lesson: Lesson) -> dict[int, list[Stuck]]:
    found: dict[int, list[Stuck]] = {}
    for one in lesson.stuck:
        found.setdefault(one.student, []).append(one)
    return found


def _stuck_at(stretches: Sequence[Stuck], now: float) -> Stuck | None:
    return next((one for one in stretches if one.start <= now < one.end), None)
