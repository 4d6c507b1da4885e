"""Needs attention and the help queue: what is shown, what instructors do about it, and what it leaves behind."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from events.models import CellProgress, HelpRequest
from instructors.attention import memory
from instructors.models import AttentionCase, AuditLog
from lms.models import Cell, ClassStaff, Student, StudentClass

NAME = "NameError: name 'x' is not defined"


@pytest.fixture
def stuck(enrol, run, notebook):
    """Somebody who failed the same way five times at cell 7."""

    def make(email: str = "mei@example.com", name: str = "Mei") -> Student:
        now = timezone.now()
        student = enrol(email, name=name, last_activity_at=now, last_run_at=now, last_run_failed=True)
        Student.objects.filter(pk=student.pk).update(current_notebook=notebook)
        cell, _ = Cell.objects.get_or_create(notebook=notebook, cell_id="c7", defaults={"position": 6})
        for minute in range(5):
            at = now - timedelta(minutes=minute)
            run(student, cell=cell, status="error", error_message=NAME, executed_at=at)
        CellProgress.objects.create(
            student=student, cell=cell, notebook=notebook, run_count=5, error_count=5, last_status="error",
            last_run_at=now, last_error_at=now, consecutive_error_count=5, is_significant_error=True,
        )  # fmt: skip
        return student

    return make


@pytest.fixture
def mei(stuck) -> Student:
    return stuck()


@pytest.fixture
def ticket(aoi) -> HelpRequest:
    at = timezone.now() - timedelta(minutes=3, seconds=5)
    Student.objects.filter(pk=aoi.pk).update(help_requested_at=at)
    return HelpRequest.objects.create(
        student=aoi,
        session_id="s1",
        notebook_path="course/week1.ipynb",
        asked_at=at,
        last_asked_at=at,
        last_heard_at=at,
    )


@pytest.fixture
def desk(signed_in, python_class):
    """What an account sees and does on the page of the class."""

    class Desk:
        def __init__(self, account) -> None:
            self.client = signed_in(account)
            self.path = f"/classes/{python_class.pk}/attention/"

        def look(self, **headers) -> str:
            memory.forget()
            return self.client.get(self.path, headers=headers).content.decode()

        def act(self, student, act, *, fragment: bool = True, **data):
            memory.forget()
            headers = {"X-Requested-With": "fragment"} if fragment else {}
            return self.client.post(f"{self.path}{student.pk}/", {"act": act, **data}, headers=headers)

    return Desk


@pytest.fixture
def colleague(taro, python_class):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="instructor")
    return taro


@pytest.fixture
def assistant(taro, python_class):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    return taro


def entries(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'data-concern="(\d+)"', html)]


def test_a_concern_says_why(desk, hanako, mei):
    html = desk(hanako).look()
    assert entries(html) == [mei.pk]
    assert "same NameError 5 times in cell 7" in html
    assert "Students watched: 1" in html


def test_nobody_in_need_is_said_calmly(desk, hanako, ren):
    html = desk(hanako).look()
    assert "Nobody needs you right now." in html
    assert "Watched:" in html


def test_who_asks_comes_first_and_stands_in_the_queue(desk, hanako, mei, aoi, ticket):
    html = desk(hanako).look()
    assert entries(html) == [aoi.pk, mei.pk]
    assert "asked for help 3 min ago" in html
    assert f'data-ticket="{ticket.pk}"' in html
    assert "week1.ipynb" in html


def test_at_most_five_are_shown(desk, hanako, stuck):
    for number in range(7):
        stuck(f"s{number}@example.com", f"S{number}")
    # Seven of seven at one cell is the class's problem; so each has a cell of their own.
    for number, progress in enumerate(CellProgress.objects.all()):
        cell = Cell.objects.create(notebook=progress.notebook, cell_id=f"own{number}", position=6)
        progress.student.executions.update(cell=cell)
        CellProgress.objects.filter(pk=progress.pk).update(cell=cell)
    html = desk(hanako).look()
    assert len(entries(html)) == 5
    assert "Behind these: 2 more" in html
    assert AttentionCase.objects.count() == 5


def test_what_is_shown_is_recorded_once_and_ends_with_recovery(desk, hanako, mei, run):
    page = desk(hanako)
    page.look()
    page.look()
    (case,) = AttentionCase.objects.all()
    assert (case.code, case.evidence["count"], case.ended_at) == ("repeated_error", 5, None)
    run(mei, cell=Cell.objects.get(cell_id="c7"), status="success", executed_at=timezone.now())
    assert entries(page.look()) == []
    case.refresh_from_db()
    assert (case.outcome, case.ended_by) == ("recovered", None)


def test_painting_the_page_records_nothing(signed_in, hanako, python_class, mei):
    html = signed_in(hanako).get(f"/classes/{python_class.pk}/").content.decode()
    assert entries(html) == [mei.pk]
    assert not AttentionCase.objects.exists()


def test_a_claim_is_seen_by_all(desk, hanako, colleague, mei, signed_in, python_class):
    answer = desk(hanako).act(mei, "claim")
    assert answer.status_code == 200
    assert "You are on the way to Mei." in answer.content.decode()
    html = desk(colleague).look()
    assert "Hanako is on the way" in html
    assert "Nobody needs you right now." in html
    page = signed_in(colleague).get(f"/classes/{python_class.pk}/").content.decode()
    assert re.search(r'data-claim>.*?<span data-field="claim">Hanako is on the way', page, re.S)


@pytest.mark.parametrize("who", ["mei", "aoi"])
def test_the_second_is_told_who_goes(desk, hanako, colleague, request, ticket, who):
    student = request.getfixturevalue(who)
    desk(hanako).act(student, "claim")
    answer = desk(colleague).act(student, "claim")
    assert answer.status_code == 409
    assert f"Hanako is already on the way to {student.name}." in answer.content.decode()


def test_without_scripts_a_form_leads_back(desk, hanako, mei, python_class):
    answer = desk(hanako).act(mei, "claim", fragment=False)
    assert answer.status_code == 302
    assert answer["Location"] == f"/classes/{python_class.pk}/#attention"
    page = desk(hanako).client.get(f"/classes/{python_class.pk}/").content.decode()
    assert "You are on the way" in page
    answer = desk(hanako).act(mei, "release", fragment=False, next=f"/classes/{python_class.pk}/students/{mei.pk}/")
    assert answer["Location"] == f"/classes/{python_class.pk}/students/{mei.pk}/"
    answer = desk(hanako).act(mei, "claim", fragment=False, next="https://example.org/")
    assert answer["Location"] == f"/classes/{python_class.pk}/#attention"


def test_only_the_one_who_goes_a_teacher_or_an_admin_puts_back(desk, hanako, kaoru, assistant, mei):
    desk(hanako).act(mei, "claim")
    assert desk(assistant).act(mei, "release").status_code == 409
    assert desk(kaoru).act(mei, "release").status_code == 200
    assert desk(assistant).act(mei, "claim").status_code == 200
    assert desk(hanako).act(mei, "release").status_code == 200
    assert AttentionCase.objects.get().claimed_by is None


@pytest.mark.parametrize(
    ("act", "outcome"), [("dismiss", "dismissed"), ("resolve", "helped"), ("not_found", "not_found")]
)
def test_an_answer_ends_the_case_and_the_concern_stays_away(desk, hanako, mei, run, act, outcome):
    page = desk(hanako)
    page.look()
    assert page.act(mei, act).status_code == 200
    case = AttentionCase.objects.get()
    assert (case.outcome, case.ended_by) == (outcome, hanako)
    run(mei, cell=Cell.objects.get(cell_id="c7"), status="error", error_message=NAME, executed_at=timezone.now())
    assert entries(page.look()) == []


def test_a_snooze_keeps_it_away_for_its_time(desk, hanako, mei):
    page = desk(hanako)
    page.look()
    page.act(mei, "snooze-5")
    assert entries(page.look()) == []
    case = AttentionCase.objects.get()
    assert timedelta(minutes=4) < case.snoozed_until - timezone.now() <= timedelta(minutes=5)
    AttentionCase.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))
    assert entries(page.look()) == [mei.pk]


@pytest.mark.parametrize(("act", "ending"), [("resolve", "resolved"), ("dismiss", "dismissed")])
def test_ending_a_request_goes_the_way_of_every_dismissal(desk, hanako, aoi, ticket, act, ending):
    desk(hanako).act(aoi, act)
    ticket.refresh_from_db()
    aoi.refresh_from_db()
    assert (ticket.ending, ticket.ended_by) == (ending, hanako)
    assert not aoi.is_requesting_help
    assert aoi.help_dismissed_at is not None
    assert AuditLog.objects.filter(action=f"help_{act}", target_id=aoi.email).count() == 1


def test_who_was_not_found_waits_at_the_end_of_the_queue(desk, hanako, aoi, ticket, enrol):
    now = timezone.now()
    other = enrol("yui@example.com", name="Yui", is_requesting_help=True, help_requested_at=now)
    HelpRequest.objects.create(student=other, asked_at=now, last_asked_at=now, last_heard_at=now)
    page = desk(hanako)
    page.act(aoi, "claim")
    page.act(aoi, "not_found")
    ticket.refresh_from_db()
    assert (ticket.ended_at, ticket.claimed_by) == (None, None)
    html = page.look()
    assert re.findall(r'data-help-for="(\d+)"', html) == [str(other.pk), str(aoi.pk)]
    assert "looked for at" in html


def test_a_snoozed_request_stays_in_the_queue_alone(desk, hanako, aoi, ticket):
    page = desk(hanako)
    page.act(aoi, "snooze-10")
    html = page.look()
    assert entries(html) == []
    assert "not before" in html


def test_each_act_is_in_the_audit_log(desk, hanako, mei, aoi, ticket):
    page = desk(hanako)
    for act in ("claim", "release", "snooze-5", "dismiss"):
        page.act(mei, act)
    for act in ("claim", "not_found"):
        page.act(aoi, act)
    found = list(AuditLog.objects.order_by("pk").values_list("action", "target_id"))
    assert found == [
        ("attention_claim", mei.email), ("attention_release", mei.email), ("attention_snooze_5", mei.email),
        ("attention_dismiss", mei.email), ("help_claim", aoi.email), ("help_not_found", aoi.email),
    ]  # fmt: skip


def test_who_needs_nobody_any_more_cannot_be_claimed(desk, hanako, ren):
    answer = desk(hanako).act(ren, "claim")
    assert answer.status_code == 409
    assert "Ren no longer needs anybody." in answer.content.decode()


def test_refusals(desk, hanako, taro, mei, stranger, client, python_class):
    path = f"/classes/{python_class.pk}/attention/"
    assert desk(taro).client.get(path).status_code == 404
    assert desk(taro).act(mei, "claim").status_code == 404
    assert desk(hanako).act(stranger, "claim").status_code == 404
    assert desk(hanako).act(mei, "shout").status_code == 400
    assert desk(hanako).client.get(f"{path}{mei.pk}/").status_code == 405
    assert client.get(path).headers["Location"].startswith("/login/")
    assert Client(enforce_csrf_checks=True).post(f"{path}{mei.pk}/", {"act": "claim"}).status_code == 403


def test_the_room_of_everybody_works_too(signed_in, kaoru, mei):
    client = signed_in(kaoru)
    assert entries(client.get("/everybody/attention/").content.decode()) == [mei.pk]
    answer = client.post(f"/everybody/attention/{mei.pk}/", {"act": "resolve"})
    assert answer["Location"] == "/everybody/#attention"
    assert AttentionCase.objects.get().class_ref is None


def test_a_projector_names_nobody(desk, hanako, mei, aoi, ticket):
    page = desk(hanako)
    page.client.cookies["display"] = "projector"
    html = page.look()
    assert f"Student {mei.pk}" in html
    assert "Quiet while projecting" in html
    assert not re.search("Mei|Aoi", html)
    assert "Mei" not in page.act(mei, "claim").content.decode()


def test_precision_is_what_instructors_said(desk, hanako, mei, python_class):
    def judged(outcome: str, count: int, **fields) -> None:
        now = timezone.now() - timedelta(days=2)
        for _ in range(count):
            AttentionCase.objects.create(
                student=mei, opened_at=now, ended_at=now, outcome=outcome,
                **{"class_ref": python_class, "code": "silent", "ended_by": hanako, **fields},
            )  # fmt: skip

    page = desk(hanako)
    judged("helped", 3)
    judged("dismissed", 1)
    judged("helped", 9, code="help")
    judged("helped", 9, ended_by=None)
    assert "visits so far: 4" in page.look()
    judged("helped", 3)
    judged("dismissed", 1, class_ref=None)
    html = page.look()
    assert "In this room: 6 of 7 visits were worth it, 86 %" in re.sub(r"\s+", " ", html)
    assert "In all rooms: 6 of 8 visits were worth it, 75 %" in re.sub(r"\s+", " ", html)


@pytest.mark.parametrize("path", ["", "attention/", "cards/"])
def test_two_hundred_students_cost_no_more_queries(signed_in, hanako, python_class, stuck, path):
    students = [stuck(f"s{number}@example.com", f"S{number}") for number in range(3)]
    now = datetime.now(UTC)
    more = Student.objects.bulk_create(
        [
            Student(email=f"m{n}@example.com", last_run_at=now, last_activity_at=now, is_requesting_help=n < 20)
            for n in range(197)
        ]
    )
    StudentClass.objects.bulk_create([StudentClass(student=student, class_ref=python_class) for student in more])
    HelpRequest.objects.bulk_create(
        [
            HelpRequest(student=s, asked_at=now, last_asked_at=now, last_heard_at=now)
            for s in more
            if s.is_requesting_help
        ]
    )
    assert students
    client = signed_in(hanako)
    memory.forget()
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/classes/{python_class.pk}/{path}").status_code == 200
    assert len(queries) <= 10, [query["sql"][:120] for query in queries]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["mei", "aoi"])
def test_of_two_who_claim_at_once_one_wins(desk, hanako, colleague, kaoru, request, ticket, who):
    """Real threads and connections of their own."""
    student = request.getfixturevalue(who)
    desks = [desk(account) for account in (hanako, colleague, kaoru)]
    start, statuses = threading.Barrier(len(desks)), []

    def claim(one) -> None:
        try:
            start.wait()
            statuses.append(one.act(student, "claim").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=[one]) for one in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409]
    assert AuditLog.objects.filter(action__endswith="_claim").count() == 1
