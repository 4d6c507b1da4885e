"""The panel: connecting, consent, pause, help, news, assignments; what a browser may know."""

import hashlib
import json
import re
import time

from conftest import CLASS, SECRET_TOKEN, STUDENT, WAIT, notebook
from playwright.sync_api import expect

from cell_monitor_lab.assignments import canonical
from tests.conftest import wait_for

SECONDS = WAIT / 1000
CLAIM = ("POST", "/api/v1/me/token")
WORK = {
    "id": 3, "title": "Week 3: loops", "notebook_path": "course/week3.ipynb", "due_date": "2099-12-01T23:59:00+09:00",
    "description": "Write <b>three</b> loops.", "points": 10, "has_starter": True, "submitted_at": None, "attempts": 0,
    "grade": None, "feedback": None, "status": None,
}  # fmt: skip
STARTER = notebook("print('start')", "x = 1", cell_monitor={"assignment": 3, "path": "course/week3.ipynb"})


def offer(product, **more):
    """Let the product have one assignment with a starter."""
    me = {"student_id": 7, "classes": [CLASS], "assignments": [{**WORK, **more}]}
    product.answers["GET", "/api/v1/me"] = (200, me)
    starter = {"assignment_id": 3, "filename": "week3.ipynb", "content": STARTER, "content_sha256": "0"}
    product.answers["GET", "/api/v1/assignments/3/starter"] = (200, starter)
    told = [{"assignment_id": 3, "completed_cells": 1, "total_cells": 2}]
    product.answers["GET", "/api/v1/progress/student/7"] = (200, {"progress": {"assignments_progress": told}})


def instead(answer):
    """Return a handler of requests to the server part."""
    return lambda route: route.fulfill(**answer)


def fill(panel, product):
    panel.get_by_label("Address").fill(product.url)
    panel.get_by_label("E-mail or student number").fill(STUDENT["email"])
    panel.get_by_label("Name", exact=True).fill("Hanako")


def unfold(panel, name):
    """Open a folded part, again where something above came in at that moment and the click met another place."""
    part = panel.locator("details", has_text=name)

    def is_open():
        if part.get_attribute("open") is None:
            part.locator("summary").first.click()
            return False
        return True

    wait_for(is_open, SECONDS)


def test_nothing_leaves_before_a_yes_then_the_code_connects(bare, tabs, fresh):
    bare.write("first.ipynb", notebook("print('before')", "print('after')"))
    tab = tabs(bare).go(query="&cell_monitor_code=K7QF-2M9X").open("first.ipynb")
    panel = tab.panel()
    expect(panel).to_contain_text("Not set up")
    expect(panel.get_by_label("Class code")).to_have_value("K7QF-2M9X")
    asked = len(fresh.requests)
    fill(panel, fresh)
    panel.get_by_role("button", name="Connect").click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog).to_contain_text("May Cell Monitor send what you run?")
    expect(dialog).to_contain_text(fresh.url.removeprefix("http://"))
    dialog.get_by_role("button", name="Not now").click()
    expect(panel).to_contain_text("Not sending")
    tab.select(0)
    tab.run("notebook:run-cell")
    time.sleep(3)
    assert len(fresh.requests) == asked
    panel.get_by_role("button", name="Send", exact=True).click()
    expect(panel).to_contain_text("Informatics 3A", timeout=WAIT)
    claims = [value for method, path, _headers, value in fresh.requests if (method, path) == CLAIM]
    assert [(claim["class_code"], claim["userId"]) for claim in claims] == [("K7QF-2M9X", STUDENT["email"])]
    tab.select(1)
    tab.run("notebook:run-cell")
    wait_for(lambda: fresh.ends_of("first.ipynb"), SECONDS)
    assert [event["result"] for event in fresh.ends_of("first.ipynb")] == ["after\n"]
    assert "before" not in json.dumps(fresh.requests)
    unfold(panel, "Connection and what was sent")
    panel.get_by_role("button", name="What was sent …").click()
    expect(dialog.locator("summary", has_text="cell_execution_complete")).to_have_count(1)
    dialog.get_by_role("button", name="Close").click()
    panel.get_by_role("button", name="Disconnect …").click()
    dialog.get_by_role("button", name="Disconnect").click()
    wait_for(lambda: any(method == "DELETE" for method, *_rest in fresh.requests), SECONDS)
    expect(panel).to_contain_text("Connect to your class")


def test_what_a_school_agreed_to_is_told_once(lab, tabs, product):
    tab = tabs(lab, is_told=False).go()
    toast = tab.page.locator(".jp-toast-message")
    expect(toast).to_contain_text("as your school agreed with you", timeout=WAIT)
    tab.shot("school")
    tab.page.get_by_role("button", name="Pause, and what was sent").click()
    expect(tab.page.locator("#cell-monitor-panel")).to_contain_text("Until I resume")
    tab.go()
    expect(tab.panel()).to_contain_text("Informatics 3A", timeout=WAIT)
    expect(toast).to_have_count(0)


def test_a_second_device_waits_for_its_confirmation(bare, tabs, fresh):
    waiting = {"token": SECRET_TOKEN, "status": "waiting", "check_number": "42", "student": STUDENT, "class": CLASS}
    fresh.answers["POST", "/api/v1/me/token"] = (201, waiting)
    fresh.answers["GET", "/api/v1/me/token"] = (200, waiting)
    tab = tabs(bare).go()
    panel = tab.panel()
    fill(panel, fresh)
    panel.get_by_label("Class code").fill("k7qf 2m9x")
    panel.get_by_role("button", name="Connect").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(panel.locator(".cm-Number")).to_have_text("42", timeout=WAIT)
    expect(panel).to_contain_text("To be confirmed")
    fresh.answers["GET", "/api/v1/me/token"] = (200, {**waiting, "status": "active"})
    expect(panel.locator(".cm-Number")).to_have_count(0, timeout=WAIT)


def test_help_on_and_off_and_ended_by_the_teacher(lab, tabs, product):
    lab.write("help.ipynb", notebook("1", "2"))
    tab = tabs(lab).go().open("help.ipynb")
    tab.select(1)
    button = tab.page.locator(".jp-NotebookPanel .cm-HelpButton button")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    wait_for(lambda: [event for event in product.of("help.ipynb") if event["eventType"] == "help"], 10)
    assert [event["cellId"] for event in product.of("help.ipynb") if event["eventType"] == "help"] == ["c1"]
    expect(button).to_have_attribute("aria-pressed", "true")
    product.inbox.append({"help": {"state": "asked", "place": 2, "of": 5}})
    expect(button).to_have_text("Help requested: number 2")
    product.inbox.append({"help": {"state": "coming", "by_name": "Ms Ito"}})
    expect(button).to_have_text("On the way")
    tab.go()
    tab.open("help.ipynb")
    expect(button).to_have_text("On the way")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    wait_for(lambda: any(event["eventType"] == "help_stop" for event in product.of("help.ipynb")), 5)
    button.click()
    expect(button).to_have_text("Help requested")
    product.inbox.append({"help": {"state": "asked", "place": 1, "of": 1}})
    expect(button).to_have_text("Help requested: number 1")
    product.inbox.append({"help": {"state": "answered", "since": "2026-11-28T10:00:00Z", "by_name": "Ms Ito"}})
    expect(button).to_have_text("Ask for help")
    stops = [event for event in product.of("help.ipynb") if event["eventType"] == "help_stop"]
    assert len(stops) == 1


def test_a_hint_names_its_cell_and_is_read_in_all_tabs(lab, tabs, product):
    lab.write("hint.ipynb", notebook(*("1" for _ in range(60))))
    tab, other = tabs(lab).go(), tabs(lab).go()
    other_panel, panel = other.panel(), tab.panel()
    hint = {
        "notification_id": 501,
        "title": "A hint",
        "message": "Look <b>here</b> *please*",
        "notebook_path": "hint.ipynb",
    }
    product.inbox.append({"notifications": [{**hint, "cell_id": "c40", "created_at": "2026-11-28T10:00:00Z"}]})
    expect(panel).to_contain_text("Look <b>here</b> *please*", timeout=WAIT)
    expect(tab.page.locator(".jp-toast-message")).to_contain_text("A hint: Look <b>here</b> *please*")
    expect(other_panel).to_contain_text("News (1 unread)")
    expect(tab.page.locator(".lm-TabBar-tab[data-id=cell-monitor-panel] .lm-TabBar-tabLabel")).to_have_text("1")
    panel.get_by_role("button", name="Show me").click()
    tab.page.wait_for_function("jupyterapp.shell.currentWidget?.content?.activeCell?.model?.id === 'c40'", timeout=WAIT)
    expect(panel.get_by_role("heading", name="News", exact=True)).to_be_visible()
    expect(other_panel.get_by_role("heading", name="News", exact=True)).to_be_visible()
    other.go()
    assert "unread" not in other.panel().inner_text()


def test_pause_records_nothing(lab, tabs, product):
    lab.write("pause.ipynb", notebook("print('paused')", "print('resumed')"))
    tab = tabs(lab).go().open("pause.ipynb")
    panel = tab.panel()
    panel.get_by_role("button", name="15 min").click()
    expect(panel).to_contain_text("Paused until")
    expect(tab.page.locator("#jp-main-statusbar .cm-StateItem")).to_contain_text("Paused")
    expect(panel.get_by_role("button", name="Ask for help")).to_be_disabled()
    tab.select(0)
    tab.run("notebook:run-cell")
    panel.get_by_role("button", name="Resume").click()
    tab.select(1)
    tab.run("notebook:run-cell")
    wait_for(lambda: product.ends_of("pause.ipynb"), SECONDS)
    assert [event["result"] for event in product.ends_of("pause.ipynb")] == ["resumed\n"]
    assert "paused" not in json.dumps(product.events)


def test_an_assignment_from_its_starter_to_its_receipt(lab, tabs, product):
    offer(product)
    received = []

    def receive(value, headers):
        received.append((value, headers["Idempotency-Key"]))
        if len(received) == 1:
            return 503, {"detail": "busy"}
        sha = hashlib.sha256(canonical(value["notebook_content"])).hexdigest()
        return 201, {"attempt": 1, "submitted_at": "2026-11-28T10:31:00Z", "content_sha256": sha}

    product.answers["POST", "/api/v1/submissions"] = receive
    tab = tabs(lab).go()
    panel = tab.panel()
    panel.get_by_role("button", name="Refresh").click()
    item = panel.locator("li", has_text="Week 3: loops")
    expect(item).to_contain_text("Not started")
    expect(item).to_contain_text("Write <b>three</b> loops.")
    expect(item).to_contain_text("Cells done: 1 of 2")
    item.get_by_role("button", name="Get it").dblclick()
    expect(item).to_contain_text("In your files", timeout=WAIT)
    assert [path.name for path in lab.root.glob("week3*")] == ["week3.ipynb"], "clicked twice, fetched once"
    tab.page.wait_for_function("jupyterapp.shell.currentWidget?.context?.path === 'week3.ipynb'", timeout=WAIT)
    tab.open("week3.ipynb")
    tab.select(1)
    tab.run("notebook:run-cell")
    item.get_by_role("button", name="Hand in …").dblclick()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog).to_contain_text("week3.ipynb")
    expect(dialog).to_contain_text("Cells with code that have not run: 1.")
    expect(dialog).not_to_contain_text("Is it the right one?")
    dialog.get_by_label("Comment for your teacher").fill("please look at x")
    dialog.get_by_role("button", name="Hand in").click()
    expect(dialog).to_contain_text("Not handed in yet", timeout=WAIT)
    assert "Handed in" not in dialog.inner_text()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)  # no second one of the second click
    expect(item).to_contain_text("Not handed in yet: it is saved here")
    item.get_by_role("button", name=re.compile("^Hand in")).click()
    dialog.get_by_role("button", name="Hand in").click()
    sha = hashlib.sha256(canonical(wait_for(lambda: received[1:], SECONDS)[0][0]["notebook_content"])).hexdigest()
    expect(dialog).to_contain_text("Check number", timeout=WAIT)
    expect(dialog.locator("code")).to_have_text(sha[:12])
    assert received[0][1] == received[1][1]  # one key: it counts once
    assert received[0][0]["submission_comment"] == "please look at x"
    assert received[1][0]["notebook_content"]["cells"][1]["execution_count"] == 1
    handed = {"id": 9, "attempt": 1, "submitted_at": "2026-11-28T10:31:00Z", "content_sha256": sha, "grade": None}
    product.answers["GET", "/api/v1/submissions"] = (200, [handed])
    offer(
        product, submitted_at="2026-11-28T10:31:00Z", attempts=1, grade=8, feedback="Good <i>work</i>", status="graded"
    )
    tab.page.evaluate("document.addEventListener('copy', () => { window.isCopied = true; }, true)")
    dialog.get_by_role("button", name="Close").press("Escape")
    panel.get_by_role("button", name="Refresh").click()
    expect(item).to_contain_text("Graded: 8 of 10")
    assert not tab.page.evaluate("window.isCopied"), "only the button puts the receipt into the clipboard"
    expect(item).to_contain_text("Good <i>work</i>")
    item.get_by_text("Hand-ins").click()
    expect(item).to_contain_text(sha[:12])
    item.get_by_role("button", name="Get a fresh copy").click()
    tab.page.wait_for_function("jupyterapp.shell.currentWidget?.context?.path === 'week3-2.ipynb'", timeout=WAIT)


def test_the_browser_knows_neither_key_nor_token(lab, tabs, product):
    tab = tabs(lab)
    bodies = []
    tab.page.on("response", lambda response: bodies.append(response) if "cell-monitor-lab" in response.url else None)
    tab.go()
    panel = tab.panel()
    expect(panel).to_contain_text("Informatics 3A", timeout=WAIT)
    texts = [body.text() for body in bodies if "/static/" not in body.url and body.ok]
    stored = tab.page.evaluate(
        """async () => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie,
             document.documentElement.outerHTML])"""
    )
    assert any('"state"' in text or "device" in text for text in texts)
    for secret in (SECRET_TOKEN, "CLASS-KEY-OF-3A"):
        assert not [text for text in texts if secret in text]
        assert secret not in stored


def test_without_the_server_part_the_panel_says_what_to_do(lab, tabs, product):
    tab = tabs(lab)
    answers = [
        {"status": 404, "json": {"message": "Not Found"}},
        {"status": 200, "content_type": "text/html", "body": "<p>"},
    ]
    for answer in answers:
        tab.page.unroute_all()
        tab.page.route("**/cell-monitor-lab/*", instead(answer))
        tab.go()
        panel = tab.panel()
        expect(panel).to_contain_text("jupyter server extension enable cell_monitor_lab")
        expect(tab.page.locator("#jp-main-statusbar .cm-StateItem")).to_contain_text("Not connected")
    tab.page.unroute_all()
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when the tab appears
    expect(panel).to_contain_text("Informatics 3A", timeout=WAIT)


def test_a_device_confirms_another_of_the_same_student(lab, tabs, product):
    waiting = {"id": 9, "device": "tablet", "status": "waiting", "check_number": "17", "is_this": False}
    product.answers["GET", "/api/v1/me/token"] = (200, {"status": "active", "devices": [waiting]})
    confirmed = (200, {"devices": [{**waiting, "status": "active"}]})
    product.answers["POST", "/api/v1/me/token/confirm"] = confirmed
    panel = tabs(lab).go().panel()
    expect(panel.locator(".cm-Number")).to_have_text("17", timeout=WAIT)
    panel.get_by_role("button", name="Confirm: tablet").click()
    expect(panel.locator(".cm-Number")).to_have_count(0)
    asked = [value for _method, path, _headers, value in product.requests if path.endswith("/confirm")]
    assert asked == [{"id": 9}]


QUESTION = {"id": 4, "asked_at": "2026-11-29T10:00:00.000Z", "until": "2026-11-29T10:05:00.000Z"}


def answers_to(product):
    return [value for method, path, _, value in product.requests if (method, path) == ("POST", "/api/v1/me/question")]


def test_are_you_stuck_fine_in_the_panel_and_yes_in_the_notification(lab, tabs, product):
    product.answers["POST", "/api/v1/me/question"] = (200, {})
    lab.write("stuck.ipynb", notebook("x"))
    tab = tabs(lab).go().open("stuck.ipynb")
    panel = tab.panel()
    product.question = QUESTION
    asked = panel.get_by_role("region", name="Are you stuck?")
    expect(asked).to_be_visible(timeout=WAIT)
    expect(tab.page.locator(".jp-toast-message")).to_have_text("Are you stuck?")
    asked.get_by_role("button", name="I’m fine").click()
    expect(asked).to_have_count(0)
    expect(tab.page.locator(".jp-toast-message")).to_have_count(0)
    wait_for(lambda: answers_to(product) == [{"id": 4, "answer": "fine"}], SECONDS)
    assert not [event for event in product.events if event["eventType"] == "help"]
    product.question = {**QUESTION, "id": 5}
    tab.page.get_by_role("button", name="Yes, help me").last.click(timeout=WAIT)
    expect(panel.get_by_role("button", name="Stop asking")).to_be_visible()
    wait_for(lambda: any(event["eventType"] == "help" for event in product.of("stuck.ipynb")), SECONDS)
    wait_for(lambda: answers_to(product)[1:] == [{"id": 5, "answer": "yes"}], SECONDS)
    product.question = None
    tab.page.locator(".cm-HelpButton button").click()


def test_the_student_switches_questions_off(lab, tabs, product):
    me = {"student_id": 7, "classes": [CLASS], "assignments": [], "questions": {"is_on": True, "may_be_asked": True}}
    product.answers["GET", "/api/v1/me"] = (200, me)
    product.answers["PUT", "/api/v1/me/question"] = (200, {"is_on": True, "may_be_asked": False})
    panel = tabs(lab).go().panel()
    unfold(panel, "Connection and what was sent")
    box = panel.get_by_role("checkbox", name="Ask me now and then whether I am stuck")
    expect(box).to_be_checked(timeout=WAIT)
    box.click()
    expect(box).not_to_be_checked()
    assert [value for method, _, _, value in product.requests if method == "PUT"] == [{"may_be_asked": False}]


def test_my_page_opens_in_a_new_tab(lab, tabs, product):
    product.answers["POST", "/api/v1/me/page"] = (201, {"code": "K7QF", "url": f"{product.url}/me/#K7QF"})
    tab = tabs(lab).go()
    with tab.page.expect_popup() as opened:
        tab.panel().get_by_role("button", name="Open my page").click()
    opened.value.wait_for_url("**/me/#K7QF", timeout=WAIT)
    assert opened.value.evaluate("window.opener === null")


def test_the_older_extension_is_told_of_once(lab, tabs, product):
    """A JupyterLab says in its page which extensions are installed."""

    def with_older(route):
        answer = route.fetch()
        older = '"federated_extensions": [{"name": "cell-monitor", "load": "static/none.js"}, '
        route.fulfill(response=answer, body=answer.text().replace('"federated_extensions": [', older, 1))

    tab = tabs(lab)
    tab.page.route("**/lab/workspaces/*", with_older)
    tab.go()
    told = tab.panel().get_by_role("region", name="The older extension is installed too")
    expect(told).to_contain_text("each run counts once", timeout=WAIT)
    told.get_by_role("button", name="Understood").click()
    expect(told).to_have_count(0)
    tab.go()
    expect(tab.panel()).to_contain_text("Informatics 3A", timeout=WAIT)
    expect(told).to_have_count(0)
