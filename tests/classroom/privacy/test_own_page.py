"""A student's own page: what it shows and never shows, the copy to take along, requests for erasure."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.test import Client

from classroom.privacy.models import ErasureRequest
from classroom.students.models import StudentNote
from core.time_formats import moment_text
from events.models import CellExecution
from instructors import throttles
from instructors.models import AuditLog
from lms.due_date_extensions import extend
from lms.models import AssignmentSubmission, Class, ClassAssignment

SECRET = "what the staff think"


@pytest.fixture
def work(python_class, notebook, ren):
    task = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", points=10)
    return AssignmentSubmission.objects.create(
        assignment=task, student=ren, grade=7.5, feedback="Well done <b>", notebook_content={"cells": []}
    )


@pytest.fixture
def elsewhere(taro, notebook, ren, run):
    """Of another class: work and runs that this class must not open."""
    other = Class.objects.create(class_code="X", name="Other", instructor=taro)
    task = ClassAssignment.objects.create(class_ref=other, notebook=notebook, title="Elsewhere")
    AssignmentSubmission.objects.create(assignment=task, student=ren, feedback="Elsewhere")
    run(ren, class_id=other.pk, code_content="elsewhere = 1")
    return other


def read(answer) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def test_hand_ins_feedback_and_progress(open_as, ren, work, elsewhere, python_class):
    StudentNote.objects.create(student=ren, class_ref=python_class, text=SECRET)
    html = open_as(ren).get("/me/").content.decode()
    assert "grade 7.5 / 10" in html
    assert "Well done &lt;b&gt;" in html
    assert "Elsewhere" not in html
    assert SECRET not in html


def test_the_copy_holds_what_came_through_this_class(open_as, ren, aoi, work, elsewhere, run, python_class):
    run(ren, class_id=python_class.pk, code_content="mine = 1")
    run(aoi, class_id=python_class.pk, code_content="hers = 1")
    StudentNote.objects.create(student=ren, class_ref=python_class, text=SECRET)
    answer = open_as(ren).post("/me/copy/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="cell-monitor-my-data.zip"'
    archive = read(answer)
    runs = json.loads(archive.read("runs.json"))
    assert [row["code_content"] for row in runs] == ["mine = 1"]
    [handed_in] = json.loads(archive.read("submissions.json"))
    assert (handed_in["grade"], handed_in["feedback"]) == (7.5, "Well done <b>")
    assert json.loads(archive.read(f"notebooks/{work.pk}.ipynb")) == {"cells": []}
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for never in ("elsewhere = 1", "hers = 1", SECRET, "aoi@example.com", "hanako@school.example"):
        assert never not in everything
    assert "ren@example.com" in archive.read("ABOUT.txt").decode()
    assert AuditLog.objects.filter(action="own_page_export").count() == 1


def test_what_came_without_a_key_counts_only_where_none_is_required(open_as, settings, ren, run):
    run(ren, code_content="keyless = 1")
    client = open_as(ren)
    settings.EVENTS_REQUIRE_KEY = False
    assert len(json.loads(read(client.post("/me/copy/")).read("runs.json"))) == 1
    settings.EVENTS_REQUIRE_KEY = True
    assert json.loads(read(client.post("/me/copy/")).read("runs.json")) == []


def test_a_request_is_seen_and_answered_and_erases_nothing(open_as, signed_in, hanako, ren, run, python_class):
    run(ren)
    client, teacher = open_as(ren), signed_in(hanako)
    client.post("/me/erasure/", {"text": "My <runs>, please"})
    assert "Your teachers see your request" in client.get("/me/").content.decode()
    setup = f"/classes/{python_class.pk}/setup/privacy/"
    html = teacher.get(setup).content.decode()
    assert "My &lt;runs&gt;, please" in html
    assert "1 request" in html
    assert CellExecution.objects.filter(student=ren).exists()
    asked = ErasureRequest.objects.get()
    teacher.post(f"{setup}erasures/{asked.pk}/", {"answer": "Done on Friday"})
    assert "Done on Friday" in client.get("/me/").content.decode()
    assert "My &lt;runs&gt;" not in teacher.get(setup).content.decode()
    actions = AuditLog.objects.filter(action__startswith="erasure").order_by("pk").values_list("action", "target_id")
    assert list(actions) == [("erasure_request", str(ren.pk)), ("erasure_answer", str(ren.pk))]
    assert CellExecution.objects.filter(student=ren).exists()


def test_one_request_is_open_at_a_time_and_may_be_withdrawn(open_as, ren):
    client = open_as(ren)
    for _ in range(2):
        client.post("/me/erasure/", {"text": "x" * 5_000})
    [asked] = ErasureRequest.objects.all()
    assert len(asked.text) == 2_000
    client.post("/me/erasure/withdraw/")
    asked.refresh_from_db()
    assert asked.status == "withdrawn"
    client.post("/me/erasure/", {})
    assert ErasureRequest.objects.count() == 2


def test_an_answer_comes_once_and_from_this_class(open_as, signed_in, hanako, taro, ren, python_class, elsewhere):
    open_as(ren).post("/me/erasure/", {})
    asked = ErasureRequest.objects.get()
    signed_in(taro).post(f"/classes/{elsewhere.pk}/setup/privacy/erasures/{asked.pk}/", {"answer": "no"})
    asked.refresh_from_db()
    assert asked.status == "open"
    address = f"/classes/{python_class.pk}/setup/privacy/erasures/{asked.pk}/"
    for text in ("first", "second"):
        signed_in(hanako).post(address, {"answer": text})
    asked.refresh_from_db()
    assert (asked.status, asked.answer, asked.answered_by) == ("answered", "first", hanako)


@pytest.mark.parametrize("path", ["copy/", "erasure/", "erasure/withdraw/"])
def test_nothing_without_a_session(db, path):
    client = Client()
    assert client.post(f"/me/{path}").headers["Location"] == "/me/"
    assert client.get(f"/me/{path}").status_code == 405
    assert not ErasureRequest.objects.exists()


def test_forms_from_elsewhere_are_refused(open_as, ren):
    client = Client(enforce_csrf_checks=True)
    client.cookies = open_as(ren).cookies
    assert client.post("/me/erasure/").status_code == 403


def test_the_due_date_is_the_students_own(open_as, ren, aoi, work, hanako):
    task = work.assignment
    task.due_date = datetime(2026, 5, 1, 12, tzinfo=UTC)
    task.save()
    until = task.due_date + timedelta(days=3)
    extend(task, ren.pk, until=until, reason="Ill", by=hanako, request=None, now=task.due_date)
    html = open_as(ren).get("/me/").content.decode()
    assert moment_text(until) in html
    assert "extended for you" in html
    assert "Ill" not in html
    html = open_as(aoi).get("/me/").content.decode()
    assert moment_text(task.due_date) in html
    assert "extended for you" not in html


def copies(client: Client) -> int:
    answer = client.post("/me/copy/")
    if answer.streaming:
        read(answer)  # to its end, which closes the file
    return answer.status_code


def test_a_copy_is_made_three_times_in_five_minutes(open_as, settings, monkeypatch, ren, aoi):
    settings.RATE_LIMITS = True
    clock = SimpleNamespace(time=lambda: 1_000_000_200.0)  # a window does not end meanwhile
    monkeypatch.setattr(throttles, "time", clock)
    client = open_as(ren)
    assert [copies(client) for _ in range(4)] == [200, 200, 200, 429]
    again = open_as(ren).post("/me/copy/")  # another session of the same student
    assert again.status_code == 429
    assert 0 < int(again.headers["Retry-After"]) <= 300
    html = again.content.decode()
    assert "Wait a few minutes" in html
    assert "Download my data" in html
    assert copies(open_as(aoi)) == 200
    assert AuditLog.objects.filter(action="own_page_export").count() == 4
