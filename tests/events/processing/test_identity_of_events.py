"""Events of one student are one student's however the sender spells the address, the team and the path."""

import json
from datetime import UTC, datetime

import pytest

from classroom.sockets.people import by_address, by_either
from core.identity import email_key
from events.contract import schema
from events.intake import app as intake_app
from events.models import CellExecution, OfflineQueueEntry, StudentEvent
from events.queue import maintenance
from events.student_status import NO_TEAM, student_rows
from events.timeseries.line_protocol import student_tag
from lms.access import EVERYTHING
from lms.enrolment import ListedStudent, enrol_listed, known_students
from lms.models import Class, Notebook, Student, Team
from lms.rosters.parser import read
from realtime import groups
from tests.events.conftest import event
from tests.spellings import ADDRESS, APART, SAME

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_one_student_whatever_the_spelling(event_pipeline):
    event_pipeline.post(*(event(emailAddress=each, sessionId="s1") for each in (ADDRESS, *SAME.values())))
    student = Student.objects.get()
    assert student.email == ADDRESS, "as it was typed first"
    assert student.execution_count == CellExecution.objects.count() == 1 + len(SAME)
    assert student.sessions.count() == 1
    event_pipeline.post(*(event(emailAddress=each) for each in APART.values()))
    assert Student.objects.count() == 3


@pytest.mark.parametrize("spelling", SAME.values(), ids=SAME)
def test_every_place_that_an_address_leads_to_is_the_same(db, spelling):
    student = Student.objects.create(email=ADDRESS)
    assert by_address(spelling).student_id == by_either(spelling).student_id == student.pk
    assert groups.email_form(spelling) == groups.email_form(ADDRESS)
    assert groups.email_form(spelling) == groups.email_form(ADDRESS)
    assert student_tag(spelling) == student_tag(ADDRESS)
    assert schema.shard_of(spelling, 64) == schema.shard_of(ADDRESS, 64)
    room = Class.objects.create(name="Python", class_code="P")
    assert known_students(room.pk, [spelling])[spelling].id == student.pk
    assert enrol_listed(room.pk, [ListedStudent(email=spelling)], now=NOW).created == 1
    table = read(f"email,name\n{spelling},Kissa\n{ADDRESS},Again\n")
    assert "line 2" in table.lines[1].problem
    assert not table.lines[0].problem


@pytest.mark.parametrize("other", APART.values(), ids=APART)
def test_a_look_alike_is_led_elsewhere(db, other):
    Student.objects.create(email=ADDRESS)
    assert by_either(other).student_id is None
    assert groups.email_form(other) != groups.email_form(ADDRESS)
    assert student_tag(other) != student_tag(ADDRESS)


def test_one_student_in_one_shard_waits_and_is_taken_out_under_any_spelling(event_pipeline):
    event_pipeline.append(*(event(emailAddress=each) for each in SAME.values()))
    assert maintenance.mentions(lambda email: email_key(email) == ADDRESS)
    assert not maintenance.mentions(lambda email: email_key(email) == email_key(APART["dotless i"]))
    assert maintenance.remove_person(lambda email: email_key(email) == ADDRESS, cut=str, timeout=1) == len(SAME)


def test_old_entries_of_a_stream_go_to_the_right_student(event_pipeline):
    """An event that an earlier version admitted waits in the shard of its own rule, with its path as it was sent."""
    [old] = intake_app.admit_body(json.dumps([event(emailAddress=ADDRESS)]).encode(), class_id=None).events
    old.email, old.notebook, old.team = "KISSA＠example.com", "w1/\u304b\u3099.ipynb", "\u3164"
    Student.objects.create(email=ADDRESS)
    event_pipeline.put([old])
    event_pipeline.drain()
    assert CellExecution.objects.get().student.email == ADDRESS
    assert Notebook.objects.get().path == "w1/\u304c.ipynb"
    assert not Team.objects.exists()
    assert not OfflineQueueEntry.objects.exists()
    old.event_id, old.email = "of nobody", "\u200b"
    event_pipeline.put([old])
    event_pipeline.drain()
    assert OfflineQueueEntry.objects.get().event_data["emailAddress"] == "\u200b", "set aside, not lost"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("\u200b\u2060", "missing emailAddress"),
        ("\u3164", "missing emailAddress"),
        ("\ufeff \u00ad", "missing emailAddress"),
        ("x" * 321, "emailAddress is too long"),
        ("\u3231" * 107, "emailAddress is too long"),
        ("a" + "\u0301\u0316" * 200_000, "emailAddress is too long"),
    ],
    ids=["zero width", "filler", "mixed", "long", "long in its form", "very long"],
)
def test_an_address_that_is_none_is_refused_with_its_reason_and_its_neighbours_go_on(event_pipeline, address, reason):
    body = json.dumps([event(), event(emailAddress=address)]).encode()
    taken = intake_app.admit_body(body, class_id=None)
    assert (len(taken.events), taken.failed) == (1, [{"index": 1, "error": reason}])
    event_pipeline.put(taken.events)
    event_pipeline.drain()
    assert CellExecution.objects.count() == 1
    assert not OfflineQueueEntry.objects.exists()


def test_an_address_of_the_longest_length_is_kept_whole(event_pipeline):
    address = "x" * 308 + "@example.com"
    event_pipeline.post(event(emailAddress=address))
    assert Student.objects.get().email == address


def test_names_that_show_nothing_are_none(event_pipeline):
    event_pipeline.post(
        event("help", emailAddress="blank1@example.com", userName="\u3164", teamName="\u200b"),
        event("help", emailAddress="blank2@example.com", userName="\u200b\u2060"),
    )
    rows = {
        row["emailAddress"]: row for row in student_rows(Student.objects.all(), scope=EVERYTHING, now=datetime.now(UTC))
    }
    assert [rows[f"blank{number}@example.com"]["userName"] for number in (1, 2)] == ["blank1", "blank2"]
    assert rows["blank1@example.com"]["teamName"] == NO_TEAM
    assert list(Team.objects.values_list("team_name", flat=True)) == ["チームA"]
    event_pipeline.post(event("help", emailAddress="blank1@example.com", userName="Hana"))
    event_pipeline.post(event("help", emailAddress="blank1@example.com", userName="\u3164"))
    assert Student.objects.get(email="blank1@example.com").name == "Hana", "nothing takes no name away"


def test_three_widths_of_a_name_are_one_team(event_pipeline):
    names = ("チームA", "チーム\uff21", "\uff81\uff70\uff91A")
    event_pipeline.post(*(event(emailAddress=f"tm{n}@example.com", teamName=name) for n, name in enumerate(names)))
    team = Team.objects.get()
    assert team.students.count() == 3
    assert team.team_name in names


def test_one_file_is_one_notebook_on_every_system(event_pipeline):
    event_pipeline.post(event(notebookPath="w1/\u304c.ipynb"), event("help", notebookPath="w1/\u304b\u3099.ipynb"))
    assert [each.path for each in Notebook.objects.all()] == ["w1/\u304c.ipynb"]
    assert StudentEvent.objects.get().notebook_path == "w1/\u304c.ipynb"
