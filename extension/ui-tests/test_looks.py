"""Every state of panel and dialogs: axe finds nothing, Japanese is complete, 320 px suffice, the keyboard reaches all.

With SHOTS=folder each of them is kept as a picture, in both languages and themes.
"""

import json
import os
import re
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import product as product_of

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from conftest import WAIT, notebook
from playwright.sync_api import expect
from test_panel import WORK

from cell_monitor_lab.texts import say
from tests.conftest import wait_for

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES_OF_COLOURS = ["color-contrast", "link-in-text-block"]  # all that another theme can break
THEMES = ("Light", "Dark")
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")

HOST = "monitor.school.example"
TODAY = f"{datetime.now(timezone.utc):%Y-%m-%d}"
AT = f"{TODAY}T10:42:00Z"
SOON, PAST = f"{datetime.now(timezone.utc) + timedelta(days=3):%Y-%m-%dT%H:%M:00Z}", "2026-11-20T23:59:00+09:00"
OFFLINE = say("unreachable", host=HOST)
NEWS = [
    {"key": "n:1", "is_read": True, "title": "第 2 週", "message": "30 ページを読みましょう。",
     "created_at": f"{TODAY}T09:00:00Z"},
    {"key": "n:2", "is_read": False, "title": "ヒント", "message": "range(10) を\nもう一度",
     "notebook_path": "a.ipynb", "cell_id": "c0", "created_at": AT},
]  # fmt: skip


def merged(state, more):
    return {
        name: merged(value, more[name]) if isinstance(value, dict) and isinstance(more.get(name), dict) else
        more.get(name, value) for name, value in {**more, **state}.items()
    }  # fmt: skip


NO_ONE = {"url": "", "user_id": "", "user_name": "", "sources": dict.fromkeys(["url", "user_id", "user_name"], "panel")}
ON = {"is_on": True, "since": AT, "text": say("help-asked")}
# Parts of the server part's state; the rest is as of one who is connected.
USUAL = {"text": say("sending", host=HOST), "identity": {"url": f"https://{HOST}"}}
STATES = {
    "connect": {"identity": NO_ONE, "device": {"status": "none", "class": None}, "text": say("not-configured")},
    "consent": {"privacy": {"consent": "refused"}, "text": say("consent-needed"),
                "consent_text": say("consent", host=HOST)},
    "sending": {"news": NEWS},
    "waiting": {"text": OFFLINE, "queue": {"waiting": 214, "oldest": AT, "dropped": 3}},
    "offline": {"text": OFFLINE},
    "revoked": {"text": say("refused", host=HOST)},
    "paused": {"privacy": {"paused": True, "paused_until": AT}, "text": say("paused")},
    "confirm": {"device": {"status": "waiting", "check_number": "42"},
                "text": say("waiting-for-confirmation", check_number=42)},
    "help-offline": {"text": OFFLINE, "queue": {"waiting": 1, "oldest": AT},
                     "help": {**ON, "text": say("help-asking", host=HOST)}},
    "help-place": {"help": {**ON, "product": {"state": "asked", "place": 2, "of": 5}}},
    "help-coming": {"help": {**ON, "product": {"state": "coming", "by_name": "Ito"}}},
    "help-not-found": {"help": {**ON, "product": {"state": "not_found"}}},
    "help-answered": {"help": {"is_on": False, "product": {"state": "answered", "by_name": "Ito"}}},
    "question": {"question": {"id": 1, "asked_at": AT}},
}  # fmt: skip
ASKED = {"is_on": True, "may_be_asked": True}
RECEIPT = {"attempt": 2, "submitted_at": AT, "content_sha256": "3f9a1c" + "0" * 58, "is_same": True,
           "text": say("handed-in", attempt=2, submitted_at=AT)}  # fmt: skip
DRAFT = {"is_draft": True, "text": say("draft", host=HOST)}


def works(locale):
    """Return assignments: not begun, late, graded, handed in."""
    is_japanese = locale == "ja-JP"
    titles = (
        ["第 3 週：ループ", "第 2 週", "第 1 週", "第 0 週"]
        if is_japanese
        else ["Week 3: loops", "Week 2", "Week 1", "Week 0"]
    )
    more = [
        {"due_date": SOON, "description": "ループを 3 つ書きましょう。" if is_japanese else "Write three loops."},
        {"due_date": PAST},
        {
            "due_date": PAST,
            "submitted_at": "2026-11-10T09:00:00Z",
            "grade": 8,
            "feedback": "よくできました" if is_japanese else "Well done",
        },
        {"due_date": PAST, "submitted_at": "2026-11-10T09:00:00Z"},
    ]
    plain = {**WORK, "description": ""}
    return [{**plain, "id": 3 + n, "title": title, **more[n]} for n, title in enumerate(titles)]


def problems(tab, *selectors, rules=RULES):
    """Return what axe finds in parts of the page; the rest is JupyterLab's. `rules` are tags or names of rules."""
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(AXE_SCRIPT)
    found = tab.page.evaluate(
        "([selectors, tags]) => axe.run({include: selectors}, {runOnly: tags, resultTypes: ['violations']})"
        ".then(results => results.violations)",
        [[[selector] for selector in selectors], rules],
    )
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.fixture
def gallery(lab, tabs, product):
    """Show the panel in a state; the other half's answers are changed on their way."""
    private = {"source": "name = 'Hanako'", "metadata": {"tags": ["private"]}}
    lab.write("a.ipynb", notebook("for number in range(10):\n    print(number)", private))

    def show(locale):
        tab = tabs(lab, locale)
        tab.page.add_init_script(f"localStorage.setItem('cell-monitor-lab told https://{HOST}', 'before')")
        shown = {"name": "sending"}

        def state(route):
            answer = route.fetch()
            route.fulfill(response=answer, json=merged(json.loads(answer.text()), merged(USUAL, STATES[shown["name"]])))

        tab.page.route("**/cell-monitor-lab/state*", state)
        tab.page.route("**/cell-monitor-lab/progress*", lambda route: route.fulfill(
            json={"progress": [{"assignment_id": 3, "completed_cells": 4, "total_cells": 9}]}))  # fmt: skip
        tab.page.route("**/cell-monitor-lab/assignments*", lambda route: route.fulfill(
            json={"assignments": works(locale), "questions": ASKED, "is_stale": False, "drafts": {},
                  "fetched": {"4": "a.ipynb"}}))  # fmt: skip
        tab.page.route("**/cell-monitor-lab/settings*", lambda route: route.abort())
        # What the server part tells meanwhile would show its true state.
        tab.page.route_web_socket("**/api/events/subscribe*", lambda _socket: None)
        tab.go().open("a.ipynb")
        panel = tab.panel()
        for theme, name in product_of(THEMES, STATES):
            shown["name"] = name
            if name == next(iter(STATES)):
                tab.run("apputils:change-theme", {"theme": f"JupyterLab {theme}"})
            with tab.page.expect_response("**/cell-monitor-lab/state*", timeout=WAIT):
                tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            tab.page.wait_for_timeout(300)
            yield tab, panel, name, theme

    return show


@pytest.mark.timeout(300)
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_every_state_and_dialog(gallery, product, locale):
    found = {}
    product.answers["GET", "/api/v1/submissions"] = (200, [])
    for tab, panel, name, theme in gallery(locale):
        rules = RULES if theme == THEMES[0] else RULES_OF_COLOURS
        wrong = problems(tab, "#cell-monitor-panel", ".cm-HelpButton", ".cm-StateItem", rules=rules)
        ending = f"{locale[:2]}-{theme.lower()}"
        tab.shot(f"{name}-{ending}")
        if name == "question":
            expect(tab.page.locator(".jp-toast-message")).to_have_count(1)
        if locale == "ja-JP":
            lines = [line.strip() for line in panel.inner_text().splitlines()]
            allowed = re.compile(r"[\d\W]*$|https?://|Informatics|Hanako|0\.1|cell-monitor")
            wrong += [line for line in lines if line and not JAPANESE.search(line) and not allowed.search(line)]
        if name == "sending" and (theme == "Light" or "SHOTS" in os.environ):
            wrong += look_at_dialogs(tab, panel, ending)
        if wrong:
            found[name, theme] = wrong
    assert found == {}


def look_at_dialogs(tab, panel, ending):
    """Open each dialog and return what axe finds in them."""
    wrong, dialog = [], tab.page.locator(".jp-Dialog")

    def look(name):
        expect(dialog).to_have_count(1)
        wrong.extend(problems(tab, ".jp-Dialog .jp-Dialog-body"))
        tab.shot(f"dialog-{name}-{ending}")
        # Of two dialogs in a row JupyterLab gives the focus back behind the second, now and then.
        dialog.locator("button").last.press("Escape")
        expect(dialog).to_have_count(0)

    def hand_in():
        panel.get_by_role("button", name=re.compile("^(Hand in …: Week|提出…: 第) 2")).click()
        expect(dialog.locator("textarea")).to_be_visible(timeout=WAIT)

    hand_in()
    look("hand-in")
    for kind, status, value in (("receipt", 200, RECEIPT), ("not-handed-in", 503, DRAFT)):
        answer = partial(answer_of, status=status, value=value)
        tab.page.route("**/cell-monitor-lab/hand-in*", answer)
        hand_in()
        dialog.get_by_role("button", name=re.compile("^(Hand in|提出)$")).click()
        expect(dialog.locator("textarea")).to_have_count(0)
        look(kind)
        tab.page.unroute("**/cell-monitor-lab/hand-in*", answer)
    tab.select(1)  # the private cell
    tab.run("notebook:run-cell")
    wait_for(lambda: tab.lab.ask("sent")["sent"][0]["event"].get("cellId") == "c1", WAIT / 1000)
    tab.start("cell-monitor-lab:sent")
    expect(dialog.locator(".cm-Sent")).to_be_visible()
    dialog.locator("summary").first.click()
    expect(dialog.locator("pre").first).not_to_contain_text("name =")
    look("sent")
    panel.get_by_text(re.compile("Connection and what was sent|接続と送信した内容")).click()
    panel.get_by_role("button", name=re.compile("Disconnect …|接続を解除…")).click()
    look("disconnect")
    panel.get_by_text(re.compile("Connection and what was sent|接続と送信した内容")).click()
    # The question of consent comes once an address.
    unasked = {"privacy": {"consent": "unasked"}, "consent_text": say("consent", host=HOST)}
    usual, STATES["sending"] = STATES["sending"], {**unasked, "identity": {"url": f"https://{ending}.{HOST}"}}
    try:
        tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(dialog).to_have_count(1, timeout=WAIT)
        wrong += problems(tab, ".jp-Dialog .jp-Dialog-body")
        tab.shot(f"dialog-consent-{ending}")
    finally:
        STATES["sending"] = usual
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it goes when it was answered elsewhere
    expect(dialog).to_have_count(0)
    return wrong


def answer_of(route, status, value):
    """Answer a hand-in; a trial goes on to the server part."""
    if json.loads(route.request.post_data or "{}").get("is_trial"):
        route.continue_()
    else:
        route.fulfill(status=status, json=value)


def test_narrow_and_by_keyboard(lab, tabs, product):
    tab = tabs(lab, "en-GB", size=(640, 700)).go()
    panel = tab.panel()
    tab.page.evaluate("document.querySelector('#jp-left-stack').style.width = '320px'")
    expect(panel).to_contain_text("Informatics 3A", timeout=WAIT)
    wide = tab.page.evaluate(
        """() => {
          const panel = document.querySelector('#cell-monitor-panel');
          const {right} = panel.getBoundingClientRect();
          const out = node => node.getBoundingClientRect().right > right + 1 && !node.closest('.cm-hidden');
          return [...panel.querySelectorAll('*')].filter(out).map(node => node.outerHTML.slice(0, 80));
        }"""
    )
    assert wide == []
    tab.shot("narrow")
    panel.get_by_role("button", name="15 min").focus()
    reached = []
    for _ in range(12):
        reached.append(tab.page.evaluate("document.activeElement.innerText || document.activeElement.className"))
        tab.page.keyboard.press("Tab")
    assert "Ask for help" in reached
    assert "Connection and what was sent" in reached
