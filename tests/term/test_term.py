"""A term of two classes on the running product; then every figure of gradebook, lessons and reports is counted
again from the raw rows. Short here; `TERM_SIZE=long pytest tests/term` plays 15 lessons of 200 students."""

import csv
import io
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from tests.live import LiveSystem
from tests.servers import wait_until
from tests.term import recount
from tests.term.play import PASSWORD, Person, Played, Size, Term, now

SIZE = Size(15, 200, 10) if os.environ.get("TERM_SIZE") == "long" else Size(3, 15, 4)
SEED = int(os.environ.get("TERM_SEED", "1"))
KEYS = """
from lms.class_keys import create_key
from lms.models import Class, ClassStaff
from instructors.models import Instructor
for email, code in (("one@example.com", "PY-1"), ("two@example.com", "PY-2")):
    made = Class.objects.create(name=code, class_code=code, instructor=Instructor.objects.get(email=email))
    print(made.pk, create_key(made)[1])
helper = Instructor.objects.get(email="helper@example.com")
ClassStaff.objects.create(class_ref=Class.objects.get(class_code="PY-1"), instructor=helper, role="assistant")
"""


@pytest.fixture(scope="module")
def system(start_live_system) -> Iterator[LiveSystem]:
    """As a server of a school, but without rate limits: one teacher grades two thousand hand-ins within minutes."""
    made: LiveSystem = start_live_system(RATE_LIMITS="0", API_REQUIRE_AUTH="1")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def term(system: LiveSystem) -> Iterator[Term]:
    for email, role in (("one", "instructor"), ("two", "instructor"), ("helper", "assistant")):
        arguments = ("--email", f"{email}@example.com", "--role", role, "--password-stdin")
        system.manage("create_instructor", *arguments, stdin=PASSWORD)
    made = system.manage("shell", "--no-imports", "-v0", "-c", KEYS).split()
    people = [Person(url=system.url, email=f"{name}@example.com") for name in ("one", "two", "helper")]
    yield Term(
        url=system.url,
        keys=(made[1], made[3]),
        teachers=(people[0], people[1]),
        assistant=people[2],
        size=SIZE,
        class_ids=(int(made[0]), int(made[2])),
        now=now(),
        chance=random.Random(SEED),
    )
    for person in people:
        person.client.close()


@pytest.fixture(scope="module")
def played(term: Term, system: LiveSystem) -> Played:
    played = term.play()
    with psycopg.connect(system.database_url, autocommit=True) as database:
        stored = "SELECT count(*) FROM cell_executions"
        wait_until(lambda: database.execute(stored).fetchone() == (sum(played.runs),), seconds=300, what="all runs")
        ended = "SELECT count(*) FROM help_requests WHERE ended_at IS NULL"
        wait_until(lambda: database.execute(ended).fetchone() == (0,), seconds=60, what="the end of help")
        # Everybody has been in the class from the first lesson on: who joined after a lesson was not absent from it.
        database.execute("UPDATE student_classes SET joined_at = now() - interval '40 days'")
    term.schoolwork(played)
    return played


@pytest.fixture(scope="module", params=[0, 1], ids=["first", "second"])
def rows(request, played: Played, system: LiveSystem) -> recount.Rows:
    return recount.Rows.read(system.database_url, played.class_ids[request.param])


@pytest.fixture
def teacher(term: Term, rows: recount.Rows) -> Person:
    return term.teachers[term.class_ids.index(rows.class_id)]


def lessons(term: Term, teacher: Person, rows: recount.Rows) -> list[dict[str, str]]:
    since = term.now - timedelta(days=28)
    return table(teacher, rows, f"report/lessons.csv?from={since:%Y-%m-%d}&to={term.now:%Y-%m-%d}")


def table(teacher: Person, rows: recount.Rows, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(teacher.page(f"/classes/{rows.class_id}/{path}"))))


def column(row: dict[str, str], begin: str) -> str:
    """Return the value of the one column whose head begins so: heads name their zone, and their points."""
    [name] = [name for name in row if name.startswith(begin)]
    return row[name]


def number(text: str) -> float | None:
    return float(text) if text else None


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def test_each_run_is_a_row_of_its_class(played, rows):
    assert len(rows.of_class("cell_executions")) == played.runs[played.class_ids.index(rows.class_id)]


def test_an_assistant_grades_nobody(played):
    assert set(played.refused) == {403}


def test_the_gradebook(term, rows, teacher):
    marks = recount.marks(rows, now())
    assignments = sorted(rows.of_class("class_assignments"), key=lambda row: (row["due_date"], row["id"]))
    ids = {row["email"]: pk for pk, row in rows.members.items()}
    book = table(teacher, rows, "assignments/gradebook.csv")
    assert {row["email"] for row in book} == set(ids)
    for row in book:
        student = ids[row["email"]]
        mine = [marks[student, assignment["id"]] for assignment in assignments]
        percent, counted = recount.total(assignments, mine)
        assert int(row["counted"]) == counted, row
        assert number(row["total_percent"]) == (None if percent is None else pytest.approx(percent, abs=0.0051)), row
        for assignment, mark in zip(assignments, mine, strict=True):
            title = f"{assignment['title']} [{assignment['id']}]"
            assert number(column(row, f"{title} (")) == mark.grade
            assert row[f"{title}: state"] == mark.state
            shown = moment(column(row, f"{title}: submitted_at"))
            assert shown == (mark.submitted_at and mark.submitted_at.replace(microsecond=0))
            assert moment(column(row, f"{title}: extended_to")) == mark.extended
    states = Counter(mark.state for mark in marks.values())
    assert min(states[state] for state in ("missing", "graded", "graded, late")) > 0, "the term has too little in it"


def test_the_grades_of_each_assignment(rows, teacher):
    marks, members = recount.marks(rows, now()), rows.members
    for assignment in rows.of_class("class_assignments"):
        found = {row["email"]: row for row in table(teacher, rows, f"assignments/{assignment['id']}/grades.csv")}
        assert len(found) == len(members)
        for student, member in members.items():
            mark, row = marks[student, assignment["id"]], found[member["email"]]
            assert number(row["grade"]) == mark.grade
            assert (row["status"] == "missing") == (mark.submitted_at is None)


def test_the_lessons_side_by_side(term, rows, teacher):
    found = lessons(term, teacher, rows)
    assert len(found) == term.size.lessons
    for row in found:
        since, until = moment(column(row, "since")), moment(column(row, "until"))
        lesson = recount.lesson(rows, since, until)
        assert timedelta(minutes=30) < until - since < timedelta(minutes=60)
        assert int(row["present"]) == lesson.present
        assert int(row["enrolled"]) == len(rows.members)
        assert (int(row["runs"]), int(row["errors"])) == (lesson.runs, lesson.errors)
        assert number(row["error_share"]) == pytest.approx(lesson.errors / lesson.runs, abs=0.00051)
        assert int(row["help_requests"]) == lesson.helps
        wait = recount.quantile(lesson.waits, 0.5) if lesson.waits else None
        assert number(row["wait_seconds_median"]) == (None if wait is None else pytest.approx(wait, abs=1))
        for place, (cell, notebook) in enumerate(lesson.hardest(), 1):
            tries = lesson.cells[cell, notebook]
            name = rows.name_of("notebooks", notebook)["name"]
            failed = sum(each.errors > 0 for each in tries)
            assert row[f"hardest_{place}"].startswith(f"{name}, cell ")
            assert row[f"hardest_{place}"].endswith(f": {failed} of {len(tries)} failed")


def test_the_report_of_each_lesson(term, rows, teacher):
    for row in lessons(term, teacher, rows):
        since, until = moment(column(row, "since")), moment(column(row, "until"))
        lesson = recount.lesson(rows, since, until)
        query = f"?from={since:%Y-%m-%d %H:%M}&to={until:%Y-%m-%d %H:%M}"
        _compare_cells(table(teacher, rows, f"report/cells.csv{query}"), lesson, rows)
        _compare_help(table(teacher, rows, f"report/help.csv{query}"), lesson)
        emails = {pk: member["email"] for pk, member in rows.members.items()}
        absent = {row["email"] for row in table(teacher, rows, f"report/absent.csv{query}")}
        assert absent == {emails[student] for student in lesson.absent}
        struggling = table(teacher, rows, f"report/struggling.csv{query}")
        told = {row["email"]: (int(row["cells"]), row["worked"] == "yes") for row in struggling}
        counted = {emails[student]: facts for student, facts in lesson.struggling.items()}
        assert told == counted or (len(told) == 100 and told.items() <= counted.items())
        errors = table(teacher, rows, f"report/errors.csv{query}")
        shared = recount.shared_errors(rows, since, until)
        assert sorted(int(row["students"]) for row in errors) == sorted(dict(shared.most_common(50)).values())


def _compare_cells(found: list[dict[str, str]], lesson: recount.Lesson, rows: recount.Rows) -> None:
    assert len(found) == len(lesson.cells)
    by_place = {(row["notebook"], int(row["cell"])): row for row in found}
    for (cell, notebook), tries in lesson.cells.items():
        path, position = rows.name_of("notebooks", notebook)["path"], rows.name_of("cells", cell)["position"]
        row = by_place[path, position + 1]
        assert int(row["students"]) == len(tries)
        assert int(row["failed"]) == sum(each.errors > 0 for each in tries)
        assert int(row["unsolved"]) == sum(not each.solved for each in tries)
        solved = [each.errors for each in tries if each.solved]
        mean = sum(solved) / len(solved) if solved else None
        shown = number(row["mean_errors_before_success"])
        assert shown == (None if mean is None else pytest.approx(mean, abs=0.0051))
        assert float(row["median_tries"]) == recount.quantile([each.tries for each in tries], 0.5)
        seconds = [each.seconds for each in tries if each.seconds is not None]
        for name, share in (("q1", 0.25), ("median", 0.5), ("q3", 0.75)):
            expected = pytest.approx(recount.quantile(seconds, share), abs=0.51) if seconds else None
            assert number(row[f"seconds_{name}"]) == expected


def _compare_help(found: list[dict[str, str]], lesson: recount.Lesson) -> None:
    [everybody] = [row for row in found if row["helper"] == "all"]
    assert int(everybody["requests"]) == lesson.helps
    if lesson.waits:
        assert float(everybody["wait_seconds_median"]) == pytest.approx(recount.quantile(lesson.waits, 0.5), abs=0.51)
        assert float(everybody["wait_seconds_p90"]) == pytest.approx(recount.quantile(lesson.waits, 0.9), abs=0.51)


def test_the_progress_of_everybody(rows, teacher):
    """Over the last 30 days, which hold the whole term."""
    query = {"class_id": rows.class_id, "time_range": "30d"}
    found = {row["emailAddress"]: row for row in teacher.call("GET", "analytics/progress", params=query)["students"]}
    runs: dict[int, list[recount.Row]] = {student: [] for student in rows.members}
    for run in rows.runs:
        runs[run["student_id"]].append(run)
    for student, member in rows.members.items():
        row, mine = found[member["email"]], runs[student]
        errors, counted = sum(run["status"] == "error" for run in mine), sum(map(recount.counts, mine))
        assert (row["executions"], row["errors"]) == (counted, errors)
        assert row["error_rate"] == (pytest.approx(errors / counted, abs=0.001) if counted else 0)
        assert row["notebooks_opened"] == len({run["notebook_id"] for run in mine})
