"""Every text has its Japanese, and the compiled catalogue is that of the text file."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale/ja/LC_MESSAGES/django.po"
APPS = ["config", "operations", "classroom", "events", "lms", "instructors", "realtime", "core", "templates"]


@pytest.fixture(scope="module")
def entries():
    return {key(entry): entry for entry in polib.pofile(CATALOGUE) if not entry.obsolete}


def key(entry) -> str:
    """The same text may have two translations, one of them in a context, as the administration is."""
    return f"{entry.msgctxt}: {entry.msgid}" if entry.msgctxt else entry.msgid


def japanese(entry) -> str:
    """Japanese knows no plural, so a text with one has a single translation as well."""
    return entry.msgstr_plural[0] if entry.msgid_plural else entry.msgstr


def test_every_text_is_translated(entries):
    assert not [text for text, entry in entries.items() if not japanese(entry) or entry.fuzzy]


def test_placeholders_survive_translation(entries):
    places = re.compile(r"%\(\w+\)[\d.]*[sdf]|\{\w+\}")
    for text, entry in entries.items():
        english = entry.msgid_plural or entry.msgid
        assert sorted(places.findall(english)) == sorted(places.findall(japanese(entry))), text


def test_the_compiled_catalogue_is_fresh(entries):
    compiled = {key(entry): japanese(entry) for entry in polib.mofile(CATALOGUE.with_suffix(".mo"))}
    assert compiled == {text: japanese(entry) for text, entry in entries.items()}


def test_no_text_is_missing_from_the_catalogue(entries, tmp_path):
    """Extracts anew, in a copy, and compares."""
    assert shutil.which("xgettext"), "No xgettext: run `make test`, which installs it, or install the package gettext"
    for name in APPS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "locale/ja/LC_MESSAGES").mkdir(parents=True)
    command = ["django-admin", "makemessages", "-l", "ja", "-v0"]
    subprocess.run(command, cwd=tmp_path, check=True, env=_environment())
    found = polib.pofile(tmp_path / "locale/ja/LC_MESSAGES/django.po")
    assert {key(entry) for entry in found} == set(entries)


def _environment() -> dict[str, str]:
    """makemessages needs no settings; those of the tests would not be found from the copy."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**{key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}, "PATH": path}


def test_the_language_follows_the_browser_and_the_switch(client, hanako):
    page = client.get("/login/", headers={"accept-language": "ja,en;q=0.5"})
    assert '<html lang="ja">' in page.content.decode()
    assert "ログイン" in page.content.decode()
    client.post("/i18n/setlang/", {"language": "en", "next": "/login/"})
    assert '<html lang="en">' in client.get("/login/", headers={"accept-language": "ja"}).content.decode()
