"""The simulated class: the same for the same seed, worded as the extension does, believable in its proportions."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from random import Random

import pytest

from events.simulation.behaviour import Life, pace_for
from events.simulation.classroom import Classroom
from events.simulation.lesson import notebook
from events.simulation.records import Event
from events.simulation.students import Archetype, make_class

START = datetime(2026, 4, 7, 1, 0, tzinfo=UTC)
HOUR = START + timedelta(hours=1)
ALWAYS = ["eventId", "eventType", "eventTime", "emailAddress", "teamName", "userName", "sessionId", "notebookPath"]
REAL = 0.0245  # events a second and student in a lesson at its natural pace


def classroom(*, count: int, rate: float = REAL, seed: int = 1, start: datetime = START) -> Classroom:
    students = make_class(count=count, language="mixed", rng=Random(seed))
    return Classroom(students=students, rate=rate, seed=seed, start=start)


@cache
def hour() -> tuple[list[Event], list[dict[str, object]]]:
    """What 200 students do in an hour of a real lesson, and the truth about it."""
    room = classroom(count=200)
    events = [event for _, event in room.timeline(until=HOUR)]
    return events, list(room.truth(until=HOUR))


def stuck() -> list[dict[str, object]]:
    return [line for line in hour()[1] if line["kind"] == "stuck"]


# --- The lesson and its people


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_notebook_has_eighteen_cells_and_every_code_cell_a_way_to_fail(language):
    book = notebook(language=language, number=1)
    code = [cell for cell in book.cells if cell.kind == "code"]
    assert len(book.cells) == 18
    assert len({cell.cell_id for cell in book.cells}) == 18
    assert all(cell.mistakes and 0 < cell.difficulty <= 1 and cell.minutes > 0 for cell in code)
    assert not any("$" in cell.code + cell.result or "@file" in str(cell.mistakes) for cell in book.cells)


def test_the_lesson_knows_the_errors_beginners_meet():
    names = {
        mistake.error.partition(":")[0] for cell in notebook(language="en", number=1).cells for mistake in cell.mistakes
    }
    assert names == {
        "NameError", "KeyError", "TypeError", "IndentationError", "SyntaxError", "ZeroDivisionError", "IndexError",
        "ModuleNotFoundError", "FileNotFoundError", "AttributeError", "ValueError",
    }  # fmt: skip


def test_students_are_distinct_and_their_teams_pass_the_extension():
    students = make_class(count=500, language="mixed", rng=Random(3))
    assert len({student.email for student in students}) == 500
    assert all(re.fullmatch(r"チーム([A-Z]|[1-9][0-9]?)", student.team) for student in students)
    assert set(Counter(student.team for student in students).values()) == {4}
    assert {student.archetype for student in students} == set(Archetype)
    assert {student.language for student in students} == {"ja", "en"}


def test_the_same_seed_gives_the_same_class():
    assert make_class(count=30, language="ja", rng=Random(5)) == make_class(count=30, language="ja", rng=Random(5))
    assert make_class(count=30, language="ja", rng=Random(5)) != make_class(count=30, language="ja", rng=Random(6))


# --- Behaviour


def test_the_same_seed_and_clock_give_the_same_events():
    one, two = (list(islice(classroom(count=20).timeline(until=None), 500)) for _ in range(2))
    assert one == two


def test_another_start_gives_new_event_ids_for_the_same_behaviour():
    """The server ignores ids it knows: a class that is simulated again must not be taken for a repetition."""
    one = [event for _, event in islice(classroom(count=20).timeline(until=None), 300)]
    two = [event for _, event in islice(classroom(count=20, start=HOUR).timeline(until=None), 300)]
    assert not {event["eventId"] for event in one} & {event["eventId"] for event in two}
    assert [event.get("code") for event in one] == [event.get("code") for event in two]


def test_a_life_waits_as_long_as_it_says():
    student = make_class(count=1, language="ja", rng=Random(1))[0]
    now = START
    life = Life(student=student, rng=Random(1), clock=lambda: now)
    for wait, event in islice(life.steps(), 300):
        now += timedelta(seconds=wait)
        assert wait >= 0
        assert abs(datetime.fromisoformat(str(event["eventTime"])) - now) < timedelta(milliseconds=2)


def test_records_have_the_extensions_shape():
    for event in hour()[0]:
        keys = list(event)
        assert keys[:8] == ALWAYS
        assert all(isinstance(event[key], str) and event[key] for key in ALWAYS)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(event["eventTime"]))
        if event["eventType"] == "cell_executed":
            rest = ["cellId", "cellIndex", "cellType", "code", "executionCount", "hasError", "errorMessage", "result"]
            expected = [key for key in [*rest, "executionDurationMs"] if key in event]
            assert keys[8:] == expected
            assert ("errorMessage" in event) is event["hasError"]
            assert set(expected) >= {*rest, "executionDurationMs"} - {"executionCount", "errorMessage"}
        else:
            assert event["eventType"] in {"notebook_opened", "help", "help_stop"}
            assert keys == ALWAYS


def test_event_ids_are_unique():
    events = hour()[0]
    assert len({event["eventId"] for event in events}) == len(events)


def test_some_results_carry_colour_codes_and_some_cells_were_aborted():
    runs = [event for event in hour()[0] if event["eventType"] == "cell_executed"]
    assert any("\x1b[31m" in str(run["result"]) for run in runs)
    aborted = [run for run in runs if run["cellType"] == "code" and "executionCount" not in run]
    assert aborted
    assert not any(run["hasError"] or run["result"] for run in aborted)


def test_errors_are_between_a_tenth_and_a_third_of_the_runs():
    runs = [event for event in hour()[0] if event["eventType"] == "cell_executed"]
    assert 0.10 <= sum(bool(run["hasError"]) for run in runs) / len(runs) <= 0.35


def test_some_ask_for_help_and_most_do_not():
    asked = {event["emailAddress"] for event in hour()[0] if event["eventType"] == "help"}
    assert 0.05 <= len(asked) / 200 <= 0.30


def test_help_is_sent_every_ten_seconds_until_it_stops():
    by_student: dict[object, list[Event]] = {}
    for event in hour()[0]:
        if str(event["eventType"]).startswith("help"):
            by_student.setdefault(event["emailAddress"], []).append(event)
    gaps = Counter(
        round(
            (datetime.fromisoformat(str(b["eventTime"])) - datetime.fromisoformat(str(a["eventTime"]))).total_seconds(),
            1,
        )
        for events in by_student.values()
        for a, b in pairwise(events)
        if a["eventType"] == b["eventType"] == "help"
    )
    assert gaps.most_common(1)[0][0] == 10.0
    assert gaps[10.0] / gaps.total() > 0.95
    assert any(event["eventType"] == "help_stop" for events in by_student.values() for event in events)


def test_everybody_gets_on():
    cells: dict[object, set[object]] = {}
    for event in hour()[0]:
        if event["eventType"] == "cell_executed" and not event["hasError"]:
            cells.setdefault(event["emailAddress"], set()).add(event["cellId"])
    assert len(cells) == 200
    assert min(len(done) for done in cells.values()) >= 8


@pytest.mark.parametrize("rate", [0.05, 0.1, 1.0])
def test_the_rate_is_the_mean_per_student(rate):
    seconds = 60 / rate
    room = classroom(count=200, rate=rate)
    count = sum(1 for _ in room.timeline(until=START + timedelta(seconds=seconds)))
    assert count / 200 / seconds == pytest.approx(rate, rel=0.25)
    assert pace_for(rate) > 0


# --- The truth


def test_the_truth_names_everybody_and_every_way_of_being_stuck():
    lines = hour()[1]
    assert lines[0]["kind"] == "class"
    assert sum(line["kind"] == "student" for line in lines) == 200
    assert {line["archetype"] for line in stuck()} == set(Archetype)
    assert json.loads(json.dumps(lines)) == lines


def test_being_stuck_begins_with_an_error_and_ends_with_a_run_that_works():
    runs = {
        (event["emailAddress"], event["cellId"], event["eventTime"]): event for event in hour()[0] if "cellId" in event
    }
    for line in stuck():
        first = runs[line["emailAddress"], line["cellId"], line["start"]]
        assert first["hasError"]
        if line["end"] is not None:
            assert not near(runs, line)["hasError"]


def near(runs, line):
    """The run that ended it: its time may differ by a millisecond, as the sum of the waits is rounded."""
    end = datetime.fromisoformat(str(line["end"]))
    return next(
        run
        for (email, cell, at), run in runs.items()
        if (email, cell) == (line["emailAddress"], line["cellId"])
        and abs(datetime.fromisoformat(at) - end) <= timedelta(milliseconds=3)
    )


def test_only_those_who_asked_are_recorded_as_asking():
    asked = {event["emailAddress"] for event in hour()[0] if event["eventType"] == "help"}
    assert asked <= {line["emailAddress"] for line in stuck() if line["asked"]}


def test_what_lies_ahead_is_no_truth_yet():
    room = classroom(count=50)
    until = START + timedelta(minutes=20)
    for _ in room.timeline(until=until):
        pass
    lines = [line for line in room.truth(until=until) if line["kind"] == "stuck"]
    assert all(datetime.fromisoformat(str(line["start"])) < until for line in lines)
    assert any(line["end"] is None for line in lines)
