"""Simulate a class of students who post events over HTTP, for demonstrations and load tests."""

import asyncio
import math
import signal
from argparse import ArgumentParser
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from events.management.connection import default_url, reach
from events.management.progress import Progress
from events.simulation.classroom import GRACE_PERIOD, Classroom, wall_clock
from events.simulation.sender import Sender
from events.simulation.students import make_class

MOST_MINUTES = 366 * 24 * 60  # 0 is for longer
STOPPED_GRACE_PERIOD = 1.0  # seconds for pending events after Ctrl-C


class Command(BaseCommand):
    help = "Posts the events of a believable class to a running server, until the minutes are over or Ctrl-C."
    requires_system_checks = []  # speaks HTTP only: needs neither the database nor Redis

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--students", type=int, default=40, help="how many (default %(default)s)")
        parser.add_argument(
            "--rate",
            type=float,
            default=0.1,
            help="mean events per second and student; about 0.025 is a real lesson (default %(default)s)",
        )
        parser.add_argument("--minutes", type=float, default=10, help="0: until stopped (default %(default)s)")
        parser.add_argument("--url", help="address of the server; default: WEB_URL, or the server `up` runs here")
        parser.add_argument("--key", default="", help="ingest key of the class, where the server asks for one")
        parser.add_argument("--seed", type=int, help="the same seed gives the same class and the same behaviour")
        parser.add_argument("--language", choices=["ja", "en", "mixed"], default="ja")
        parser.add_argument("--truth", type=Path, help="write here, as JSON lines, who really was stuck and when")
        parser.add_argument(
            "--no-jitter", action="store_true", help="post at once, not 0.2 to 2.2 s later as JupyterLab does"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _check(students=options["students"], rate=options["rate"], minutes=options["minutes"])
        with suppress(KeyboardInterrupt):  # before the loop's own handlers are in place
            asyncio.run(self._simulate(options))

    async def _simulate(self, options: dict[str, Any]) -> None:
        url = options["url"] or default_url()
        pool = await reach(url=url, key=options["key"])
        seed = SystemRandom().randrange(10**6) if options["seed"] is None else options["seed"]
        students = make_class(count=options["students"], language=options["language"], rng=Random(seed))  # noqa: S311
        classroom = Classroom(students=students, rate=options["rate"], seed=seed, start=wall_clock())
        sender = Sender(pool=pool, jitter=not options["no_jitter"])
        self.stdout.write(f"{len(students)} students, {options['rate']} events/s each, to {url} (seed {seed})")
        late, stopped = await _lesson(classroom=classroom, sender=sender, minutes=options["minutes"], out=self)
        await pool.close()
        if options["truth"]:
            _write_truth(classroom=classroom, file=options["truth"])
        self._report(sender=sender, late=late, stopped=stopped)

    def _report(self, *, sender: Sender, late: int, stopped: bool) -> None:
        tally = sender.tally
        answers = ", ".join(f"{name} × {count}" for name, count in sorted(tally.answers.items()))
        self.stdout.write(
            f"{'Stopped' if stopped else 'Done'}: {tally.accepted} events accepted, {tally.refused} refused, "
            f"{tally.failed} not delivered, {late} left on their way, {tally.retries} retries. "
            f"Answers: {answers or 'none'}"
        )
        if not tally.accepted and (tally.undelivered or tally.retries or (late and not stopped)):
            hint = " The server wants the class's key: --key." if {"401", "403"} & tally.answers.keys() else ""
            raise CommandError(f"Nothing could be delivered.{hint}")


def _check(*, students: int, rate: float, minutes: float) -> None:
    if students < 1 or not (0 < rate < math.inf and 0 <= minutes <= MOST_MINUTES):
        raise CommandError(
            f"--students must be at least 1, --rate a number above 0 and --minutes one from 0 to {MOST_MINUTES}."
        )


async def _lesson(*, classroom: Classroom, sender: Sender, minutes: float, out: BaseCommand) -> tuple[int, bool]:
    """Run the lesson to its end or until SIGINT or SIGTERM. Return (pending events left, whether it was stopped)."""
    until = wall_clock() + timedelta(minutes=minutes) if minutes else None
    running = asyncio.create_task(classroom.run(sender=sender, until=until))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    progress = asyncio.create_task(Progress(tally=sender.tally, seconds=minutes * 60, stream=out.stdout).show())
    stopped = False
    try:
        await running
    except asyncio.CancelledError:
        stopped = True
    late = await classroom.finish(seconds=STOPPED_GRACE_PERIOD if stopped else GRACE_PERIOD)
    progress.cancel()
    with suppress(asyncio.CancelledError):
        await progress
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    return late, stopped


def _write_truth(*, classroom: Classroom, file: Path) -> None:
    encode = msgspec.json.encode
    file.write_bytes(b"".join(encode(line) + b"\n" for line in classroom.truth(until=wall_clock())))
