"""Runs a class by the clock: every student's next step in one heap, every event sent when its time has come."""

import asyncio
import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from events.simulation.behaviour import Life, pace_for
from events.simulation.records import Event, wire_time
from events.simulation.sender import Sender
from events.simulation.students import Student

UNDER_WAY = 4_000  # events on their way at most; beyond, the class waits, so that a hanging server costs no memory
FAREWELL = 8.0  # seconds the events on their way get once the lesson is over: the delay, and the retries
TICK = 0.005  # seconds; the shortest sleep


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Seat:
    """A student with a clock that stands at their latest step, so that a late machine does not bend their life."""

    def __init__(self, *, student: Student, rng: Random, pace: float, start: datetime) -> None:
        self.now = start
        self.life = Life(student=student, rng=rng, clock=lambda: self.now, pace=pace)
        self._steps = self.life.steps()

    def next(self) -> Event:
        """The next event; afterwards `now` is when it is due."""
        wait, event = next(self._steps)
        self.now += timedelta(seconds=wait)
        return event


class Classroom:
    def __init__(
        self,
        *,
        students: list[Student],
        rate: float,
        seed: int,
        start: datetime,
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._start = start
        self._rate = rate
        self._seed = seed
        self._clock = clock
        # Random numbers per student, so that one more student leaves the others' lives as they were.
        self.seats = [
            Seat(student=student, rng=Random(f"{seed} {student.email}"), pace=pace_for(rate), start=start)  # noqa: S311
            for student in students
        ]
        self._on_their_way: set[asyncio.Task[None]] = set()

    def timeline(self, *, until: datetime | None) -> Iterator[tuple[datetime, Event]]:
        """Every event of the class with the moment it is due, in order."""
        waiting = [seat.next() for seat in self.seats]
        due = [(seat.now, number) for number, seat in enumerate(self.seats)]
        heapq.heapify(due)
        while due:
            moment, number = due[0]
            if until is not None and moment >= until:
                return
            yield moment, waiting[number]
            waiting[number] = self.seats[number].next()
            heapq.heapreplace(due, (self.seats[number].now, number))

    async def run(self, *, sender: Sender, until: datetime | None) -> None:
        """Send everything up to `until`; cancel it to stop. What is on its way then goes on: see `farewell`."""
        slots = asyncio.Semaphore(UNDER_WAY)
        for moment, event in self.timeline(until=until):
            wait = (moment - self._clock()).total_seconds()
            if wait > 0:
                await asyncio.sleep(max(wait, TICK))
            await slots.acquire()
            task = asyncio.create_task(sender.send(event))
            self._on_their_way.add(task)
            task.add_done_callback(self._on_their_way.discard)
            task.add_done_callback(lambda _: slots.release())

    async def farewell(self, *, seconds: float = FAREWELL) -> int:
        """Let what is on its way arrive, then give up on the rest; returns how many those were."""
        if not self._on_their_way:
            return 0
        _, late = await asyncio.wait(self._on_their_way, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)

    def truth(self, *, until: datetime) -> Iterator[dict[str, object]]:
        """Who really was stuck, and when: a `class` record, one a student, and one an impasse begun before `until`.

        An impasse still going on then has no end.
        """
        yield {
            "kind": "class",
            "start": wire_time(self._start),
            "until": wire_time(until),
            "seed": self._seed,
            "rate": self._rate,
            "pace": round(pace_for(self._rate), 3),
        }
        for seat in self.seats:
            student = seat.life.student
            yield {"kind": "student", "emailAddress": student.email, "archetype": student.archetype.value}
            for stuck in seat.life.stuck:
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
