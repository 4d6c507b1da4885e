"""The table of keys, and how it reaches the pages."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from classroom.base.shortcuts import TAB_KEYS, shortcut_list, shortcut_texts
from classroom.base.tabs import TABS

MODIFIER = re.compile(r"^(Ctrl|Alt|Meta)\+")


def sheet(html: str) -> dict:
    return json.loads(re.search(r'<script id="shortcuts" type="application/json">(.*?)</script>', html).group(1))


def test_no_two_actions_begin_with_the_same_keys():
    keys = [shortcut.keys for shortcut in shortcut_list() if shortcut.keys]
    clashes = [(one, two) for one in keys for two in keys if one is not two and f"{two} ".startswith(f"{one} ")]
    assert clashes == []


def test_names_are_unique_and_what_works_in_fields_has_a_modifier():
    names = [shortcut.name for shortcut in shortcut_list()]
    assert len(names) == len(set(names))
    assert all(MODIFIER.match(shortcut.keys) for shortcut in shortcut_list() if shortcut.in_fields)


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.name)
def test_every_tab_has_keys(tab):
    assert TAB_KEYS[tab.name].startswith("g ")


def test_every_page_hands_the_table_over_in_the_readers_language(signed_in, hanako, python_class):
    client = signed_in(hanako)
    for address in ("/", f"/classes/{python_class.pk}/", "/login/"):
        html = client.get(address, follow=True).content.decode()
        assert sheet(html)["actions"][0]["name"] == "next-student"
    html = client.get(f"/classes/{python_class.pk}/").content.decode()
    assert 'data-shortcut="tab-live"' in html
    with translation.override("ja"):
        assert "ライブ" in shortcut_texts()["actions"][len(shortcut_list()) - len(TABS)]["label"]


def test_a_fragment_carries_no_table(signed_in, hanako, python_class):
    assert "shortcuts" not in signed_in(hanako).get(f"/classes/{python_class.pk}/cards/").content.decode()


def test_scripts_know_every_word_they_say():
    scripts = Path(settings.BASE_DIR, "static/js")
    said = set()
    for name in ("base/shortcuts.js", "base/key_sheet.js"):
        text = (scripts / name).read_text()
        said |= set(re.findall(r"texts\.(\w+)", text)) | set(re.findall(r'(?:say|stop)\("(\w+)"', text))
    said |= set(re.findall(r'text: "(\w+)"', (scripts / "base/keymap.js").read_text()))
    assert said <= set(shortcut_texts()["texts"])
