"""Every address refuses without a login and without XSRF, counts as no activity, and tells no secret."""

import json
import sqlite3
import time

import pytest
from jupyter_server.auth.identity import User
from tornado.httpclient import HTTPClientError
from tornado.web import create_signed_value

from cell_monitor_lab.routes import ROUTES

from .conftest import wait_for_async

METHODS = [
    (name, method)
    for name, route in ROUTES.items()
    for method in ("GET", "POST", "DELETE")
    if method.lower() in vars(route)
]
RUN = "0f31e1f2-6d6b-4cd5-a3a3-0f7bff4ac3ee"
CHANGES = [(name, method) for name, method in METHODS if method != "GET"]
pytestmark = pytest.mark.usefixtures("service")


def body_of(method):
    return {"body": "{}"} if method == "POST" else {}


async def fetch(jp_fetch, name, method="GET", value=None):
    body = {"body": json.dumps(value)} if method == "POST" else {}
    answer = await jp_fetch("cell-monitor-lab", name, method=method, **body)
    return json.loads(answer.body)


def test_every_route_is_asked():
    assert {name for name, _method in METHODS} == set(ROUTES)
    assert len(CHANGES) >= 9


@pytest.mark.parametrize(("name", "method"), METHODS)
async def test_without_a_login(http_server_client, jp_base_url, name, method):
    with pytest.raises(HTTPClientError) as error:
        await http_server_client.fetch(
            f"{jp_base_url}cell-monitor-lab/{name}", method=method, follow_redirects=False, **body_of(method)
        )
    assert error.value.code == 403


@pytest.fixture
def cookie(jp_serverapp, http_server_client):
    """Headers of a browser that is logged in and has no XSRF token."""
    provider = jp_serverapp.identity_provider
    name = provider.cookie_name or f"username-127-0-0-1-{http_server_client.get_http_port()}"
    user = provider.user_to_cookie(User("hanako", "hanako", "hanako", "h"))
    value = create_signed_value(jp_serverapp.web_app.settings["cookie_secret"], name, user)
    return {"Cookie": f"{name}={value.decode()}"}


async def test_the_cookie_is_a_login(http_server_client, jp_base_url, cookie):
    answer = await http_server_client.fetch(f"{jp_base_url}cell-monitor-lab/state", headers=cookie)
    assert answer.code == 200


@pytest.mark.parametrize(("name", "method"), CHANGES)
async def test_with_a_login_and_without_xsrf(http_server_client, jp_base_url, cookie, name, method):
    with pytest.raises(HTTPClientError) as error:
        await http_server_client.fetch(
            f"{jp_base_url}cell-monitor-lab/{name}", method=method, headers=cookie, **body_of(method)
        )
    assert error.value.code == 403


async def test_no_request_is_activity(jp_fetch, jp_web_app):
    before = jp_web_app.settings.get("api_last_activity")
    await fetch(jp_fetch, "state")
    await fetch(jp_fetch, "pause", "POST", {"minutes": 15})
    assert jp_web_app.settings.get("api_last_activity") == before
    assert all(route._track_activity is False for route in ROUTES.values())


class TestState:
    @pytest.fixture
    def lab_config(self):
        return {"class_key": "VERY-SECRET-KEY"}

    async def test_it_has_no_secret(self, jp_fetch, service, stub):
        stub.answers["POST", "/api/v1/me/token"] = (201, {"token": "VERY-SECRET-TOKEN", "status": "active"})
        service.check_connection()
        assert service.connection.has_token()
        text = json.dumps(await fetch(jp_fetch, "state"))
        assert "VERY-SECRET" not in text
        assert '"status": "active"' in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hints", []),
        ("hints", {"hints": "x"}),
        ("hints", {"hints": [{"kind": "other"}]}),
        ("hints", {"hints": [{"kind": "run", "kernelId": "k"}]}),
        ("hints", {"hints": [{"kind": "opened", "path": 5}]}),
        ("hints", {"hints": [{"kind": "opened"}] * 101}),
        ("hints", {"hints": [{"kind": "run", "kernelId": "k", "msgId": "m", "ageMs": float("inf")}]}),
        ("hints", {"hints": [{"kind": "opened", "eventId": "no-uuid"}]}),
        ("runs", {"events": [{"eventType": "help", "eventId": RUN, "eventTime": "2026-11-27T22:32:12.923Z"}]}),
        ("runs", {"events": [{"eventType": "cell_execution_start", "eventId": "x", "eventTime": "2026-11-27"}]}),
        ("runs", {"events": [{"eventType": "cell_execution_start", "eventId": RUN}]}),
        ("runs", {"events": 5}),
        ("read", {"keys": [1]}),
        ("question", {}),
        ("question", {"id": 4, "answer": "perhaps"}),
        ("question", {"id": -1, "answer": "fine"}),
        ("question", {"may_be_asked": "no"}),
        ("pause", {"minutes": 7}),
        ("consent", {"is_given": "yes"}),
        ("fetch", {"assignment_id": "x"}),
        ("hand-in", {"assignment_id": True}),
        ("connect", {"url": 5}),
    ],
)
async def test_bodies_that_are_not_as_described(jp_fetch, name, value):
    with pytest.raises(HTTPClientError) as error:
        await fetch(jp_fetch, name, "POST", value)
    assert error.value.code == 400


async def test_notebook_events_are_sent_with_name_and_session(jp_fetch, stub, service):
    hints = [{"kind": kind, "path": "a.ipynb"} for kind in ("opened", "saved", "closed")]
    await fetch(jp_fetch, "hints", "POST", {"hints": hints})
    await wait_for_async(lambda: len([e for e in stub.events if e["eventType"].startswith("notebook")]) == 3)
    found = [event for event in stub.events if event["eventType"].startswith("notebook")]
    assert [event["eventType"] for event in found] == ["notebook_opened", "notebook_save", "notebook_closed"]
    assert {event["notebookPath"] for event in found} == {"a.ipynb"}
    assert {event["emailAddress"] for event in found} == {"hanako@example.com"}
    assert {event["sessionId"] for event in found} == {service.recorder.session_id}


async def test_the_name_of_an_assignment_is_its_path(jp_fetch, stub):
    hint = {"kind": "opened", "path": "mine/week3-2.ipynb", "assignmentPath": "course/week3.ipynb"}
    await fetch(jp_fetch, "hints", "POST", {"hints": [hint, {"kind": "opened", "path": "x.ipynb", "off": True}]})
    await wait_for_async(lambda: any(event["eventType"] == "notebook_opened" for event in stub.events))
    found = [event for event in stub.events if event["eventType"] == "notebook_opened"]
    assert [(event["notebookPath"], event["metadata"]["localPath"]) for event in found] == [
        ("course/week3.ipynb", "mine/week3-2.ipynb")
    ]


async def test_a_session_begins_with_a_tab_and_ends_with_the_server(jp_fetch, stub, service):
    await fetch(jp_fetch, "state")
    await wait_for_async(lambda: any(event["eventType"] == "session_start" for event in stub.events))
    await service.stop()
    assert stub.events[-1]["eventType"] == "session_end"


async def test_paused_is_not_recorded(jp_fetch, stub, service):
    await fetch(jp_fetch, "pause", "POST", {"minutes": None})
    await fetch(jp_fetch, "hints", "POST", {"hints": [{"kind": "opened", "path": "secret.ipynb"}]})
    state = await fetch(jp_fetch, "pause", "POST", {"resume": True})
    assert not state["privacy"]["paused"]
    await fetch(jp_fetch, "hints", "POST", {"hints": [{"kind": "opened", "path": "open.ipynb"}]})
    await wait_for_async(lambda: any(event["eventType"] == "notebook_opened" for event in stub.events))
    assert "secret" not in json.dumps(stub.requests)


async def test_help_is_asked_for_and_ended(jp_fetch, stub):
    state = await fetch(jp_fetch, "help", "POST", {"is_on": True, "path": "a.ipynb", "cellId": "c"})
    assert state["is_on"]
    await wait_for_async(lambda: any(event["eventType"] == "help" for event in stub.events))
    asked = next(event for event in stub.events if event["eventType"] == "help")
    assert (asked["notebookPath"], asked["cellId"]) == ("a.ipynb", "c")
    assert (await fetch(jp_fetch, "state"))["help"]["is_on"]
    assert not (await fetch(jp_fetch, "help", "POST", {"is_on": False}))["is_on"]
    await wait_for_async(lambda: any(event["eventType"] == "help_stop" for event in stub.events))


async def test_a_starter_is_written_and_never_over_a_file(jp_fetch, stub, jp_root_dir):
    content = {
        "cells": [],
        "metadata": {"cell_monitor": {"assignment": 3, "path": "p"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    stub.answers["GET", "/api/v1/assignments/3/starter"] = (200, {"filename": "week3.ipynb", "content": content})
    assert (await fetch(jp_fetch, "fetch", "POST", {"assignment_id": 3}))["path"] == "week3.ipynb"
    (jp_root_dir / "week3.ipynb").write_text("mine")
    assert (await fetch(jp_fetch, "fetch", "POST", {"assignment_id": 3}))["path"] == "week3-2.ipynb"
    assert (jp_root_dir / "week3.ipynb").read_text() == "mine"
    assert json.loads((jp_root_dir / "week3-2.ipynb").read_text())["metadata"]["cell_monitor"]["assignment"] == 3


async def test_handing_in_while_the_product_is_away_is_a_draft(jp_fetch, stub):
    stub.answers["POST", "/api/v1/submissions"] = (503, {})
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with pytest.raises(HTTPClientError) as error:
        await fetch(jp_fetch, "hand-in", "POST", {"assignment_id": 3, "content": notebook})
    said = json.loads(error.value.response.body)
    assert said["is_draft"]
    assert said["text"]["code"] == "draft"
    assert said["text"]["ja"]


async def test_what_was_sent_can_be_read_and_forgotten(jp_fetch, stub, service):
    await fetch(jp_fetch, "hints", "POST", {"hints": [{"kind": "opened", "path": "a.ipynb"}]})
    await wait_for_async(lambda: service.outbox.sent())
    found = await fetch(jp_fetch, "sent")
    assert found["sent"][0]["event"]["notebookPath"] == "a.ipynb" or len(found["sent"]) > 1
    await fetch(jp_fetch, "sent", "DELETE")
    assert service.outbox.sent() == []


async def test_a_list_that_a_full_disk_keeps_is_said(jp_fetch, service):
    def full():
        raise sqlite3.OperationalError("database or disk is full")

    service.outbox.store.clear = full
    with pytest.raises(HTTPClientError) as error:
        await fetch(jp_fetch, "sent", "DELETE")
    assert error.value.code == 507
    assert json.loads(error.value.response.body)["text"]["code"] == "disk"


async def test_tabs_hear_notices(jp_fetch, jp_serverapp, service):
    heard = []

    async def listen(logger, schema_id, data):
        heard.append(data)

    jp_serverapp.event_logger.add_listener(schema_id="https://cell-monitor-lab/notice/v1", listener=listen)
    await fetch(jp_fetch, "pause", "POST", {"minutes": 60})
    await wait_for_async(
        lambda: [data for data in heard if data["kind"] == "state" and data["data"]["privacy"]["paused"]]
    )


class TestWithoutConsent:
    @pytest.fixture
    def lab_config(self):
        return {"consent": ""}

    async def test_nothing_leaves_until_the_student_agrees(self, jp_fetch, stub, service):
        await fetch(jp_fetch, "hints", "POST", {"hints": [{"kind": "opened", "path": "before.ipynb"}]})
        state = await fetch(jp_fetch, "state")
        assert state["privacy"]["consent"] == "unasked"
        assert state["text"]["code"] == "consent-needed"
        assert service.outbox.waiting == 0
        assert stub.requests == []
        await fetch(jp_fetch, "consent", "POST", {"is_given": True})
        await fetch(jp_fetch, "hints", "POST", {"hints": [{"kind": "opened", "path": "after.ipynb"}]})
        await wait_for_async(lambda: any(event["eventType"] == "notebook_opened" for event in stub.events))
        assert "before" not in json.dumps(stub.requests)

    async def test_help_cannot_be_asked_for(self, jp_fetch):
        with pytest.raises(HTTPClientError) as error:
            await fetch(jp_fetch, "help", "POST", {"is_on": True})
        assert error.value.code == 409


class TestWithoutConfiguration:
    @pytest.fixture
    def lab_config(self):
        return {"url": "", "user_id": ""}

    async def test_nothing_leaves_and_the_panel_may_say_who(self, jp_fetch, stub):
        await fetch(jp_fetch, "hints", "POST", {"hints": [{"kind": "opened", "path": "a.ipynb"}]})
        assert (await fetch(jp_fetch, "state"))["text"]["code"] == "not-configured"
        assert stub.requests == []
        stub.answers["POST", "/api/v1/me/token"] = (201, {"token": "T", "status": "active"})
        values = {"url": stub.url, "user_id": "taro@example.com", "class_code": "K7QF-2M9X"}
        state = await fetch(jp_fetch, "connect", "POST", values)
        assert state["text"]["code"] == "sending"
        assert state["device"]["status"] == "active"
        assert state["identity"]["sources"]["url"] == "panel"


async def test_a_notebook_event_that_is_posted_twice_is_one(jp_fetch, stub, service):
    hint = {"kind": "opened", "path": "a.ipynb", "eventId": RUN}
    await fetch(jp_fetch, "hints", "POST", {"hints": [hint, hint]})
    await fetch(jp_fetch, "hints", "POST", {"hints": [{"kind": "saved", "path": "a.ipynb"}]})
    await wait_for_async(lambda: any(event["eventType"] == "notebook_save" for event in stub.events))
    assert [event["eventId"] for event in stub.events if event["eventType"] == "notebook_opened"] == [RUN]


async def test_runs_that_only_the_browser_sees_are_the_students(jp_fetch, stub):
    run = {"eventType": "cell_execution_complete", "eventId": RUN, "eventTime": "2026-11-27T22:32:12.923Z"}
    said = {**run, "code": "1", "emailAddress": "other@example.com", "sessionId": "other"}
    assert await fetch(jp_fetch, "runs", "POST", {"events": [said]}) == {"taken": 1}
    await wait_for_async(lambda: stub.ends())
    assert stub.ends()[0]["emailAddress"] == "hanako@example.com"
    assert stub.ends()[0]["sessionId"] != "other"


async def test_news_are_told_once_and_stay_read(jp_fetch, service):
    told = {"notifications": [{"notification_id": 5, "title": "A hint"}], "messages": [{"message": "Come here"}]}
    service._take_news(told)
    service._take_news(told)
    news = (await fetch(jp_fetch, "state"))["news"]
    assert [(item["key"].split(":")[0], item["is_read"]) for item in news] == [
        ("notifications", False),
        ("messages", False),
    ]
    await fetch(jp_fetch, "read", "POST", {"keys": [news[0]["key"]]})
    service._take_news(told)
    assert [item["is_read"] for item in (await fetch(jp_fetch, "state"))["news"]] == [True, False]
    assert service.settings.get("news")[0]["is_read"]


async def test_an_end_of_help_before_the_product_knows_of_it_is_about_an_earlier_one(jp_fetch, stub, service):
    stub.script[:] = [(503, {}, {})] * 3
    await fetch(jp_fetch, "help", "POST", {"is_on": True})
    service._take_news({"help": {"state": "off"}})
    assert service.help.is_on
    await wait_for_async(lambda: not service.outbox.has_urgent())
    service._take_news({"help": {"state": "off"}})
    assert service.help.is_on, "accepted, and not yet in the queue"
    service._take_news({"help": {"state": "asked", "place": 1, "of": 1}})
    service._take_news({"help": {"state": "off"}})
    assert not service.help.is_on


async def test_a_hand_in_on_trial_is_not_handed_in(jp_fetch, stub):
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    measured = await fetch(jp_fetch, "hand-in", "POST", {"assignment_id": 3, "content": notebook, "is_trial": True})
    assert measured["size"] < measured["limit"]
    assert not [path for method, path, *_rest in stub.requests if method == "POST" and "submissions" in path]


class TestQuestions:
    @pytest.fixture
    def lab_config(self):
        return {"class_key": "KEY"}

    @pytest.fixture(autouse=True)
    def _connected(self, service, stub):
        stub.answers["POST", "/api/v1/me/token"] = (201, {"token": "T", "status": "active"})
        service.check_connection()
        service.questions.take(
            {"id": 4, "asked_at": "2026-11-29T10:00:00Z", "until": "2026-11-29T10:05:00Z"}, time.time()
        )

    async def test_yes_asks_for_help_in_that_place_and_is_told(self, jp_fetch, service, stub):
        stub.answers["POST", "/api/v1/me/question"] = (200, {})
        assert (await fetch(jp_fetch, "state"))["question"]["id"] == 4
        body = {"id": 4, "answer": "yes", "path": "a.ipynb", "cellId": "c1"}
        state = await fetch(jp_fetch, "question", "POST", body)
        assert (state["question"], state["help"]["is_on"]) == (None, True)
        await wait_for_async(lambda: [event for event in stub.events if event["eventType"] == "help"])
        (asked,) = [event for event in stub.events if event["eventType"] == "help"]
        assert (asked["notebookPath"], asked["cellId"]) == ("a.ipynb", "c1")
        await wait_for_async(lambda: told_to(stub, "/api/v1/me/question") == [{"id": 4, "answer": "yes"}])

    async def test_fine_is_told_and_asks_for_nothing(self, jp_fetch, service, stub):
        stub.answers["POST", "/api/v1/me/question"] = (200, {})
        state = await fetch(jp_fetch, "question", "POST", {"id": 4, "answer": "fine"})
        assert (state["question"], state["help"]["is_on"]) == (None, False)
        await wait_for_async(lambda: told_to(stub, "/api/v1/me/question") == [{"id": 4, "answer": "fine"}])

    async def test_during_a_pause_nothing_is_asked(self, jp_fetch):
        assert (await fetch(jp_fetch, "pause", "POST", {"minutes": 15}))["question"] is None
        with pytest.raises(HTTPClientError) as error:
            await fetch(jp_fetch, "question", "POST", {"id": 4, "answer": "yes"})
        assert error.value.code == 409

    async def test_the_switch(self, jp_fetch, stub):
        stub.answers["PUT", "/api/v1/me/question"] = (200, {"is_on": True, "may_be_asked": False})
        answer = await fetch(jp_fetch, "question", "POST", {"may_be_asked": False})
        assert answer == {"is_on": True, "may_be_asked": False}
        assert told_to(stub, "/api/v1/me/question") == [{"may_be_asked": False}]

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ((201, {"url": "https://m.example/me/#K7QF"}), "https://m.example/me/#K7QF"),
            ((201, {"url": "javascript:alert(1)"}), 409),
            ((403, {"detail": "no"}), 409),
            ((503, {"detail": "Codes cannot be made"}), 503),
        ],
    )
    async def test_the_own_page(self, jp_fetch, stub, answer, expected):
        stub.answers["POST", "/api/v1/me/page"] = answer
        if isinstance(expected, str):
            assert await fetch(jp_fetch, "page", "POST", {}) == {"url": expected}
            return
        with pytest.raises(HTTPClientError) as error:
            await fetch(jp_fetch, "page", "POST", {})
        assert error.value.code == expected


def told_to(stub, address):
    return [value for _, path, _, value in stub.requests if path == address]
