"""The page of one student."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from classroom.students.models import StudentNote
from events.models import HelpRequest
from lms.models import AssignmentSubmission, Class, ClassAssignment


@pytest.fixture
def page(signed_in, hanako, python_class, ren):
    client = signed_in(hanako)
    return lambda query="": client.get(f"/classes/{python_class.pk}/students/{ren.pk}/{query}")


def test_it_says_who_and_how(page, ren, flag):
    flag(ren, 5)
    now = datetime.now(UTC)
    HelpRequest.objects.create(
        student=ren, asked_at=now, last_asked_at=now, last_heard_at=now, notebook_path="course/week1.ipynb"
    )
    html = page().content.decode()
    for words in ("Ren", "ren@example.com", "Repeated errors", "5 errors in a row", "course/week1.ipynb"):
        assert words in html


def test_terminal_colours_become_spans_and_markup_stays_text(page, ren, run):
    run(ren, status="error", error_message="\x1b[31mNameError\x1b[0m <b>x</b>\nline 2", code_content="print(x)")
    html = page().content.decode()
    assert '<span class="ansi-1">NameError</span> &lt;b&gt;x&lt;/b&gt;' in html


def test_an_aborted_run_is_marked(page, ren, run):
    run(ren, status="aborted")
    assert "Aborted: never really ran" in page().content.decode()


def test_a_huge_output_is_cut(page, ren, run):
    run(ren, output="y" * 100_000)
    answer = page()
    assert len(answer.content) < 30_000
    assert "Only the first" in answer.content.decode()


def test_older_runs_follow_by_key(page, ren, run, django_assert_max_num_queries):
    now = datetime.now(UTC)
    for number in range(120):
        run(ren, executed_at=now - timedelta(minutes=number // 3), code_content=f"run {number}!")
    seen, query = [], ""
    for _ in range(3):
        with django_assert_max_num_queries(16):
            timeline = page(query).context["page"].timeline
        seen += [row.pk for row in timeline.runs]
        query = f"?before={timeline.older}"
    assert timeline.older is None
    assert len(seen) == len(set(seen)) == 120


def test_a_key_of_another_student_leads_nowhere(page, run, stranger):
    assert page(f"?before={run(stranger).pk}").status_code == 404


def test_a_key_that_is_no_number_is_ignored(page):
    assert page("?before=abc").status_code == 200


def test_a_student_of_another_class_does_not_exist(signed_in, hanako, taro, python_class, ren, stranger):
    assert signed_in(hanako).get(f"/classes/{python_class.pk}/students/{stranger.pk}/").status_code == 404
    assert signed_in(taro).get(f"/classes/{python_class.pk}/students/{ren.pk}/").status_code == 404


def test_one_student_among_twenty_costs_as_much_as_alone(page, ren, run, enrol, django_assert_max_num_queries):
    for number in range(20):
        enrol(f"s{number}@example.com")
    for number in range(20):
        run(ren, code_content=f"x = {number}", status="error", error_message="NameError: x")
    for query in ("", "?part=notes", "?part=help", "?part=work", "?cell=1&notebook=1"):
        with django_assert_max_num_queries(16):
            assert page(query).status_code == 200


def test_texts_of_fifty_runaway_loops_stay_a_page(page, ren, run):
    for _ in range(50):
        run(ren, output="<" * 9_000, code_content="\n".join(map(str, range(2_000))), error_message="'" * 9_000)
    assert len(page().content) < 1_200_000


def test_the_end_of_a_long_traceback_is_kept(page, ren, run):
    run(ren, status="error", error_message="Traceback\n" + "  frame\n" * 2_000 + "ZeroDivisionError: division by zero")
    html = page().content.decode()
    assert "ZeroDivisionError: division by zero" in html
    assert "Only the last 6000 characters" in html


def test_what_they_handed_in_to_this_class_is_listed(page, ren, python_class, notebook, taro):
    other = Class.objects.create(class_code="X", name="Other", instructor=taro)
    for where, title in ((python_class, "Loops"), (other, "Secret")):
        work = ClassAssignment.objects.create(class_ref=where, notebook=notebook, title=title, points=10)
        AssignmentSubmission.objects.create(assignment=work, student=ren, grade=7.5)
    html = page("?part=work").content.decode()
    assert "Loops" in html
    assert "grade 7.5 / 10" in html
    assert "Secret" not in html


def test_requests_for_help_say_how_long_by_whom_and_how_they_ended(page, ren, taro):
    asked = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
    HelpRequest.objects.create(
        student=ren, asked_at=asked, last_asked_at=asked, last_heard_at=asked, claimed_by=taro, ended_by=taro,
        claimed_at=asked + timedelta(minutes=7), ended_at=asked + timedelta(minutes=12), ending="resolved",
    )  # fmt: skip
    html = page("?part=help").content.decode()
    for words in ("waited 7 min", "Taro went", "ended by Taro", "helped", "Help (1)"):
        assert words in html


def test_who_is_on_the_way_stands_in_the_head(page, ren, taro):
    now = datetime.now(UTC)
    HelpRequest.objects.create(
        student=ren, asked_at=now, last_asked_at=now, last_heard_at=now, claimed_by=taro, claimed_at=now
    )
    assert "Taro is on the way" in page().content.decode()


def test_a_projector_shows_neither_name_nor_address_nor_notes(page, signed_in, hanako, python_class, ren, run):
    run(ren)
    StudentNote.objects.create(student=ren, class_ref=python_class, author=hanako, text="private")
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    for query in ("", "?part=notes", "?part=help", "?part=work"):
        html = client.get(f"/classes/{python_class.pk}/students/{ren.pk}/{query}").content.decode()
        for secret in ("Ren", "ren@example.com", "private", "Notes ("):
            assert secret not in html
