"""What instructors do about who needs attention, and what it leaves behind."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from classroom.attention.models import AttentionCase
from events.models import HelpRequest
from instructors.models import AuditLog
from lms.models import Cell
from tests.classroom.attention.conftest import NAME, entries


def test_a_claim_is_seen_by_all(attention_page, hanako, colleague, mei, signed_in, python_class):
    answer = attention_page(hanako).act(mei, "claim")
    assert answer.status_code == 200
    assert "You are on the way to Mei." in answer.content.decode()
    html = attention_page(colleague).look()
    assert "Hanako is on the way" in html
    assert "Nobody needs you right now." in html
    page = signed_in(colleague).get(f"/classes/{python_class.pk}/").content.decode()
    assert re.search(r'data-claim>.*?<span data-field="claim">Hanako is on the way', page, re.S)


@pytest.mark.parametrize("who", ["mei", "aoi"])
def test_the_second_is_told_who_goes(attention_page, hanako, colleague, request, help_request, who):
    student = request.getfixturevalue(who)
    attention_page(hanako).act(student, "claim")
    answer = attention_page(colleague).act(student, "claim")
    assert answer.status_code == 409
    assert f"Hanako is already on the way to {student.name}." in answer.content.decode()


def test_without_scripts_a_form_leads_back(attention_page, hanako, mei, python_class):
    answer = attention_page(hanako).act(mei, "claim", fragment=False)
    assert answer.status_code == 302
    assert answer["Location"] == f"/classes/{python_class.pk}/#attention"
    page = attention_page(hanako).client.get(f"/classes/{python_class.pk}/").content.decode()
    assert "You are on the way" in page
    answer = attention_page(hanako).act(
        mei, "release", fragment=False, next=f"/classes/{python_class.pk}/students/{mei.pk}/"
    )
    assert answer["Location"] == f"/classes/{python_class.pk}/students/{mei.pk}/"
    answer = attention_page(hanako).act(mei, "claim", fragment=False, next="https://example.org/")
    assert answer["Location"] == f"/classes/{python_class.pk}/#attention"


def test_only_the_one_who_goes_a_teacher_or_an_admin_puts_back(attention_page, hanako, kaoru, assistant, mei):
    attention_page(hanako).act(mei, "claim")
    assert attention_page(assistant).act(mei, "release").status_code == 409
    assert attention_page(kaoru).act(mei, "release").status_code == 200
    assert attention_page(assistant).act(mei, "claim").status_code == 200
    assert attention_page(hanako).act(mei, "release").status_code == 200
    assert AttentionCase.objects.get().claimed_by is None


@pytest.mark.parametrize(
    ("act", "outcome"), [("dismiss", "dismissed"), ("resolve", "helped"), ("not_found", "not_found")]
)
def test_an_answer_ends_the_case_and_the_alert_stays_away(attention_page, hanako, mei, run, act, outcome):
    page = attention_page(hanako)
    page.look()
    assert page.act(mei, act).status_code == 200
    case = AttentionCase.objects.get()
    assert (case.outcome, case.ended_by) == (outcome, hanako)
    run(mei, cell=Cell.objects.get(cell_id="c7"), status="error", error_message=NAME, executed_at=timezone.now())
    assert entries(page.look()) == []


def test_a_snooze_keeps_it_away_for_its_time(attention_page, hanako, mei):
    page = attention_page(hanako)
    page.look()
    page.act(mei, "snooze-5")
    assert entries(page.look()) == []
    case = AttentionCase.objects.get()
    assert timedelta(minutes=4) < case.snoozed_until - timezone.now() <= timedelta(minutes=5)
    AttentionCase.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))
    assert entries(page.look()) == [mei.pk]


@pytest.mark.parametrize(("act", "ending"), [("resolve", "resolved"), ("dismiss", "dismissed")])
def test_ending_a_request_goes_the_way_of_every_dismissal(attention_page, hanako, aoi, help_request, act, ending):
    attention_page(hanako).act(aoi, act)
    help_request.refresh_from_db()
    aoi.refresh_from_db()
    assert (help_request.ending, help_request.ended_by) == (ending, hanako)
    assert not aoi.is_requesting_help
    assert aoi.help_dismissed_at is not None
    assert AuditLog.objects.filter(action=f"help_{act}", target_id=aoi.email).count() == 1


def test_who_was_not_found_waits_at_the_end_of_the_queue(attention_page, hanako, aoi, help_request, enrol):
    now = timezone.now()
    other = enrol("yui@example.com", name="Yui", is_requesting_help=True, help_requested_at=now)
    HelpRequest.objects.create(student=other, asked_at=now, last_asked_at=now, last_heard_at=now)
    page = attention_page(hanako)
    page.act(aoi, "claim")
    page.act(aoi, "not_found")
    help_request.refresh_from_db()
    assert (help_request.ended_at, help_request.claimed_by) == (None, None)
    html = page.look()
    assert entries(html) == [other.pk, aoi.pk]
    assert re.findall(r"Place (\d) in the help queue", html) == ["1", "2"]
    assert "looked for at" in html


def test_a_snoozed_request_stays_in_the_queue_alone(attention_page, hanako, aoi, help_request):
    page = attention_page(hanako)
    page.act(aoi, "snooze-10")
    html = page.look()
    assert entries(html) == []
    assert "not before" in html


def test_each_act_is_in_the_audit_log(attention_page, hanako, mei, aoi, help_request):
    page = attention_page(hanako)
    for act in ("claim", "release", "snooze-5", "dismiss"):
        page.act(mei, act)
    for act in ("claim", "not_found"):
        page.act(aoi, act)
    found = list(AuditLog.objects.order_by("pk").values_list("action", "target_id"))
    assert found == [
        ("attention_claim", mei.email), ("attention_release", mei.email), ("attention_snooze_5", mei.email),
        ("attention_dismiss", mei.email), ("help_claim", aoi.email), ("help_not_found", aoi.email),
    ]  # fmt: skip


def test_who_needs_nobody_any_more_cannot_be_claimed(attention_page, hanako, ren):
    answer = attention_page(hanako).act(ren, "claim")
    assert answer.status_code == 409
    assert "Ren no longer needs help." in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["mei", "aoi"])
def test_of_two_who_claim_at_once_one_wins(attention_page, hanako, colleague, kaoru, request, help_request, who):
    """Real threads and connections of their own."""
    student = request.getfixturevalue(who)
    pages = [attention_page(account) for account in (hanako, colleague, kaoru)]
    start, statuses = threading.Barrier(len(pages)), []

    def claim(one) -> None:
        try:
            start.wait()
            statuses.append(one.act(student, "claim").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=[one]) for one in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409]
    assert AuditLog.objects.filter(action__endswith="_claim").count() == 1
