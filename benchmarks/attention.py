"""How often "needs attention now" is right, and how soon: a class that knows who is stuck, watched by the real code.

    python -m benchmarks attention            # the report, on seeds that nothing was tuned on
    python -m benchmarks attention --tuning   # the seeds for trying thresholds

Each run of a cell goes through `events.processing.store.save` into PostgreSQL; every twenty simulated seconds the class
is assessed as the page does it. The result is compared with the truth (`benchmarks.attention_class`) afterwards. No
alert gets feedback.
"""

import os
import secrets
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import attention_class as classes
from benchmarks.rows import Row, percentiles

TUNING, REPORT = range(1, 7), range(101, 109)
STUDENTS = 60
TICK = 20  # simulated seconds between two polls
GRACE = 1.0  # minutes after the end in which a visit still meets the problem
MIN_STRETCH = 5.0  # minutes; shorter stretches end before a teacher arrives and count for precision only


@dataclass
class Outcome:
    right: dict[str, int] = field(default_factory=dict)  # by code
    wrong: dict[str, int] = field(default_factory=dict)
    wrong_kinds: list[str] = field(default_factory=list)
    found: list[tuple[str, float]] = field(default_factory=list)  # why, minutes until it was shown
    missed: list[str] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of one poll


def attention(*, seeds: range, quick: bool = False) -> list[Row]:
    outcome = Outcome()
    seeds = seeds[:2] if quick else seeds
    with own_database():
        for seed in seeds:
            _watch(seed, outcome)
    return _rows(outcome, seeds)


@contextmanager
def own_database() -> Iterator[None]:
    """Start a temporary PostgreSQL as `manage.py up` does, then set up Django with its URL."""
    import django

    from operations.local.embedded_postgres import Postgres
    from tests.servers import Running, wait_until

    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    postgres = Postgres(data_dir=folder / "postgres", durable=False)
    postgres.prepare()
    running = Running(program=postgres.program(), log=folder / "log")
    running.start()
    try:
        wait_until(postgres.ready, what="an answer from PostgreSQL")
        postgres.finish()
        os.environ |= {
            "DATABASE_URL": postgres.url, "DATABASE_POOL": "0", "REDIS_URL": "redis://127.0.0.1:1", "DEBUG": "0",
            "SECRET_KEY": secrets.token_urlsafe(48), "DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        yield
        connection.close()
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _watch(seed: int, outcome: Outcome) -> None:
    from classroom.attention import lesson_cache
    from classroom.attention.models import AttentionCase
    from classroom.attention.selectors import attention_state, shown_alerts
    from classroom.attention.services import sync_cases
    from classroom.base.classrooms import classroom_of_class
    from instructors.models import Instructor
    from lms.models import Class

    pupils = classes.make_class(seed=seed, count=STUDENTS)
    teacher, _ = Instructor.objects.get_or_create(email="bench@example.com", defaults={"role": "admin"})
    made = Class.objects.create(class_code=f"S{seed}", name=f"Seed {seed}", instructor=teacher)
    classroom = classroom_of_class(user=teacher, class_id=made.pk)
    # At a full minute, so that a seed is the same class whenever it runs.
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=classes.MINUTES + 20)
    lesson_cache.clear()
    for tick in range(int(classes.MINUTES * 60) // TICK + 1):
        minute = tick * TICK / 60
        now = start + timedelta(minutes=minute)
        _save(pupils, minute - TICK / 60, minute, start, seed=seed, class_id=made.pk)
        began = time.perf_counter()
        state = attention_state(classroom, now=now)
        outcome.seconds.append(time.perf_counter() - began)
        sync_cases(classroom, state, now=now)
        outcome.shown.append(sum(1 for alert in shown_alerts(state, now) if alert.code != "help"))
    cases = AttentionCase.objects.filter(class_ref=made).select_related("student").order_by("opened_at")
    _compare(pupils, [(_number(c.student.email), c.code, *_minutes(c, start)) for c in cases], outcome)


def _number(email: str) -> int:
    return int(email.partition("@")[0].rpartition("-")[2])


def _minutes(case: object, start: datetime) -> tuple[float, float]:
    opened, ended = case.opened_at, case.ended_at  # type: ignore[attr-defined]
    return (opened - start).total_seconds() / 60, (ended - start).total_seconds() / 60 if ended else classes.MINUTES


def _save(
    pupils: list[classes.Pupil], since: float, until: float, start: datetime, *, seed: int, class_id: int
) -> None:
    from django.db import transaction

    from events.contract.schema import Event
    from events.processing import store
    from events.processing.executions import Rule

    def event(kind: str, pupil: classes.Pupil, minute: float, **fields: object) -> Event:
        moment = int((start + timedelta(minutes=minute)).timestamp() * 1000)
        return Event(
            event_id=secrets.token_hex(8), event_type=kind, time=moment, received=moment,
            email=f"s{seed}-{pupil.number}@example.com", name=f"Student {pupil.number}", session="s",
            notebook=f"course/seed{seed}.ipynb", class_id=class_id, **fields,  # type: ignore[arg-type]
        )  # fmt: skip

    events = [
        event(
            "cell_executed", pupil, run.at, cell=f"c{run.cell}", cell_index=run.cell, code="x", execution_count=1,
            has_error=bool(run.error), error_message=run.error or None,
        )
        for pupil, run in classes.runs_between(pupils, since, until)
    ]  # fmt: skip
    for pupil in pupils:
        if pupil.asks_at is not None and pupil.asks_at <= until and since < pupil.stops_asking_at:
            ends = pupil.stops_asking_at <= until
            events.append(event("help_stop" if ends else "help", pupil, pupil.stops_asking_at if ends else until))
    if events:
        with transaction.atomic():
            store.save(events, rule=Rule(threshold=3, enabled=True), now=start + timedelta(minutes=until))


def _compare(pupils: list[classes.Pupil], cases: list[tuple[int, str, float, float]], outcome: Outcome) -> None:
    for number, code, opened, _ in cases:
        pupil = pupils[number]
        is_right = any(one.start <= opened <= one.end + GRACE for one in pupil.stuck)
        counts = outcome.right if is_right else outcome.wrong
        counts[code] = counts.get(code, 0) + 1
        if not is_right:
            outcome.wrong_kinds.append(f"{pupil.kind}: {code}")
    for pupil in pupils:
        for one in pupil.stuck:
            until = min(one.end, classes.MINUTES)
            if one.why == "asks" or until - one.start < MIN_STRETCH:
                continue
            seen = [
                max(opened, one.start) for number, _, opened, ended in cases
                if number == pupil.number and opened <= until and ended >= one.start
            ]  # fmt: skip
            if seen:
                outcome.found.append((one.why, min(seen) - one.start))
            else:
                outcome.missed.append(one.why)


def _rows(outcome: Outcome, seeds: range) -> list[Row]:
    right, wrong = sum(outcome.right.values()), sum(outcome.wrong.values())
    truths = len(outcome.found) + len(outcome.missed)
    what = f"{len(seeds)} classes of {STUDENTS} (seeds {seeds[0]} to {seeds[-1]}), {classes.MINUTES:.0f} min each"
    wrong_kinds = ", ".join(f"{kind} {outcome.wrong_kinds.count(kind)}" for kind in sorted(set(outcome.wrong_kinds)))
    rows = [
        Row(name="attention, precision", value=_percent(right, right + wrong), unit="%",
            note=f"{right} of {right + wrong} alerts; {what}; wrong: {wrong_kinds or 'none'}"),
        Row(name="attention, recall", value=_percent(len(outcome.found), truths), unit="%",
            note=f"{len(outcome.found)} of {truths} stretches of {MIN_STRETCH:g} min or more without asking"),
    ]  # fmt: skip
    for code in sorted({*outcome.right, *outcome.wrong}):
        good, bad = outcome.right.get(code, 0), outcome.wrong.get(code, 0)
        rows.append(Row(name=f"attention, precision of {code}", value=_percent(good, good + bad), unit="%",
                        note=f"{good} of {good + bad}"))  # fmt: skip
    for why in ("repeats", "goes silent", "is lost"):
        times = [minutes for kind, minutes in outcome.found if kind == why]
        total = len(times) + outcome.missed.count(why)
        rows.append(Row(name=f"attention, recall where a student {why}", value=_percent(len(times), total), unit="%",
                        note=f"{len(times)} of {total}"))  # fmt: skip
        rows.append(Row(name=f"attention, until shown where a student {why}", unit="min",
                        value=statistics.median(times) if times else float("nan"), note="median"))  # fmt: skip
    rows.append(Row(name="attention, shown at a time", value=statistics.mean(outcome.shown), unit="alerts",
                    note=f"mean; most {max(outcome.shown)}"))  # fmt: skip
    return rows + percentiles(outcome.seconds, name="attention, one look", note=f"{STUDENTS} students, four queries")


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else float("nan")
