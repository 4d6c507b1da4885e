"""The page of one student."""

from datetime import UTC, datetime, timedelta

import pytest

from events.models import HelpRequest


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
    run(ren, status="error", error_message="\x1b[31mNameError\x1b[0m <b>x</b>", code_content="print(x)")
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
        with django_assert_max_num_queries(12):
            context = page(query).context["page"]
        seen += [row.pk for row in context.runs]
        query = f"?before={context.older}"
    assert context.older is None
    assert len(seen) == len(set(seen)) == 120


def test_a_key_of_another_student_leads_nowhere(page, run, stranger):
    assert page(f"?before={run(stranger).pk}").status_code == 404


def test_a_key_that_is_no_number_is_ignored(page):
    assert page("?before=abc").status_code == 200


def test_a_student_of_another_class_does_not_exist(signed_in, hanako, taro, python_class, ren, stranger):
    assert signed_in(hanako).get(f"/classes/{python_class.pk}/students/{stranger.pk}/").status_code == 404
    assert signed_in(taro).get(f"/classes/{python_class.pk}/students/{ren.pk}/").status_code == 404
