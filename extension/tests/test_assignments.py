"""Starters and hand-ins: the hash, the receipt, drafts, and every refusal."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell_monitor_lab.assignments import LIMIT_BYTES, Assignments, Refused, canonical, free_name
from cell_monitor_lab.outbox import Outbox
from cell_monitor_lab.product import Unreachable
from cell_monitor_lab.sender import NotReady, Route
from cell_monitor_lab.settings import Settings
from cell_monitor_lab.texts import say

NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
HAND_IN = ("POST", "/api/v1/submissions")


def hash_of(content):
    return hashlib.sha256(canonical(content)).hexdigest()


def received(value, _headers):
    return 201, {
        "attempt": 1,
        "submitted_at": "2026-11-28T00:00:00Z",
        "content_sha256": hash_of(value["notebook_content"]),
    }


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox.in_folder(tmp_path)
    yield outbox
    outbox.close()


@pytest.fixture
def assignments(stub, outbox):
    route = Route(stub.url, {"Authorization": "Student T"}, "stub")
    return Assignments(lambda: route, lambda: {"id": 7}, outbox, Settings(None))


def refusal(work):
    with pytest.raises(Refused) as error:
        work()
    return error.value


def test_the_receipt_is_said_after_201_and_has_the_products_hash(assignments, stub):
    stub.answers[HAND_IN] = received
    receipt = assignments.hand_in(3, NOTEBOOK, "done")
    assert receipt["content_sha256"] == hash_of(NOTEBOOK)
    assert receipt["is_same"]
    assert receipt["text"]["code"] == "handed-in"
    _method, _path, headers, body = stub.requests[0]
    assert (body["assignment_id"], body["student_id"], body["submission_comment"]) == (3, 7, "done")
    assert body["notebook_content"] == NOTEBOOK
    assert 0 < len(headers["Idempotency-Key"]) <= 64
    assert assignments.drafts() == {}


def test_another_hash_is_said(assignments, stub):
    stub.answers[HAND_IN] = (201, {"attempt": 1, "submitted_at": "x", "content_sha256": "0" * 64})
    assert assignments.hand_in(3, NOTEBOOK)["text"]["code"] == "receipt-differs"


def test_a_lost_answer_is_repeated_under_the_same_key(assignments, stub):
    stub.answers[HAND_IN] = "cut"
    assert refusal(lambda: assignments.hand_in(3, NOTEBOOK)).text["code"] == "draft"
    assert assignments.drafts()["3"]["sha256"] == hash_of(NOTEBOOK)
    stub.answers[HAND_IN] = received
    assignments.hand_in(3, NOTEBOOK)
    keys = [request[2]["Idempotency-Key"] for request in stub.requests]
    assert len(set(keys)) == 1
    assignments.hand_in(3, NOTEBOOK)
    assert stub.requests[-1][2]["Idempotency-Key"] != keys[0]


def test_other_content_has_another_key(assignments, stub):
    stub.answers[HAND_IN] = (503, {})
    refusal(lambda: assignments.hand_in(3, NOTEBOOK))
    refusal(lambda: assignments.hand_in(3, {**NOTEBOOK, "nbformat_minor": 4}))
    assert len({request[2]["Idempotency-Key"] for request in stub.requests}) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422])
def test_a_refusal_is_said_and_is_no_draft(assignments, stub, status):
    stub.answers[HAND_IN] = (status, {"detail": "The assignment is closed"})
    error = refusal(lambda: assignments.hand_in(3, NOTEBOOK))
    assert "The assignment is closed" in error.text["en"]
    assert assignments.drafts() == {}


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_product_that_is_busy_is_a_draft_and_says_whose_it_is(assignments, stub, status):
    stub.answers[HAND_IN] = (status, {"detail": "x"})
    error = refusal(lambda: assignments.hand_in(3, NOTEBOOK))
    assert (error.text["code"], error.status, error.more["is_draft"]) == ("draft", 503, True)
    assert "stub cannot be reached" in error.text["en"]
    assert "3" in assignments.drafts()
    stub.answers["GET", "/api/v1/assignments/3/starter"] = (status, {})
    assert refusal(lambda: assignments.starter(3)).text["code"] == "busy-now"


def test_a_proxy_that_takes_no_large_bodies_is_said_in_plain_words(assignments, stub):
    stub.answers[HAND_IN] = (413, None)
    error = refusal(lambda: assignments.hand_in(3, NOTEBOOK))
    assert error.text["code"] == "too-large-there"
    assert assignments.drafts() == {}


def test_the_page_of_a_network_is_neither_a_receipt_nor_an_end_of_the_draft(assignments, stub):
    stub.answers[HAND_IN] = (200, None)  # no JSON object
    assert refusal(lambda: assignments.hand_in(3, NOTEBOOK)).text["code"] == "wrong-address"
    assert "3" in assignments.drafts()
    stub.answers[HAND_IN] = received
    assignments.hand_in(3, NOTEBOOK)
    keys = [request[2]["Idempotency-Key"] for request in stub.requests]
    assert keys[0] == keys[1]


def test_on_a_full_disk_a_notebook_is_handed_in_all_the_same_and_once(assignments, stub, outbox):
    outbox.store.db.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON kv BEGIN SELECT RAISE(ABORT, 'full'); END")
    stub.answers[HAND_IN] = "cut"
    assert refusal(lambda: assignments.hand_in(3, NOTEBOOK)).text["code"] == "draft"
    assert "3" in assignments.drafts()
    stub.answers[HAND_IN] = received
    assert assignments.hand_in(3, NOTEBOOK)["is_same"]
    assert assignments.drafts() == {}
    keys = [request[2]["Idempotency-Key"] for request in stub.requests]
    assert keys[0] == keys[1]


def test_what_is_too_large_is_not_sent(assignments, stub):
    large = {**NOTEBOOK, "cells": [{"source": "x" * LIMIT_BYTES}]}
    error = refusal(lambda: assignments.hand_in(3, large))
    assert (error.text["code"], error.status) == ("too-large", 413)
    assert "5.0 MB" in error.text["en"]
    assert stub.requests == []


@pytest.mark.parametrize("content", [None, [], "text", {}, {"cells": {}}])
def test_what_is_no_notebook_is_not_sent(assignments, stub, content):
    assert refusal(lambda: assignments.hand_in(3, content)).text["code"] == "no-notebook"
    assert stub.requests == []


def test_the_list_is_kept_while_the_product_is_away(assignments, stub, outbox):
    stub.answers["GET", "/api/v1/me"] = (200, {"assignments": [{"id": 3}]})
    assert not assignments.list()["is_stale"]

    def away():
        raise Unreachable("refused")

    assignments._route = away
    assert assignments.list() == {"assignments": [{"id": 3}], "is_stale": True, "drafts": {}, "fetched": {}}
    assert refusal(Assignments(away, lambda: None, outbox, Settings(None)).list).text["code"] == "offline"


def test_who_is_not_connected_is_told_why(outbox):
    def route():
        raise NotReady(say("consent-needed"), 600)

    assert refusal(Assignments(route, lambda: None, outbox, Settings(None)).list).text["code"] == "consent-needed"


def test_an_assignment_without_a_starter_says_so(assignments):
    error = refusal(lambda: assignments.starter(9))
    assert (error.text["code"], error.status) == ("no-starter", 404)


def test_names_of_starters_never_take_one_that_is_there_nor_leave_the_folder():
    taken = {"a.ipynb", "a-2.ipynb"}
    assert free_name("a.ipynb", taken.__contains__) == "a-3.ipynb"
    assert free_name("../../etc/.a.ipynb", set().__contains__) == "a.ipynb"
    assert free_name("..\\b.ipynb", set().__contains__) == "b.ipynb"
    assert free_name("", set().__contains__) == "assignment.ipynb"


def test_canonical_is_as_the_product_writes_it():
    value = {"b": 1.0, "a": [1e2, 0.5, float("nan"), True, None], "ü": "\0\ud83d 日"}
    assert canonical(value).decode() == '{"a":[100,0.5,null,true,null],"b":1,"ü":"\ufffd\ufffd 日"}'


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_the_hash_survives_the_way_through_json(value):
    assert canonical(json.loads(json.dumps(value))) == canonical(value)


def test_a_trial_measures_and_sends_nothing(assignments, stub):
    assert assignments.trial(NOTEBOOK) == {
        "size": len(canonical(NOTEBOOK)),
        "limit": LIMIT_BYTES,
        "content_sha256": hash_of(NOTEBOOK),
    }
    assert stub.requests == []
    assert refusal(lambda: assignments.trial({"cells": 5})).text["code"] == "no-notebook"


def test_where_a_starter_was_written_is_remembered(assignments, stub):
    stub.answers["GET", "/api/v1/me"] = (200, {"assignments": []})
    assignments.note_fetched(3, "week3-2.ipynb")
    assert assignments.list()["fetched"] == {"3": "week3-2.ipynb"}


@pytest.mark.parametrize(
    "told", [[{"assignment_id": 3, "completed_cells": 2, "total_cells": 5, "cells_progress": []}, {"odd": 1}], {}]
)
def test_progress_is_the_products(assignments, stub, told):
    stub.answers["GET", "/api/v1/progress/student/7"] = (200, {"progress": {"assignments_progress": told}})
    expected = [{"assignment_id": 3, "completed_cells": 2, "total_cells": 5}] if told else []
    assert assignments.progress() == expected


def test_progress_that_is_not_told_is_none(assignments):
    assert assignments.progress() == []


def test_the_panel_hashes_alike():
    for case in json.loads((Path(__file__).parent.parent / "src/__tests__/canonical.json").read_text()):
        assert hash_of(json.loads(case["json"])) == case["sha256"]


def test_a_waiting_device_is_confirmed(assignments, stub):
    waiting = {"id": 9, "device": "laptop", "status": "waiting", "check_number": "42", "is_this": False}
    stub.answers["GET", "/api/v1/me/token"] = (200, {"status": "active", "devices": [waiting]})
    stub.answers["POST", "/api/v1/me/token/confirm"] = lambda value, _headers: (
        (200, {"devices": [{**waiting, "status": "active"}]}) if value == {"id": 9} else (404, {"detail": "?"})
    )
    assert assignments.devices() == [waiting]
    assert assignments.confirm_device(9)[0]["status"] == "active"
    assert refusal(lambda: assignments.confirm_device(8)).text["code"] == "not-connected"
