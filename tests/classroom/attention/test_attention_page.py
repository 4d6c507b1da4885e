"""Needs attention and the help queue: who is shown, to whom, and what it costs."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from classroom.attention import lesson_cache
from classroom.attention.models import AttentionCase
from classroom.attention.precision import Visits, precision_of
from events.models import CellProgress, HelpRequest
from lms.models import Cell, Class, Student, StudentClass
from tests.classroom.attention.conftest import entries


def test_an_alert_says_why(attention_page, hanako, mei):
    html = attention_page(hanako).look()
    assert entries(html) == [mei.pk]
    assert "runs the same code again unchanged, 8 times" in html
    assert "same NameError 20 times in cell 7" in html
    assert "20 runs without a new cell that works" in html
    assert "Students watched: 1" in html


def test_nobody_in_need_is_said_calmly(attention_page, hanako, ren):
    html = attention_page(hanako).look()
    assert "Nobody needs you right now." in html
    assert "Watched:" in html


def test_who_asks_comes_first_and_stands_in_the_queue(attention_page, hanako, mei, aoi, help_request):
    html = attention_page(hanako).look()
    assert entries(html) == [aoi.pk, mei.pk]
    assert "asked for help 3 min ago" in html
    assert f'data-ticket="{help_request.pk}"' in html
    assert "week1.ipynb" in html


def test_who_asks_has_one_place_where_to_answer_them(attention_page, hanako, enrol):
    now = timezone.now()
    asking = [enrol(f"s{number}@example.com", name=f"S{number}") for number in range(7)]
    for number, student in enumerate(asking):
        at = now - timedelta(minutes=10 - number)
        HelpRequest.objects.create(student=student, asked_at=at, last_asked_at=at, last_heard_at=now)
    page, ids = attention_page(hanako), [str(student.pk) for student in asking]
    page.act(asking[6], "claim")
    top, _, rest = page.look().partition('id="help"')
    assert re.findall(r'data-help-for="(\d+)"', top) == [*ids[:5], ids[6]], "the first five, and the one I go to"
    assert re.findall(r"Place (\d) in the help queue", top) == ["1", "2", "3", "4", "5"]
    assert re.findall(r'data-help-for="(\d+)"', rest) == [ids[5]]
    assert "Place 6 in the help queue" in rest
    assert '<span class="count">7</span>' in rest
    assert "The others who ask are listed above." in rest


@pytest.mark.parametrize(
    ("who", "first", "others"),
    [
        (None, "claim", ["resolve", "snooze-5", "snooze-10", "dismiss"]),
        ("hanako", "resolve", ["release", "not_found", "dismiss"]),
        ("colleague", None, ["resolve", "release", "not_found", "dismiss"]),
    ],
)
def test_one_thing_is_first_and_the_others_are_in_a_menu(attention_page, hanako, mei, request, who, first, others):
    if who:
        attention_page(request.getfixturevalue(who)).act(mei, "claim")
    form, _, menu = attention_page(hanako).look().partition("popovertarget=")
    assert re.findall(r'name="act" value="([\w-]+)"', form) == ([first] if first else [])
    assert re.findall(r'name="act" value="([\w-]+)"', menu) == others


def test_at_most_five_are_shown(attention_page, hanako, stuck, python_class):
    for number in range(7):
        stuck(f"s{number}@example.com", f"S{number}")
    # Seven of seven at one cell is the class's problem; so there are two at each.
    for number, progress in enumerate(CellProgress.objects.all()):
        cell, _ = Cell.objects.get_or_create(
            notebook=progress.notebook, cell_id=f"own{number // 2}", defaults={"position": 6}
        )
        progress.student.executions.update(cell=cell)
        CellProgress.objects.filter(pk=progress.pk).update(cell=cell)
    Class.objects.filter(pk=python_class.pk).update(attention_list="busier")
    html = attention_page(hanako).look()
    assert len(entries(html)) == 5
    assert "Behind these: 2 more" in html
    assert AttentionCase.objects.count() == 5


def test_what_is_shown_is_recorded_once_and_ends_with_recovery(attention_page, hanako, mei, run):
    page = attention_page(hanako)
    page.look()
    page.look()
    (case,) = AttentionCase.objects.all()
    assert (case.code, case.evidence["count"], case.ended_at) == ("repeated_error", 20, None)
    run(mei, cell=Cell.objects.get(cell_id="c7"), status="success", executed_at=timezone.now())
    assert entries(page.look()) == []
    case.refresh_from_db()
    assert (case.outcome, case.ended_by) == ("recovered", None)


def test_painting_the_page_records_nothing(signed_in, hanako, python_class, mei):
    html = signed_in(hanako).get(f"/classes/{python_class.pk}/").content.decode()
    assert entries(html) == [mei.pk]
    assert not AttentionCase.objects.exists()


def test_refusals(attention_page, hanako, taro, mei, stranger, client, python_class):
    path = f"/classes/{python_class.pk}/attention/"
    assert attention_page(taro).client.get(path).status_code == 404
    assert attention_page(taro).act(mei, "claim").status_code == 404
    assert attention_page(hanako).act(stranger, "claim").status_code == 404
    assert attention_page(hanako).act(mei, "shout").status_code == 400
    assert attention_page(hanako).client.get(f"{path}{mei.pk}/").status_code == 405
    assert client.get(path).headers["Location"].startswith("/login/")
    assert Client(enforce_csrf_checks=True).post(f"{path}{mei.pk}/", {"act": "claim"}).status_code == 403


def test_the_room_of_everybody_works_too(signed_in, kaoru, mei):
    client = signed_in(kaoru)
    assert entries(client.get("/everybody/attention/").content.decode()) == [mei.pk]
    answer = client.post(f"/everybody/attention/{mei.pk}/", {"act": "resolve"})
    assert answer["Location"] == "/everybody/#attention"
    assert AttentionCase.objects.get().class_ref is None


def test_a_projector_names_nobody(attention_page, hanako, mei, aoi, help_request):
    page = attention_page(hanako)
    page.client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    html = page.look()
    assert f"Student {mei.pk}" in html
    assert "Quiet while projecting" in html
    assert not re.search("Mei|Aoi", html)
    assert "Mei" not in page.act(mei, "claim").content.decode()


def test_precision_is_what_instructors_said(attention_page, hanako, mei, python_class):
    def judged(outcome: str, count: int, **fields) -> None:
        now = timezone.now() - timedelta(days=2)
        for _ in range(count):
            AttentionCase.objects.create(
                student=mei, opened_at=now, ended_at=now, outcome=outcome,
                **{"class_ref": python_class, "code": "silent", "ended_by": hanako, **fields},
            )  # fmt: skip

    page = attention_page(hanako)
    judged("helped", 3)
    judged("dismissed", 1)
    judged("helped", 9, code="help")
    judged("helped", 9, ended_by=None)
    assert "visits so far: 4" in page.look()
    judged("helped", 3)
    assert "In this room: 6 of 7 visits were worth it, 86 %" in re.sub(r"\s+", " ", page.look())


def test_who_asked_without_having_been_listed_was_missed(attention_page, hanako, mei, aoi, help_request):
    page = attention_page(hanako)
    assert "Asked for help: 1, not listed before: 1" in page.look()
    now = timezone.now()
    HelpRequest.objects.create(student=mei, asked_at=now, last_asked_at=now, last_heard_at=now)
    assert "Asked for help: 2, not listed before: 1" in page.look(), "the list had shown Mei a moment before"
    HelpRequest.objects.filter(student=aoi).update(asked_at=now - timedelta(days=1))
    assert "Asked for help: 1, not listed before: 0" in page.look()


def test_a_case_of_before_is_still_shown(attention_page, hanako, mei, python_class):
    """Cases that an older version stored have one reason, told by their code."""
    now = timezone.now()
    mei.executions.all().delete()
    AttentionCase.objects.create(
        student=mei, class_ref=python_class, code="silent", opened_at=now, claimed_by=hanako, claimed_at=now,
        evidence={"since": now.isoformat(), "cell": 4, "class_cell": 9, "minutes": 11, "error": "", "count": 0},
    )  # fmt: skip
    html = attention_page(hanako).look()
    assert "11 min without a run at cell 5, the class is at cell 10" in html


def test_the_weaker_part_is_told_apart(attention_page, hanako, mei):
    top, _, weaker = attention_page(hanako).look().partition("Worth a look")
    assert (entries(top), entries(weaker)) == ([], [mei.pk])
    assert "Nobody needs you right now." in top


def test_precision_overall_is_of_the_viewer_s_own_classes(attention_page, hanako, taro, mei, python_class):
    """What colleagues said in their rooms is theirs; an admin sees all of it."""
    own = Class.objects.create(class_code="OWN", name="Own", instructor=hanako)
    other = Class.objects.create(class_code="OTHER", name="Other", instructor=taro)
    now = timezone.now() - timedelta(days=2)
    for class_ref, outcome, count in (
        (python_class, "helped", 6), (own, "helped", 1), (own, "dismissed", 1), (other, "dismissed", 4),
        (None, "dismissed", 8),
    ):  # fmt: skip
        for _ in range(count):
            AttentionCase.objects.create(
                student=mei, opened_at=now, ended_at=now, outcome=outcome, class_ref=class_ref, code="silent",
                ended_by=hanako,
            )  # fmt: skip
    page = attention_page(hanako)
    assert "In all your rooms: 7 of 8 visits were worth it, 88 %" in re.sub(r"\s+", " ", page.look())
    assert precision_of(python_class.pk, viewer=hanako).overall == Visits(worth_it=7, visits=8)
    hanako.role = "admin"
    assert precision_of(python_class.pk, viewer=hanako).overall == Visits(worth_it=7, visits=20)


@pytest.mark.parametrize("path", ["", "attention/", "cards/"])
def test_two_hundred_students_cost_no_more_queries(signed_in, hanako, python_class, stuck, path):
    for number in range(3):
        stuck(f"s{number}@example.com", f"S{number}")
    now = datetime.now(UTC)
    more = Student.objects.bulk_create(
        [
            Student(email=f"m{n}@example.com", last_run_at=now, last_activity_at=now, is_requesting_help=n < 20)
            for n in range(197)
        ]
    )
    StudentClass.objects.bulk_create(
        [
            StudentClass(student=student, class_ref=python_class, name=student.name, team=student.team)
            for student in more
        ]
    )
    HelpRequest.objects.bulk_create(
        [
            HelpRequest(student=s, asked_at=now, last_asked_at=now, last_heard_at=now)
            for s in more
            if s.is_requesting_help
        ]
    )
    client = signed_in(hanako)
    lesson_cache.clear()
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/classes/{python_class.pk}/{path}").status_code == 200
    assert len(queries) <= 13, [query["sql"][:120] for query in queries]
