"""What an instructor does about a student from the student's page and the drawer: the actions of the attention list."""

from datetime import UTC, datetime

import pytest

from events.models import HelpRequest
from lms.models import ClassStaff


@pytest.fixture
def asking(aoi):
    now = datetime.now(UTC)
    return HelpRequest.objects.create(student=aoi, asked_at=now, last_asked_at=now, last_heard_at=now)


@pytest.fixture
def page(signed_in, python_class):
    def fetch(account, student) -> str:
        address = f"/classes/{python_class.pk}/students/{student.pk}/"
        return signed_in(account).get(address, headers={"X-Requested-With": "fragment"}).content.decode()

    return fetch


def test_whoever_asks_is_gone_to_and_helped(page, signed_in, hanako, python_class, aoi, asking):
    html = page(hanako, aoi)
    assert 'value="claim"' in html
    assert 'value="resolve"' in html
    address, back = f"/classes/{python_class.pk}/attention/{aoi.pk}/", f"/classes/{python_class.pk}/students/{aoi.pk}/"
    assert f'action="{address}"' in html
    assert f'name="next" value="{back}"' in html
    answer = signed_in(hanako).post(address, {"act": "claim", "next": back})
    assert answer.headers["Location"] == back
    html = page(hanako, aoi)
    assert 'value="claim"' not in html
    assert 'value="resolve"' in html
    signed_in(hanako).post(address, {"act": "resolve", "next": back})
    asking.refresh_from_db()
    assert asking.ending == "resolved"
    assert "student-acts" not in page(hanako, aoi)


def test_whoever_needs_nobody_has_no_buttons(page, hanako, ren):
    assert "student-acts" not in page(hanako, ren)


def test_an_assistant_leaves_whom_somebody_else_goes_to(page, signed_in, hanako, taro, python_class, aoi, asking):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert 'value="claim"' in page(taro, aoi)
    signed_in(hanako).post(f"/classes/{python_class.pk}/attention/{aoi.pk}/", {"act": "claim"})
    assert "student-acts" not in page(taro, aoi)
