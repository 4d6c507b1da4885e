"""Hints: to exactly those who have the error, once, readable again, counted afterwards."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from classroom.errors.models import Hint
from instructors.models import AuditLog
from lms.access import EVERYTHING
from lms.models import Cell, Class, ClassStaff, ProgressNotification
from lms.notifications import notifications
from tests.classroom.cells.cells import a_class_of, cells_of, ran


@pytest.fixture
def cell(notebook) -> Cell:
    return cells_of(notebook, 3)[2]


@pytest.fixture
def stuck(cell, aoi, ren):
    for student in (aoi, ren):
        ran(student, cell, f"KeyError: '{student.name}'")
    return [aoi, ren]


@pytest.fixture
def send(signed_in, hanako, python_class):
    """Sends as the form does; the form is that of the panel."""

    def post(text="Look at the column's name.", by=hanako, nonce=None, fragment=False, **fields):
        client, room = signed_in(by), f"/classes/{python_class.pk}/cells/errors/"
        form = client.get(room).content.decode()
        found = re.search(r'action="([^"]+/hint/)"', form)
        post.address = found[1] if found else post.address
        given = re.search(r'name="nonce" value="([^"]+)"', form)
        nonce = nonce or (given[1] if given else str(uuid.uuid4()))
        headers = {"X-Requested-With": "fragment"} if fragment else {}
        return client.post(post.address, {"text": text, "nonce": nonce, **fields}, headers=headers)

    return post


@pytest.fixture
def panel(signed_in, hanako, python_class):
    return lambda by=hanako: signed_in(by).get(f"/classes/{python_class.pk}/cells/errors/").content.decode()


def test_it_is_kept_with_whom_it_went_to_and_can_be_read_again(send, stuck, cell, hanako, python_class, stranger):
    ran(stranger, cell, "KeyError: 'x'")
    answer = send("  Look at the column's name.\r\n")
    assert answer.status_code == 302
    hint = Hint.objects.get()
    assert (hint.class_ref, hint.notebook_id, hint.cell) == (python_class, cell.notebook_id, cell)
    assert (hint.text, hint.error_name, hint.sent_by) == ("Look at the column's name.", "KeyError", hanako)
    assert set(hint.recipients.all()) == set(stuck)
    for student in stuck:
        told = notifications(student, scope=EVERYTHING, unread_only=True, limit=5, now=hint.sent_at)
        assert [(one["title"], one["message"], one["level"]) for one in told["notifications"]] == [
            ("Hint for cell 3", "Look at the column's name.", "info")
        ]
    assert not ProgressNotification.objects.filter(recipient_id=stranger.email).exists()
    entry = AuditLog.objects.get(action="hint_send")
    assert (entry.actor_email, entry.target_id) == (hanako.email, str(cell.pk))
    assert entry.details == {"hint": hint.pk, "students": entry.details["students"]}
    assert set(entry.details["students"]) == {student.pk for student in stuck}


def test_the_answer_says_to_how_many(send, stuck, signed_in, hanako):
    answer = send()
    html = signed_in(hanako).get(answer["Location"]).content.decode()
    assert "0 of 2 have fixed it since" in html
    html = send(fragment=True).content.decode()
    assert 'id="clusters"' in html
    assert "<html" not in html


def test_a_double_click_sends_once(send, stuck):
    nonce = str(uuid.uuid4())
    assert [send(nonce=nonce).status_code for _ in range(2)] == [302, 302]
    assert Hint.objects.count() == 1
    assert ProgressNotification.objects.count() == 2
    assert AuditLog.objects.filter(action="hint_send").count() == 1


def test_somebody_elses_form_sends_nothing(send, stuck, taro, python_class):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro)
    nonce = str(uuid.uuid4())
    send(nonce=nonce)
    refused = send("mine", by=taro, nonce=nonce)
    assert refused.status_code == 422
    assert "out of date" in refused.content.decode()
    assert Hint.objects.count() == 1


def test_who_has_fixed_it_since_is_counted(send, stuck, cell, panel):
    aoi, _ = stuck
    ran(aoi, cell, ago=20)  # before the hint: not its merit
    ran(aoi, cell, "KeyError: 'again'", ago=10)
    send()
    assert "0 of 2 have fixed it since" in panel()
    ran(aoi, cell, ago=-1)
    ran(aoi, cell, "KeyError: 'once more'", ago=-2)
    html = panel()
    assert "1 of 2 have fixed it since" in html
    assert "Hanako" in html
    assert "Look at the column&#x27;s name." in html


def test_what_was_said_before_is_offered_and_sent_by_one_click(send, stuck, panel):
    send("First words")
    html = panel()
    assert 'name="suggestion" value="First words"' in html
    assert send("", suggestion="First words").status_code == 302
    assert [hint.text for hint in Hint.objects.all()] == ["First words", "First words"]


def test_another_classs_hints_are_nobodys_business_but_ones_own_are(send, stuck, cell, hanako, taro, panel):
    digest = "0" * 16
    for by, text in ((taro, "Of another"), (hanako, "My own")):
        other = Class.objects.create(class_code=text, name=text, instructor=by)
        Hint.objects.create(
            nonce=uuid.uuid4(),
            class_ref=other,
            notebook=cell.notebook,
            cell=cell,
            fingerprint=digest,
            text=text,
            sent_by=by,
        )
    html = panel()
    assert "Of another" not in html
    assert 'value="My own"' in html
    assert "have fixed it since" not in html


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Write what should help"), (" \n\0 ", "Write what should help"), ("x" * 501, "This is too long: 501")],
)
def test_a_text_that_is_none_or_too_long_is_refused_and_kept(send, stuck, text, words):
    refused = send(text)
    assert refused.status_code == 422
    html = refused.content.decode()
    assert words in html
    assert f'value="{text.strip(chr(0))}"' in html or not text.strip()
    plain = send(text, fragment=True)
    assert (plain.status_code, plain["Content-Type"]) == (422, "text/plain; charset=utf-8")
    assert words in plain.content.decode()
    assert not Hint.objects.exists()


def test_a_form_without_a_nonce_is_refused(send, stuck):
    assert "out of date" in send(nonce="x").content.decode()
    assert not Hint.objects.exists()


def test_nothing_is_sent_where_nobody_has_the_error_any_more(send, stuck, cell, panel):
    send.address = re.search(r'action="([^"]+/hint/)"', panel())[1]
    for student in stuck:
        ran(student, cell, ago=0)
    refused = send("Too late")
    assert refused.status_code == 422
    assert "Nobody has this error any more, so nothing was sent." in refused.content.decode()
    assert "Too late" in refused.content.decode()
    assert not Hint.objects.exists()


def test_an_assistant_helps_too_and_nobody_else(send, stuck, taro, panel, python_class, signed_in):
    address = re.search(r'action="([^"]+/hint/)"', panel())[1]
    form = {"text": "x", "nonce": str(uuid.uuid4())}
    assert signed_in(taro).post(address, form).status_code == 404
    assert not Hint.objects.exists()
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert signed_in(taro).post(address, form).status_code == 302
    assert Hint.objects.get().sent_by == taro


def test_it_is_sent_by_post_alone(signed_in, hanako, stuck, panel, client):
    address = re.search(r'action="([^"]+/hint/)"', panel())[1]
    assert signed_in(hanako).get(address).status_code == 405
    assert client.post(address, {"text": "x"})["Location"].startswith("/login/")


def test_a_hint_to_twenty_costs_what_one_to_two_costs(send, cell, python_class):
    costs = []
    for size in (2, 18):
        for number, student in enumerate(a_class_of(python_class, size, first=sum(costs[:1]))):
            ran(student, cell, f"KeyError: {number}")
        with CaptureQueriesContext(connection) as queries:
            assert send(f"to {size}").status_code == 302
        costs.append(len(queries))
    assert Hint.objects.first().sent_to.count() == 20
    assert costs[0] == costs[1]


def test_suggestions_of_the_same_mistake_elsewhere(send, stuck, notebook, panel):
    send("Mind the name")
    other = Cell.objects.create(notebook=notebook, cell_id="other", position=9)
    Hint.objects.update(cell=other)
    html = panel()
    assert 'value="Mind the name"' in html
    assert "have fixed it since" not in html
