"""The header: short, the same everywhere, and every switch a form that works without scripts."""

import re

from django.conf import settings as django_settings


def header(html: str) -> str:
    return re.search(r"<header.*?</header>", html, re.S).group()


def test_a_visitor_sees_the_language_and_the_login_only(client, db):
    html = header(client.get("/login/").content.decode())
    assert 'name="language" value="ja"' in html
    assert "popover" not in html
    assert "logout" not in html


def test_whoever_is_logged_in_finds_the_rest_in_a_menu(signed_in, hanako, kaoru):
    html = header(signed_in(hanako).get("/").content.decode())
    shown, _, menu = html.partition("popovertarget=")
    assert "Projector" in shown
    assert "Walking" in shown
    assert "Log out" in menu
    assert "Keyboard" in menu
    assert "hanako@example.com" in menu
    assert "Administration" not in html
    assert "Administration" in header(signed_in(kaoru).get("/").content.decode())


def test_projector_mode_says_so_on_every_page_with_the_way_back(signed_in, hanako, python_class):
    client = signed_in(hanako)
    assert "names are hidden" not in client.get("/").content.decode()
    client.post("/display/", {"mode": "projector"})
    for address in ("/", f"/classes/{python_class.pk}/", "/nowhere/"):
        html = header(client.get(address).content.decode())
        assert "Projector mode: names are hidden" in html
        assert "Show names" in html
        assert 'aria-pressed="true"' in html


def test_switching_the_language_comes_back_to_the_page(signed_in, hanako):
    answer = signed_in(hanako).post("/i18n/setlang/", {"language": "ja", "next": "/?x=1"})
    assert answer["Location"] == "/?x=1"
    cookie = answer.cookies[django_settings.LANGUAGE_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_no_script_and_no_style_stands_in_the_page(signed_in, hanako):
    html = signed_in(hanako).get("/").content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", html))
