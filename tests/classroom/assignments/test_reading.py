"""One submission: read in a frame that can do nothing, compared with the starter, by whom it concerns."""

import json

import pytest

from classroom.notebooks import views as notebooks_views
from instructors.models import AuditLog
from lms.api.notebook_content import receipt
from lms.models import AssignmentStarter, AssignmentSubmission, Class, ClassAssignment
from tests.classroom.assignments.conftest import WORK, beside
from tests.lms.notebooks.builders import HOSTILE, code, markdown
from tests.lms.notebooks.builders import notebook as made_of

# --- The page -------------------------------------------------------------------------------------------------------


def test_it_has_the_receipt_and_the_words_of_the_student(client, at, work):
    html = client.get(at).content.decode()
    for words in (receipt(WORK), "&lt;i&gt;3&lt;/i&gt;", "of 10", "ren@example.com", f">{work.pk}<"):
        assert words in html


def test_each_look_at_a_students_work_is_recorded(client, at, work):
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
    with django_assert_max_num_queries(14):
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


def test_a_picture_that_is_not_there_is_named(client, at, work, drawn):
    content = made_of(markdown("![x](attachment:<b>%s{} 図 1.png)"))
    AssignmentSubmission.objects.filter(pk=work.pk).update(notebook_content=content, content_sha256=None)
    html = client.get(f"{at}notebook/").content.decode()
    assert "The attached picture “b&gt;%s{} 図 1.png” is missing or cannot be shown." in html
    assert "<b>" not in html


def test_what_cannot_be_drawn_is_shown_as_text(client, at, monkeypatch):
    monkeypatch.setattr(notebooks_views, "html_of", lambda *_, **__: None)
    html = client.get(f"{at}notebook/").content.decode()
    assert "too large or too unusual" in html
    assert "total = 1" in html
    assert "&lt;b&gt;385" in html


def test_plain_text_needs_no_drawing(client, at, monkeypatch):
    monkeypatch.setattr(notebooks_views, "html_of", lambda *_, **__: pytest.fail("drawn"))
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


# --- Who ------------------------------------------------------------------------------------------------------------


def test_an_assistant_reads_and_does_not_grade(signed_in, assistant, grade, at, work, notified):
    client = signed_in(assistant)
    html = client.get(at).content.decode()
    assert "Grades are given by the teachers of the class." in html
    assert 'name="grade"' not in html
    assert client.get(f"{at}notebook/?plain").status_code == client.get(f"{at}notebook.ipynb").status_code == 200
    assert grade(client=client, grade="3").status_code == 404
    work.refresh_from_db()
    assert (work.grade, notified) == (None, [])


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
