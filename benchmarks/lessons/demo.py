"""The simulated class of `manage.py up --demo` as a world: nothing was fitted or chosen on it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.lessons import Lesson, Run, Stuck, Style
from events.simulation.classroom import Classroom
from events.simulation.students import make_class

LENGTH = timedelta(minutes=50)
RATE = 0.025  # events a second and student: a real lesson
START = datetime(2026, 5, 8, 9, 0, tzinfo=UTC)


def make_lesson(*, style: Style, students: int, seed: int) -> Lesson:
    """Return a lesson; it has one style only, exercises."""
    people = make_class(count=students, language="en", rng=Random(seed))
    numbers = {student.email: number for number, student in enumerate(people)}
    classroom = Classroom(students=people, rate=RATE, seed=seed, start=START)
    lesson = Lesson("demo", style, students, seed, LENGTH.total_seconds())
    for at, event in classroom.timeline(until=START + LENGTH):
        if event["eventType"] == "cell_executed":
            lesson.runs.append(_run(event, (at - START).total_seconds(), numbers[str(event["emailAddress"])]))
    for clock in classroom.student_clocks:
        number = numbers[clock.life.student.email]
        for one in clock.life.stuck:
            start, end = ((moment - START).total_seconds() for moment in (one.start, one.end))
            if start < lesson.length:
                lesson.stuck.append(Stuck(number, start, min(end, lesson.length), "stuck"))
    return lesson


def _run(event: Mapping[str, object], at: float, student: int) -> Run:
    failed = bool(event.get("hasError"))
    name, _, message = str(event.get("errorMessage") or "").partition(": ")
    return Run(
        at=at, student=student, notebook=str(event.get("notebookPath") or ""), cell=str(event["cellId"]),
        position=int(str(event["cellIndex"])), code=str(event.get("code") or ""), failed=failed, error=name,
        message=message, output="" if failed else str(event.get("result") or ""),
    )  # fmt: skip
