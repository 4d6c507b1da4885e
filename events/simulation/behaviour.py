"""One student's behaviour in a lesson, as an endless sequence of (seconds to wait, event record).

This module does not sleep or read a clock: the caller waits as long as each step says, and passes the time as `clock`.
The same random numbers and the same clock give the same behaviour. All durations are seconds of a real lesson divided
by `pace`, except the extension's ten seconds between two help signals.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from events.simulation.impasse import Impasse, plan
from events.simulation.lesson import LessonCell, LessonNotebook, Mistake, notebook
from events.simulation.records import Event, Recorder
from events.simulation.students import Archetype, SimulatedStudent

Step = tuple[float, Event]

COURSE = 12  # notebooks; then the first one again
# Events a second and student at pace 1: those that scale with the pace, and help signals re-sent every ten seconds,
# which do not. Measured over 400 simulated students and checked by a test.
NATURAL_RATE = 0.0225
HELP_RATE = 0.0020


def pace_for(rate: float) -> float:
    """Return the speed-up over a real lesson for a mean of `rate` events a second and student.

    About 0.025 is a real lesson. Far below that, re-sent help signals alone exceed the rate.
    """
    return max(rate - HELP_RATE, rate / 10) / NATURAL_RATE


@dataclass(frozen=True, kw_only=True, slots=True)
class Stuck:
    """The ground truth for a detector: from the first failing run to the one that succeeded."""

    student: SimulatedStudent
    notebook_path: str
    cell_id: str
    start: datetime
    end: datetime
    asked: bool


class Life:
    def __init__(
        self, *, student: SimulatedStudent, rng: Random, clock: Callable[[], datetime], pace: float = 1.0
    ) -> None:
        self.student = student
        self.stuck: list[Stuck] = []  # ends may be in the future: readers clip them at now
        self._rng = rng
        self._clock = clock
        self._pace = pace
        self._number = 1
        # Ids depend on the time too, or a second run of the same class would be a repetition of the first.
        self._record = Recorder(student=student, ids=Random(f"{rng.random()} {clock().isoformat()}"))  # noqa: S311
        self._count = 0  # the kernel's In [n]

    def steps(self) -> Iterator[Step]:
        while True:
            yield from self._lesson(notebook(language=self.student.language, number=self._number))
            self._number = self._number % COURSE + 1

    def _lesson(self, book: LessonNotebook) -> Iterator[Step]:
        self._record.reload()
        self._count = 0
        yield self._signal(self._rng.expovariate(1 / 30) / self._pace, "notebook_opened", book)
        done: list[LessonCell] = []
        for cell in book.cells:
            yield from self._work(book, cell)
            done.append(cell)
            yield from self._look_back(book, [one for one in done if one.kind == "code"])

    def _work(self, book: LessonNotebook, cell: LessonCell) -> Iterator[Step]:
        """Work on a cell: read, try, fail, try again, succeed, repeat."""
        think = self._natural(cell.minutes * 60, spread=0.5)
        if self._rng.random() < 0.05:  # a break: idle, but not stuck
            think += self._rng.uniform(60, 240) / self._pace
        if self._rng.random() < cell.difficulty * (1 - 0.6 * self.student.skill):
            if self._rng.random() < self._proneness():
                yield from self._be_stuck(book, cell, think)
                return
            yield from self._fail(book, cell, think)
            think = self._natural(25)
        yield self._right(think, book, cell)
        while cell.kind == "code" and self._rng.random() < 0.45:
            yield self._right(self._natural(15), book, cell)

    def _proneness(self) -> float:
        """Return the probability that a failure becomes an impasse."""
        return 0.2 * (1 - self.student.skill) if self.student.archetype is Archetype.STEADY else 0.4

    def _fail(self, book: LessonNotebook, cell: LessonCell, think: float) -> Iterator[Step]:
        """Make a few ordinary errors, each followed by another with a probability of about one third."""
        mistake = self._rng.choice(cell.mistakes)
        yield self._wrong(think, book, cell, mistake)
        for _ in range(3):
            if self._rng.random() > 0.35:
                return
            if self._rng.random() < 0.5:
                mistake = self._rng.choice(cell.mistakes)
            yield self._wrong(self._natural(25), book, cell, mistake)

    def _be_stuck(self, book: LessonNotebook, cell: LessonCell, think: float) -> Iterator[Step]:
        """Carry out one impasse: its runs, its help signals, and finally a successful run."""
        impasse = plan(student=self.student, rng=self._rng, pace=self._pace)
        start = self._clock() + timedelta(seconds=think)
        self.stuck.append(self._truth(book, cell, impasse, start))
        mistake = self._rng.choice(cell.mistakes)
        yield self._wrong(think, book, cell, mistake)
        elapsed = 0.0
        for moment, act in impasse.acts:
            wait, elapsed = moment - elapsed, moment
            if act == "again":
                yield self._wrong(wait, book, cell, mistake)
            elif act == "other":
                mistake = self._rng.choice(cell.mistakes)
                yield self._wrong(wait, book, cell, mistake)
            elif act == "leaf":
                yield self._leaf(wait, book, cell)
            else:
                yield self._signal(wait, act, book)
        yield self._right(impasse.seconds - elapsed, book, cell)

    def _truth(self, book: LessonNotebook, cell: LessonCell, impasse: Impasse, start: datetime) -> Stuck:
        return Stuck(
            student=self.student,
            notebook_path=book.path,
            cell_id=cell.cell_id,
            start=start,
            end=start + timedelta(seconds=impasse.seconds),
            asked=impasse.asks,
        )

    def _look_back(self, book: LessonNotebook, done: list[LessonCell]) -> Iterator[Step]:
        """Sometimes run an earlier cell again, and rarely all of them."""
        if len(done) < 2:
            return
        if self._rng.random() < 0.12:
            yield self._right(self._natural(30), book, self._rng.choice(done[:-1]))
        if self._rng.random() < 0.01:
            yield from self._run_all(book, done)

    def _run_all(self, book: LessonNotebook, done: list[LessonCell]) -> Iterator[Step]:
        """Restart the kernel and run all cells. After an error the rest is sent as executed, but without a count."""
        self._count = 0
        broken = self._rng.choice(done) if self._rng.random() < 0.3 else None
        wait, aborted = self._natural(20), False
        for cell in done:
            if aborted:
                at = self._clock() + timedelta(seconds=wait)
                yield wait, self._record.run(at=at, path=book.path, cell=cell, code=cell.code, count=None)
            elif cell is broken:
                aborted = True
                yield self._wrong(wait, book, cell, self._rng.choice(cell.mistakes))
            else:
                yield self._right(wait, book, cell)
            wait = self._rng.uniform(0.02, 0.3)
        if aborted and broken is not None:
            yield self._right(self._natural(20), book, broken)

    def _leaf(self, wait: float, book: LessonNotebook, cell: LessonCell) -> Step:
        earlier = [one for one in book.cells[: cell.index] if one.kind == "code"] or [book.cells[0]]
        return self._right(wait, book, self._rng.choice(earlier))

    def _right(self, wait: float, book: LessonNotebook, cell: LessonCell) -> Step:
        at, count = self._clock() + timedelta(seconds=wait), self._next_count() if cell.kind == "code" else None
        return wait, self._record.run(at=at, path=book.path, cell=cell, code=cell.code, count=count, result=cell.result)

    def _wrong(self, wait: float, book: LessonNotebook, cell: LessonCell, mistake: Mistake) -> Step:
        at, count = self._clock() + timedelta(seconds=wait), self._next_count()
        return wait, self._record.run(
            at=at, path=book.path, cell=cell, code=mistake.code, count=count, error=mistake.error
        )

    def _signal(self, wait: float, kind: str, book: LessonNotebook) -> Step:
        return wait, self._record.signal(kind=kind, at=self._clock() + timedelta(seconds=wait), path=book.path)

    def _next_count(self) -> int:
        self._count += 1
        return self._count

    def _natural(self, seconds: float, *, spread: float = 0.4) -> float:
        """Return a random duration of about `seconds` of a real lesson, in seconds of this simulation."""
        return seconds * self._rng.lognormvariate(0, spread) / self.student.speed / self._pace
