"""Every state of panel and dialogs: axe finds nothing, Japanese is complete, 320 px suffice, the keyboard reaches all.

With SHOTS=folder each of them is kept as a picture, in both languages and themes.
"""

import json
import os
import re
from functools import partial

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from conftest import WAIT, notebook
from playwright.sync_api import expect
from test_panel import WORK

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")

OFFLINE = {"code": "unreachable", "en": "monitor.school.example cannot be reached.", "ja": "接続できません。"}
NEWS = [
    {"key": "n:1", "is_read": True, "title": "割り当て", "message": "読みました", "created_at": "2026-11-27T10:00:00Z"},
    {"key": "n:2", "is_read": False, "title": "ヒント", "message": "range(10) を\nもう一度",
     "notebook_path": "a.ipynb",
     "cell_id": "c0", "created_at": "2026-11-28T10:00:00Z"},
]  # fmt: skip


def merged(state, more):
    return {
        name: merged(value, more[name]) if isinstance(value, dict) and isinstance(more.get(name), dict) else
        more.get(name, value) for name, value in {**more, **state}.items()
    }  # fmt: skip


NO_ONE = {"url": "", "user_id": "", "user_name": "", "sources": dict.fromkeys(["url", "user_id", "user_name"], "panel")}
ASKED = {"code": "help-asked", "en": "", "ja": ""}
STATES = {
    "connect": {"identity": NO_ONE, "device": {"status": "none", "class": None},
                "text": {"code": "not-configured", "en": "Not set up.", "ja": "未設定です。"}},
    "consent": {"privacy": {"consent": "refused"}},
    "sending": {"news": NEWS},
    "waiting": {"text": OFFLINE, "queue": {"waiting": 214, "oldest": "2026-11-28T09:00:00Z", "dropped": 3}},
    "paused": {"privacy": {"paused": True, "paused_until": "2099-11-28T10:15:00Z"}},
    "confirm": {"device": {"status": "waiting", "check_number": "42"}},
    "help-place": {"help": {"is_on": True, "since": "2026-11-28T10:42:00Z", "text": ASKED,
                            "product": {"state": "asked", "place": 2, "of": 5}}},
    "help-coming": {"help": {"is_on": True, "since": "2026-11-28T10:42:00Z", "text": ASKED,
                             "product": {"state": "coming", "by_name": "Ito"}}},
    "help-offline": {"text": OFFLINE, "queue": {"waiting": 1, "oldest": "2026-11-28T09:00:00Z"},
                     "help": {"is_on": True, "since": "2026-11-28T10:42:00Z",
                              "text": {"code": "help-asking", "en": "Your request waits until monitor.school.example "
                                       "can be reached.", "ja": "接続でき次第、依頼が届きます。"}}},
    "help-not-found": {"help": {"is_on": True, "since": "2026-11-28T10:42:00Z", "text": ASKED,
                                "product": {"state": "not_found"}}},
    "help-answered": {"help": {"is_on": False, "product": {"state": "answered", "by_name": "Ito"}}},
    "offline": {"text": OFFLINE},
    "revoked": {"text": {"code": "refused", "en": "monitor.school.example does not accept this device any more. Ask "
                         "your teacher, or connect again.", "ja": "この端末を受け付けなくなりました。"}},
    "question": {"question": {"id": 1, "asked_at": "2026-11-28T10:42:00Z"}},
}  # fmt: skip
RECEIPT = {"attempt": 2, "submitted_at": "2026-11-28T10:31:00Z", "content_sha256": "3f9a1c" + "0" * 58, "is_same": True,
           "text": {"code": "handed-in", "en": "Handed in.", "ja": "提出しました。"}}  # fmt: skip
DRAFT = {"is_draft": True, "text": {
    "code": "draft", "en": "Not handed in yet: monitor.school.example cannot be reached. It is kept; hand it in again "
    "later.", "ja": "まだ提出されていません。保存してあるので、後でもう一度提出してください。"}}  # fmt: skip
WORKS = [
    {**WORK, "title": "第 3 週", "description": "3 つのループ"},
    {**WORK, "id": 4, "title": "第 2 週", "description": "", "due_date": "2026-11-20T23:59:00+09:00"},
    {**WORK, "id": 5, "title": "第 1 週", "description": "", "submitted_at": "2026-11-10T09:00:00Z", "grade": 8,
     "feedback": "よくできました"},
    {**WORK, "id": 6, "title": "第 0 週", "description": "", "submitted_at": "2026-11-10T09:00:00Z"},
]  # fmt: skip


def problems(tab, selector):
    """Return what axe finds in a part of the page; the rest is JupyterLab's."""
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(AXE_SCRIPT)
    found = tab.page.evaluate(
        "([selector, tags]) => axe.run(selector, {runOnly: tags, resultTypes: ['violations']})"
        ".then(results => results.violations)",
        [selector, RULES],
    )
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.fixture
def gallery(lab, tabs, product):
    """Show the panel in a state; the other half's answers are changed on their way."""
    lab.write("a.ipynb", notebook("print(1)", "x"))

    def show(locale, theme):
        tab = tabs(lab, locale)
        shown = {"name": "sending"}

        def state(route):
            answer = route.fetch()
            route.fulfill(response=answer, json=merged(json.loads(answer.text()), STATES[shown["name"]]))

        tab.page.route("**/cell-monitor-lab/state*", state)
        tab.page.route("**/cell-monitor-lab/progress*", lambda route: route.fulfill(
            json={"progress": [{"assignment_id": 3, "completed_cells": 4, "total_cells": 9}]}))  # fmt: skip
        tab.page.route("**/cell-monitor-lab/assignments*", lambda route: route.fulfill(
            json={"assignments": WORKS, "is_stale": False, "drafts": {}, "fetched": {"4": "a.ipynb"}}))  # fmt: skip
        tab.page.route("**/cell-monitor-lab/settings*", lambda route: route.abort())
        # What the server part tells meanwhile would show its true state.
        tab.page.route_web_socket("**/api/events/subscribe*", lambda _socket: None)
        tab.go()
        tab.run("apputils:change-theme", {"theme": theme})
        tab.open("a.ipynb")
        panel = tab.panel()
        for name in STATES:
            shown["name"] = name
            with tab.page.expect_response("**/cell-monitor-lab/state*", timeout=WAIT):
                tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            tab.page.wait_for_timeout(300)
            yield tab, panel, name

    return show


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_state(gallery, locale, theme):
    found = {}
    for tab, panel, name in gallery(locale, theme):
        wrong = problems(tab, "#cell-monitor-panel") + problems(tab, ".cm-HelpButton") + problems(tab, ".cm-StateItem")
        tab.shot(f"{name}-{locale[:2]}-{theme.split()[1].lower()}")
        if name == "question":
            expect(tab.page.locator(".jp-toast-message")).to_have_count(1)
        if locale == "ja-JP":
            lines = [line.strip() for line in panel.inner_text().splitlines()]
            allowed = re.compile(r"[\d\W]*$|https?://|Informatics|Hanako|0\.1|cell-monitor")
            wrong += [line for line in lines if line and not JAPANESE.search(line) and not allowed.search(line)]
        if wrong:
            found[name] = wrong
    assert found == {}


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
@pytest.mark.parametrize("theme", ["JupyterLab Light", *(["JupyterLab Dark"] if os.environ.get("SHOTS") else [])])
def test_dialogs(lab, tabs, product, gallery, locale, theme):
    product.answers["GET", "/api/v1/submissions"] = (200, [])
    for tab, panel, name in gallery(locale, theme):
        if name == "sending":
            wrong = look_at_dialogs(tab, panel, f"{locale[:2]}-{theme.split()[1].lower()}")
            break
    assert wrong == []


def look_at_dialogs(tab, panel, ending):
    """Open each dialog and return what axe finds in them."""
    wrong, dialog = [], tab.page.locator(".jp-Dialog")

    def look(name):
        expect(dialog).to_have_count(1)
        wrong.extend(problems(tab, ".jp-Dialog .jp-Dialog-body"))
        tab.shot(f"dialog-{name}-{ending}")
        tab.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)

    def hand_in():
        panel.get_by_role("button", name=re.compile("^(Hand in …|提出…): 第 2 週")).click()
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
    tab.start("cell-monitor-lab:sent")
    expect(dialog.locator(".cm-Sent")).to_be_visible()
    dialog.locator("summary").first.click()
    look("sent")
    panel.get_by_text(re.compile("Connection and what was sent|接続と送信した内容")).click()
    panel.get_by_role("button", name=re.compile("Disconnect …|接続を解除…")).click()
    look("disconnect")
    STATES["sending"]["privacy"] = {"consent": "unasked"}
    try:
        tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(dialog).to_have_count(1, timeout=WAIT)
        wrong += problems(tab, ".jp-Dialog .jp-Dialog-body")
        tab.shot(f"dialog-consent-{ending}")
    finally:
        del STATES["sending"]["privacy"]
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
