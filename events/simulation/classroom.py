"""Running a simulated class in real time: a heap of each student's next event, sent when it is due."""

import asyncio
import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from events.simulation.behaviour import Life, pace_for
from events.simulation.records import Event, wire_time
from events.simulation.sender import Sender
from events.simulation.students import SimulatedStudent

MAX_PENDING = 4_000  # events; beyond, the class waits, so that a hanging server does not fill the memory
GRACE_PERIOD = 8.0  # seconds for pending events after the lesson, for the delay and the retries
TICK = 0.005  # seconds; the shortest sleep


def wall_clock() -> datetime:
    return datetime.now(UTC)


class StudentClock:
    """A student with a clock at their latest step, so that a slow machine does not change their behaviour."""

    def __init__(self, *, student: SimulatedStudent, rng: Random, pace: float, start: datetime) -> None:
        self.now = start
        self.life = Life(student=student, rng=rng, clock=lambda: self.now, pace=pace)
        self._steps = self.life.steps()

    def next(self) -> Event:
        """Return the next event and set `now` to the time at which it is due."""
        wait, event = next(self._steps)
        self.now += timedelta(seconds=wait)
        return event


class Classroom:
    def __init__(
        self,
        *,
        students: list[SimulatedStudent],
        rate: float,
        seed: int,
        start: datetime,
    ) -> None:
        self._start = start
        self._rate = rate
        self._seed = seed
        # Random numbers per student, so that adding a student does not change the others' behaviour.
        self.student_clocks = [
            StudentClock(student=student, rng=Random(f"{seed} {student.email}"), pace=pace_for(rate), start=start)  # noqa: S311
            for student in students
        ]
        self._pending: set[asyncio.Task[None]] = set()

    def timeline(self, *, until: datetime | None) -> Iterator[tuple[datetime, Event]]:
        """Yield every event of the class with the time at which it is due, in order."""
        waiting = [each.next() for each in self.student_clocks]
        due = [(each.now, number) for number, each in enumerate(self.student_clocks)]
        heapq.heapify(due)
        while due:
            moment, number = due[0]
            if until is not None and moment >= until:
                return
            yield moment, waiting[number]
            waiting[number] = self.student_clocks[number].next()
            heapq.heapreplace(due, (self.student_clocks[number].now, number))

    async def run(self, *, sender: Sender, until: datetime | None) -> None:
        """Send all events up to `until`; cancel it to stop. Pending events then continue: see `finish`."""
        slots = asyncio.Semaphore(MAX_PENDING)
        for moment, event in self.timeline(until=until):
            wait = (moment - wall_clock()).total_seconds()
            if wait > 0:
                await asyncio.sleep(max(wait, TICK))
            await slots.acquire()
            task = asyncio.create_task(sender.send(event))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)
            task.add_done_callback(lambda _: slots.release())

    async def finish(self, *, seconds: float = GRACE_PERIOD) -> int:
        """Wait for pending events, then cancel the rest. Return the number of cancelled events."""
        if not self._pending:
            return 0
        _, late = await asyncio.wait(self._pending, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)

    def truth(self, *, until: datetime) -> Iterator[dict[str, object]]:
        """Yield a `class` record, one for each student, and one for each impasse that began before `until`.

        An impasse that continues at `until` has no end.
        """
        yield {
            "kind": "class",
            "start": wire_time(self._start),
            "until": wire_time(until),
            "seed": self._seed,
            "rate": self._rate,
            "pace": round(pace_for(self._rate), 3),
        }
        for each in self.student_clocks:
            student = each.life.student
            yield {"kind": "student", "emailAddress": student.email, "archetype": student.archetype.value}
            for stuck in each.life.stuck:
                if stuck.start < until:
                    yield {
                        "kind": "stuck",
                        "emailAddress": student.email,
                        "archetype": student.archetype.value,
                        "notebookPath": stuck.notebook_path,
                        "cellId": stuck.cell_id,
                        "start": wire_time(stuck.start),
                        "end": wire_time(stuck.end) if stuck.end <= until else None,
                        "asked": stuck.asked,
                    }
