"""The sentence that says how the red cards and the attention list agree."""

import pytest

from tests.classroom.attention.conftest import attention_page, mei, stuck  # noqa: F401 - fixtures


@pytest.fixture
def live(signed_in, hanako, python_class):
    client = signed_in(hanako)
    return lambda: client.get(f"/classes/{python_class.pk}/").content.decode()


def test_red_cards_that_need_nobody_are_accounted_for(live, ren, flag):
    flag(ren, 4)
    html = live()
    assert "Nobody needs you right now." in html
    assert "Students with errors: 1; none of them long enough to need you." in html


def test_those_in_the_list_are_told_from_the_others(live, mei, ren, flag):  # noqa: F811
    flag(ren, 4)
    html = live()
    assert f'data-known="{mei.pk}"' in html
    assert "Students with errors: 2; 1 listed here or put off, 1 not long enough to need you." in html


def test_all_in_the_list(live, mei):  # noqa: F811
    assert "Students with errors: 1; all listed here or put off." in live()


def test_whoever_was_put_off_is_not_called_too_early(live, attention_page, hanako, mei):  # noqa: F811
    attention_page(hanako).act(mei, "snooze-10")
    html = live()
    assert "Nobody needs you right now." in html
    assert "Students with errors: 1; all listed here or put off." in html


def test_without_red_cards_nothing_is_said(live, ren):
    assert "Students with errors" not in live().split('id="failing-said"')[1].split("</p>")[0]
