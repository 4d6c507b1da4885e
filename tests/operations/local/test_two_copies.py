"""Two copies on one host, on ports of their own: a browser keeps its login, its language and its mode at each."""

import httpx
import pytest

from tests.browser.visits import PASSWORD, make_account
from tests.servers import ROOT

EMAIL = "teacher@example.com"


@pytest.fixture(scope="module")
def copies(start_live_system):
    """Made as a school makes them: of one .env, so with one SECRET_KEY, each with its own DATA_DIR."""
    made = [start_live_system(workers=0, SECRET_KEY="0123456789abcdef" * 4) for _ in range(2)]
    for copy in made:
        make_account(copy, EMAIL, role="admin")
    yield made
    for copy in made:
        copy.stop()


def form(browser: httpx.Client, url: str, path: str, **fields: str) -> httpx.Response:
    page = browser.get(f"{url}/login/", follow_redirects=True).text
    token = page.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
    return browser.post(f"{url}{path}", data={"csrfmiddlewaretoken": token, **fields}, headers={"Origin": url})


def test_each_keeps_its_login_its_language_and_its_mode(copies):
    one, other = copies
    with httpx.Client(timeout=30) as browser:  # its cookies go by host, not by port, as a browser's do
        for copy in copies:
            assert form(browser, copy.url, "/login/", username=EMAIL, password=PASSWORD).status_code == 302
        for copy in copies:
            assert browser.get(f"{copy.url}/").status_code == 200, "still logged in"
        assert form(browser, one.url, "/i18n/setlang/", language="ja").status_code == 302
        assert form(browser, one.url, "/display/", mode="projector").status_code == 302
        assert 'lang="ja"' in browser.get(f"{one.url}/").text
        assert 'lang="en"' in browser.get(f"{other.url}/").text
        assert "data-projector" in browser.get(f"{one.url}/").text
        assert "data-projector" not in browser.get(f"{other.url}/").text.partition(">")[2][:300]
        assert form(browser, one.url, "/logout/").status_code == 302
        assert browser.get(f"{other.url}/").status_code == 200, "leaving one leaves the other alone"
        names = [cookie.name for cookie in browser.cookies.jar]
    assert len(names) == len(set(names))
    suffixes = {one.suffix, other.suffix}
    assert len(suffixes) == 2
    assert all(name.endswith(tuple(suffixes)) for name in names), names


def test_a_restart_keeps_the_names_and_the_setting_wins(copies, start_live_system):
    one, _ = copies
    before = one.suffix
    one.web.stop()
    one.web.start()
    one.wait_until_answers()
    del one.suffix
    assert one.suffix == before
    mine = start_live_system(workers=0, COOKIE_SUFFIX="mine")
    assert mine.suffix == "_mine"
    mine.stop()


def test_no_cookie_has_a_name_of_its_own():
    """Whoever sets another has to name it in the settings, for this copy."""
    code = [
        file.read_text() for package in ROOT.glob("*/__init__.py") for file in package.parent.rglob("*.py")
        if package.parent.name not in ("tests", "benchmarks")
    ]  # fmt: skip
    assert not [text for text in code if 'set_cookie("' in text]
