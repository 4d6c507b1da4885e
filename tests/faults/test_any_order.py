"""The rules through the real store: whatever the order of arrival, the repetitions and the cuts between batches, a
student stands at the end as if everything had come once, in order."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from django.db import connection
from django.db.transaction import atomic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.contract.schema import Event
from events.processing import store
from events.processing.executions import Rule

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
RULE = Rule(threshold=3, enabled=True)
EXAMPLES = int(os.environ.get("FAULT_EXAMPLES", "15"))
ORDERS = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
numbers = count()

# What a student did: seconds from the start, all different, and what it was.
runs = st.sampled_from(["error", "error", "success", "aborted"]).flatmap(
    lambda status: st.tuples(st.just(status), st.sampled_from(["cell-1", "cell-2"]))
)
signals = st.sampled_from(["help", "help", "help", "help_stop", "session_end"]).flatmap(
    lambda kind: st.tuples(st.just(kind), st.sampled_from(["a.ipynb", "b.ipynb"]))
)


def lessons(happenings: Any, *, seconds: int) -> Any:
    return st.dictionaries(st.integers(0, seconds), happenings, min_size=1, max_size=14)


# Requests for help as the extension sends them: one every few seconds, for minutes.
chains = st.integers(0, 60).flatmap(
    lambda start: st.lists(st.integers(5, 60), min_size=5, max_size=25).map(
        lambda gaps: {start + sum(gaps[:end]): ("help", "a.ipynb") for end in range(1, len(gaps) + 1)}
    )
)


@st.composite
def arrivals(draw: Any, lesson: Any) -> tuple[list[tuple[int, Any]], list[list[tuple[int, Any]]]]:
    """What happened, in order; and how it arrived: shuffled, some of it again, in batches."""
    happened = sorted(draw(lesson).items())
    again = draw(st.lists(st.sampled_from(happened), max_size=6))
    arrived = draw(st.permutations(happened + again))
    cuts = sorted(draw(st.sets(st.integers(1, len(arrived)), max_size=len(arrived))) | {0, len(arrived)})
    return happened, [list(arrived[first:last]) for first, last in pairwise(cuts)]


def event(student: str, second: int, what: tuple[str, str]) -> Event:
    kind, place = what
    moment = int((START + timedelta(seconds=second)).timestamp() * 1000)
    made = Event(event_id=f"{student}-{second}", event_type=kind, time=moment, received=moment, email=student)
    made.session, made.notebook = "session", "lesson.ipynb"
    if kind in ("error", "success", "aborted"):
        made.event_type, made.cell, made.has_error = "cell_executed", place, kind == "error"
        made.execution_count = None if kind == "aborted" else second
    else:
        made.notebook = place
    return made


@pytest.fixture(autouse=True)
def _indexes(db: None) -> None:
    """All examples are one transaction: what one of them changes stays as dead rows for the next, which no statistics
    count. To read tables whole would take longer and longer."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def store_batches(student: str, batches: Sequence[Sequence[tuple[int, Any]]]) -> None:
    for batch in batches:
        with atomic():
            store.save([event(student, *happening) for happening in batch], rule=RULE, now=datetime.now(UTC))


def state_of(student: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that is derived, without ids that say only in which order something came."""
    questions = {
        "student": """SELECT last_activity_at, execution_count, error_count, last_run_at, last_run_failed,
                             is_requesting_help, help_requested_at, last_help_at, help_stopped_at, n.path
                      FROM students s LEFT JOIN notebooks n ON n.id = s.current_notebook_id WHERE s.email = %s""",
        "runs": """SELECT executed_at, status, consecutive_error_count, is_significant_error FROM cell_executions e
                   JOIN students s ON s.id = e.student_id WHERE s.email = %s ORDER BY executed_at""",
        "cells": """SELECT c.cell_id, run_count, p.error_count, last_status, p.last_run_at, last_error_at,
                           consecutive_error_count, is_significant_error FROM cell_progress p
                    JOIN cells c ON c.id = p.cell_id JOIN students s ON s.id = p.student_id
                    WHERE s.email = %s ORDER BY c.cell_id""",
        "session": """SELECT is_active, end_time, last_event_at FROM sessions x JOIN students s ON s.id = x.student_id
                      WHERE s.email = %s""",
        "open ticket": """SELECT asked_at, last_asked_at, was_resent, x.session_id, notebook_path FROM help_requests x
                          JOIN students s ON s.id = x.student_id WHERE s.email = %s AND ended_at IS NULL""",
    }
    found = {}
    with connection.cursor() as cursor:
        for name, question in questions.items():
            cursor.execute(question, [student])
            found[name] = cursor.fetchall()
    return found


def compare(case: tuple[list[tuple[int, Any]], list[list[tuple[int, Any]]]]) -> None:
    happened, batches = case
    number = next(numbers)
    calm, wild = f"calm{number}@example.com", f"wild{number}@example.com"
    store_batches(calm, [happened])
    store_batches(wild, batches)
    assert state_of(wild) == state_of(calm)
    store_batches(wild, [happened])
    assert state_of(wild) == state_of(calm), "once more, whole"


@ORDERS
@given(arrivals(lessons(runs, seconds=3_000)))
def test_errors_in_a_row(db, case):
    compare(case)


@ORDERS
@given(arrivals(lessons(signals, seconds=1_200)))
def test_requests_for_help(db, case):
    compare(case)


@ORDERS
@given(arrivals(chains))
def test_a_long_request_for_help(db, case):
    compare(case)


def test_one_missing_signal_joins_a_long_request(db):
    """The link that comes last lies far from where the request began."""
    chain = [(second, ("help", "a.ipynb")) for second in range(0, 900, 30)]
    late = [chain[14], chain[15]]
    store_batches("calm@example.com", [chain])
    store_batches("wild@example.com", [*([link] for link in chain if link not in late), *([link] for link in late)])
    assert state_of("wild@example.com") == state_of("calm@example.com")


@pytest.mark.parametrize("kind", ["error", "success"])
def test_twenty_runs_backwards_one_by_one(db, kind):
    happened = [(second, ("error" if second % 7 else kind, "cell-1")) for second in range(20)]
    store_batches("calm@example.com", [happened])
    store_batches("wild@example.com", [[one] for one in reversed(happened)])
    assert state_of("wild@example.com") == state_of("calm@example.com")
