"""One submission: read in a frame that can do nothing, compared with the starter, graded by one at a time."""

import json
import threading

import pytest
from django.db import connection

from instructors import grading
from instructors.models import AuditLog
from instructors.pages import notebooks
from lms import notebook_process
from lms.api.notebook_content import receipt
from lms.models import AssignmentStarter, AssignmentSubmission, Class, ClassAssignment, ClassStaff
from realtime import broadcast
from tests.lms.notebooks import HOSTILE, code, markdown, prints
from tests.lms.notebooks import notebook as made_of

WORK = made_of(markdown("# Loops", id="m"), code("total = 1", prints("<b>385</b>"), id="c"))


@pytest.fixture
def loops(python_class, notebook):
    return ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", points=10)


@pytest.fixture
def work(loops, ren):
    return AssignmentSubmission.objects.create(
        assignment=loops,
        student=ren,
        notebook_content=WORK,
        content_sha256=receipt(WORK),
        submission_comment="<i>3</i>",
    )


@pytest.fixture
def other(loops, aoi):
    return AssignmentSubmission.objects.create(assignment=loops, student=aoi)


@pytest.fixture
def at(python_class, work):
    return f"/classes/{python_class.pk}/submissions/{work.pk}/"


def beside(at, submission):
    """The address of another submission of the class."""
    return f"{at.partition('submissions/')[0]}submissions/{submission.pk}/"


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


@pytest.fixture
def assistant(taro, python_class):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    return taro


@pytest.fixture
def told(monkeypatch):
    """The grades of which students were told."""
    sent = []

    def publish(rows, notices, *, outside):
        sent.extend(frame["data"]["submission_id"] for frame in outside if frame["type"] == "assignment_graded")

    monkeypatch.setattr(broadcast, "publish", publish)
    return sent


@pytest.fixture
def drawn(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    notebook_process._kept.cache_clear()
    yield
    notebook_process._kept.cache_clear()


@pytest.fixture
def grade(client, at):
    """Opens the form and sends it."""

    def send(then="save", *, client=client, seen=None, **typed):
        form = {"seen": seen or client.get(at).context["form"].seen, "then": then, "grade": "", "feedback": "", **typed}
        return client.post(at, form)

    return send


# --- The page -------------------------------------------------------------------------------------------------------


def test_it_has_the_receipt_and_the_words_of_the_student(client, at, work):
    html = client.get(at).content.decode()
    for words in (receipt(WORK), "&lt;i&gt;3&lt;/i&gt;", "of 10", "ren@example.com", f">{work.pk}<"):
        assert words in html


def test_each_look_at_a_students_work_is_noted(client, at, work):
    client.get(at)
    client.get(f"{at}notebook.ipynb")
    assert list(AuditLog.objects.order_by("pk").values_list("action", "target_id", "actor_email")) == [
        ("submission_view", str(work.pk), "hanako@example.com"),
        ("submission_download", str(work.pk), "hanako@example.com"),
    ]


def test_hand_ins_of_the_same_student_lead_to_each_other(client, at, work, loops, ren):
    newer = AssignmentSubmission.objects.create(assignment=loops, student=ren)
    html = client.get(at).content.decode()
    assert "not the newest" in html
    assert f"/submissions/{newer.pk}/" in html
    page = client.get(beside(at, newer)).context["page"]
    assert [(each.number, each.submission_id) for each in page.attempts] == [(2, newer.pk), (1, work.pk)]
    assert page.is_newest
    assert page.attempt.number == 2


def test_it_costs_the_same_for_many(client, at, loops, ren, django_assert_max_num_queries):
    AssignmentSubmission.objects.bulk_create(
        [AssignmentSubmission(assignment=loops, student=ren, notebook_content=WORK) for _ in range(50)]
    )
    with django_assert_max_num_queries(13):
        assert client.get(at).status_code == 200


def test_the_file_is_only_ever_a_file(client, at, work):
    answer = client.get(f"{at}notebook.ipynb")
    assert json.loads(answer.content) == WORK
    assert answer["Content-Disposition"] == f'attachment; filename="submission-{work.pk}.ipynb"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "html" not in answer["Content-Type"]


def test_without_a_notebook_there_is_nothing_to_show(client, at, work, other):
    empty = beside(at, other)
    html = client.get(empty).content.decode()
    assert "No notebook was handed in" in html
    assert "<iframe" not in html
    assert client.get(f"{empty}notebook.ipynb").status_code == 404
    assert client.get(f"{empty}notebook/").status_code == 200


# --- The frame ------------------------------------------------------------------------------------------------------


def test_the_frame_can_do_nothing(client, at, drawn):
    answer = client.get(f"{at}notebook/")
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "allow-" not in policy
    assert "script" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    html = answer.content.decode()
    assert "<h1>Loops</h1>" in html
    assert "&lt;b&gt;385&lt;/b&gt;" in html
    assert "<script" not in html


def test_only_the_frame_may_be_framed(client, at):
    page = client.get(at)
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert '<iframe id="notebook" name="notebook" sandbox title' in page.content.decode()


def test_a_hostile_notebook_is_drawn_and_says_what_was_left_out(client, at, work, drawn):
    AssignmentSubmission.objects.filter(pk=work.pk).update(notebook_content=HOSTILE, content_sha256=None)
    html = client.get(f"{at}notebook/").content.decode()
    assert "left out here for safety" in html
    assert "<script" not in html
    assert 'src="https' not in html


def test_what_cannot_be_drawn_is_shown_as_text(client, at, monkeypatch):
    monkeypatch.setattr(notebooks, "html_of", lambda *_, **__: None)
    html = client.get(f"{at}notebook/").content.decode()
    assert "too large or too unusual" in html
    assert "total = 1" in html
    assert "&lt;b&gt;385" in html


def test_plain_text_needs_no_drawing(client, at, monkeypatch):
    monkeypatch.setattr(notebooks, "html_of", lambda *_, **__: pytest.fail("drawn"))
    html = client.get(f"{at}notebook/?plain&theme=dark").content.decode()
    assert "# Loops" in html
    assert 'data-theme="dark"' in html
    assert "too large" not in html
    assert "data-theme" not in client.get(f'{at}notebook/?plain&theme="><script>').content.decode()


@pytest.mark.parametrize("content", [{"cells": [{"cell_type": "x" * 9, "source": [1, {}]}]}, [], {"cells": 7}, "x"])
def test_rows_that_hold_no_notebook_break_nothing(client, at, work, content):
    AssignmentSubmission.objects.filter(pk=work.pk).update(notebook_content=content)
    for path in (at, f"{at}notebook/?plain", f"{at}notebook.ipynb"):
        assert client.get(path).status_code == 200


# --- Changes to the starter -----------------------------------------------------------------------------------------


def test_changes_are_marked_and_the_rest_is_folded(client, at, loops, drawn):
    starter = made_of(markdown("# Loops", id="m"), code("total = <b>0</b>", id="c"))
    AssignmentStarter.objects.create(assignment=loops, content=starter, content_sha256=receipt(starter))
    html = client.get(f"{at}?view=changes").content.decode()
    assert '<span class="mark">-</span> total = &lt;b&gt;0&lt;/b&gt;' in html
    assert '<span class="mark">+</span> total = 1' in html
    assert "Cells that stayed the same: 1" in html
    assert "Cells changed: 1, added: 0, deleted: 0, moved: 0" in html
    assert "other output" in html


def test_without_a_starter_there_is_no_comparison(client, at):
    html = client.get(f"{at}?view=changes").content.decode()
    assert "<iframe" in html
    assert f'href="{at}?view=changes"' not in html


# --- Grading --------------------------------------------------------------------------------------------------------


def test_a_grade_is_stored_noted_and_told(grade, work, told, at, redis):
    answer = grade(grade="7.5", feedback="よい\r\nGood")
    assert (answer.status_code, answer["Location"]) == (302, at)
    work.refresh_from_db()
    assert (work.grade, work.feedback, work.status) == (7.5, "よい\nGood", "graded")
    assert (work.notebook_content, told) == (WORK, [work.pk])
    entry = AuditLog.objects.get(action="submission_update")
    assert (entry.actor_email, entry.details) == ("hanako@example.com", {"fields": ["feedback", "grade", "status"]})


def test_save_and_next_goes_on(grade, work, other, at, told):
    assert grade("next", grade="1")["Location"] == beside(at, other)


def test_after_the_last_one_it_goes_back_to_the_list(grade, loops, told):
    assert grade("next", grade="1")["Location"].endswith(f"/assignments/{loops.pk}/")


def test_returning(grade, work, told):
    grade("return", feedback="See me")
    work.refresh_from_db()
    assert (work.status, work.grade, work.feedback, told) == ("returned", None, "See me", [])
    grade("save", grade="3", feedback="See me")
    work.refresh_from_db()
    assert (work.status, work.grade, told) == ("returned", 3, [work.pk])


def test_a_grade_taken_back_waits_again(grade, work, told):
    grade(grade="3")
    grade(grade="")
    work.refresh_from_db()
    assert (work.status, work.grade, told) == ("submitted", None, [work.pk])


@pytest.mark.parametrize(
    ("typed", "stored"), [("0", 0), ("10", 10), (" 9.25 ", 9.25), ("７．５", 7.5), ("1e1", 10), ("", None)]
)
def test_grades_that_are_taken(grade, work, told, typed, stored):
    assert grade(grade=typed).status_code == 302
    work.refresh_from_db()
    assert work.grade == stored


@pytest.mark.parametrize("typed", ["-1", "10.01", "ten", "nan", "inf", "1e999", "8,5", "true"])
def test_grades_that_are_not(grade, work, told, typed):
    answer = grade(grade=typed, feedback="long text")
    assert answer.status_code == 422
    assert answer.context["form"].problems["grade"]
    html = answer.content.decode()
    assert "long text" in html
    assert f'value="{typed}"' in html
    work.refresh_from_db()
    assert (work.grade, work.feedback, told) == (None, None, [])


def test_without_points_there_is_no_upper_limit(grade, work, loops, told):
    ClassAssignment.objects.filter(pk=loops.pk).update(points=None)
    assert grade(grade="1000").status_code == 302


def test_of_two_graders_the_second_is_told_and_loses_nothing(grade, client, signed_in, kaoru, work, at, told):
    seen = client.get(at).context["form"].seen
    grade(client=signed_in(kaoru), grade="3", feedback="Theirs")
    answer = grade(seen=seen, grade="9", feedback="Mine")
    assert answer.status_code == 409
    html = answer.content.decode()
    for words in ("Kaoru graded this meanwhile", "Theirs", "Mine", 'value="9"'):
        assert words in html
    work.refresh_from_db()
    assert (work.grade, told) == (3, [work.pk])
    assert grade(seen=answer.context["form"].seen, grade="9", feedback="Mine").status_code == 302
    work.refresh_from_db()
    assert (work.grade, work.feedback) == (9, "Mine")


def test_the_same_twice_is_once(grade, client, at, told):
    seen = client.get(at).context["form"].seen
    assert [grade(seen=seen, grade="3").status_code for _ in "12"] == [302, 302]
    assert len(told) == AuditLog.objects.filter(action="submission_update").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_wins(work, hanako, kaoru, told):
    seen, start, lost = grading.seal(work), threading.Barrier(2), []

    def give(points, by):
        start.wait()
        try:
            grading.give_grade(work.pk, grading.Grade(points=points, feedback=None), seen=seen, by=by, request=None)
        except grading.GradedMeanwhile as conflict:
            lost.append((points, conflict.by))
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=each) for each in ((1, hanako), (2, kaoru))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work.refresh_from_db()
    [(points, by)] = lost
    assert {points, work.grade} == {1, 2}
    assert by == ("Hanako" if work.grade == 1 else "Kaoru")


# --- The admin site -------------------------------------------------------------------------------------------------


def test_grades_of_the_admin_site_are_noted_and_told(
    signed_in, kaoru, loops, work, told, django_capture_on_commit_callbacks
):
    office = signed_in(kaoru)
    form = {
        "assignment": loops.pk,
        "student": work.student_id,
        "submitted_at_0": "2026-05-01",
        "submitted_at_1": "9:00",
    }
    form |= {"status": "submitted", "grade": "4", "feedback": "", "submission_comment": ""}
    with django_capture_on_commit_callbacks(execute=True):
        assert office.post(f"/admin/lms/assignmentsubmission/{work.pk}/change/", form).status_code == 302
    assert told == [work.pk]
    entry = AuditLog.objects.get(action="submission_update")
    assert (entry.actor_email, entry.target_id) == (kaoru.email, str(work.pk))
    assert "grade" in entry.details["fields"]

    rows = {"submissions-TOTAL_FORMS": 1, "submissions-INITIAL_FORMS": 1, "submissions-0-id": work.pk}
    rows |= {"submissions-0-assignment": loops.pk, "submissions-0-status": "graded", "submissions-0-grade": "5"}
    rows |= {"class_ref": loops.class_ref_id, "notebook": loops.notebook_id, "title": "Loops"}
    for times in (2, 2):  # the second time nothing has changed
        with django_capture_on_commit_callbacks(execute=True):
            assert office.post(f"/admin/lms/classassignment/{loops.pk}/change/", rows).status_code == 302
        assert len(told) == AuditLog.objects.filter(action="submission_update").count() == times


# --- Who ------------------------------------------------------------------------------------------------------------


def test_an_assistant_reads_and_does_not_grade(signed_in, assistant, grade, at, work, told):
    client = signed_in(assistant)
    html = client.get(at).content.decode()
    assert "Grades are given by the teachers of the class." in html
    assert 'name="grade"' not in html
    assert client.get(f"{at}notebook/?plain").status_code == client.get(f"{at}notebook.ipynb").status_code == 200
    assert grade(client=client, grade="3").status_code == 404
    work.refresh_from_db()
    assert (work.grade, told) == (None, [])


@pytest.mark.parametrize("page", ["", "notebook/", "notebook.ipynb"])
def test_others_submissions_do_not_exist(signed_in, taro, client, at, work, notebook, stranger, page):
    assert signed_in(taro).get(at + page).status_code == 404
    rust = Class.objects.create(class_code="R", name="Rust", instructor=taro)
    theirs = ClassAssignment.objects.create(class_ref=rust, notebook=notebook, title="T")
    hidden = AssignmentSubmission.objects.create(assignment=theirs, student=stranger, notebook_content=WORK)
    assert client.get(beside(at, hidden) + page).status_code == 404


def test_nobody_reads_without_a_login(at):
    from django.test import Client

    for path in (at, f"{at}notebook/", f"{at}notebook.ipynb"):
        assert Client().get(path).status_code == 302
