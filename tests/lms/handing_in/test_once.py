"""One hand-in that is sent twice is one: `Idempotency-Key`, docs/contract/http.md section 5."""

import threading

import pytest
from django.db import connection

from instructors.models import AuditLog
from lms.models import AssignmentSubmission, ClassAssignment, NotebookSnapshot
from tests.lms.conftest import key_of, make_cast, problem, the_problem
from tests.lms.test_contract_submissions import NOTEBOOK

pytestmark = pytest.mark.usefixtures("redis")

KEY = "1f0c7c2e-6a1f-4f0e-9a35-2f1f2b7f9a10"


@pytest.fixture
def hand_in(api, cast):
    def post(idempotency_key=KEY, *, key="", user=None, **fields):
        body = {"assignment_id": cast.loops.pk, "student_id": cast.hanako.pk, "notebook_content": NOTEBOOK, **fields}
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return api("POST", "/submissions", body, key=key, user=user, **headers)

    return post


def test_sent_again_it_has_the_first_answer_and_stores_nothing(hand_in):
    first, again = hand_in(), hand_in()
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.json()["attempt"] == 1
    assert {"content_sha256", "attempt", "submitted_at"} <= first.json().keys(), "the receipt"
    assert (AssignmentSubmission.objects.count(), NotebookSnapshot.objects.count()) == (1, 1)


def test_audit_log_has_it_once(hand_in, cast, locked):
    hand_in(user=cast.sato)
    hand_in(user=cast.sato)
    assert list(AuditLog.objects.values_list("action", flat=True)) == ["submission_create"]


def test_grade_is_told_once(hand_in, monkeypatch):
    told = []
    monkeypatch.setattr("lms.grading.announce_grade", told.append)
    hand_in(grade=5)
    hand_in(grade=5)
    assert len(told) == 1


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_each_is_an_attempt(hand_in, key):
    assert [hand_in(key).json()["attempt"] for _ in range(2)] == [1, 2]


def test_another_key_is_another_attempt(hand_in):
    assert [hand_in(key).json()["attempt"] for key in ("a", "b", "a")] == [1, 2, 1]


def test_key_is_of_one_student_and_one_assignment(hand_in, cast):
    first = hand_in().json()
    for other in ({"student_id": cast.ken.pk}, {"assignment_id": cast.traits.pk}):
        assert hand_in(**other).json()["id"] != first["id"]
    assert AssignmentSubmission.objects.count() == 3


@pytest.mark.parametrize(
    "changed",
    [{"notebook_content": None}, {"notebook_content": {**NOTEBOOK, "cells": []}}, {"submission_comment": "!"}],
)
def test_key_of_other_work_is_refused(hand_in, changed):
    hand_in()
    refused = hand_in(**changed)
    assert refused.status_code == 409
    assert refused.json() == {"detail": "This Idempotency-Key was used for another hand-in; send a new one"}
    assert AssignmentSubmission.objects.count() == 1


@pytest.mark.parametrize("key", ["x" * 65, "a b", "é"])
def test_key_that_is_no_key(hand_in, key):
    assert the_problem(hand_in(key)) == problem(["header", "Idempotency-Key"], "string_pattern_mismatch")
    assert not AssignmentSubmission.objects.exists()


@pytest.mark.parametrize("key", ["x" * 64, "!~"])
def test_key_of_any_visible_ascii(hand_in, key):
    assert hand_in(key).status_code == 201


def test_answer_to_a_class_key_shows_no_grade(hand_in, cast, locked):
    """A classmate has the same class key: what was sent is all that is told."""
    key = key_of(cast.python, "key")
    first = hand_in(key=key).json()
    AssignmentSubmission.objects.update(grade=3, feedback="See me", status="graded")
    assert hand_in(key=key).json() == first
    assert AssignmentSubmission.objects.get().grade == 3
    assert hand_in(user=cast.sato).json()["grade"] == 3, "who grades it may read it"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one():
    cast, found = make_cast(), []
    body = {"assignment_id": cast.loops.pk, "student_id": cast.hanako.pk, "notebook_content": NOTEBOOK}
    barrier = threading.Barrier(4)

    def post():
        from django.test import Client

        barrier.wait()
        answer = Client().post(
            "/api/v1/submissions", body, content_type="application/json", headers={"Idempotency-Key": KEY}
        )
        found.append((answer.status_code, answer.json()["id"]))
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(201, AssignmentSubmission.objects.get().pk)] * 4


def test_a_hand_in_that_is_moved_gives_its_key_back(hand_in, api, cast):
    other = ClassAssignment.objects.create(class_ref=cast.python, title="Other", notebook=cast.notebook)
    first = hand_in().json()["id"]
    hand_in(assignment_id=other.pk)
    answer = api("PUT", f"/submissions/{first}", {"assignment_id": other.pk})
    assert answer.status_code == 200, answer.content
    assert AssignmentSubmission.objects.get(pk=first).idempotency_key is None


def test_sent_again_after_an_instructor_changed_it_has_the_first_receipt(hand_in, api):
    first = hand_in(submission_comment="Mine").json()
    changes = {"notebook_content": {**NOTEBOOK, "cells": []}}
    assert api("PUT", f"/submissions/{first['id']}", changes).json()["content_sha256"] != first["content_sha256"]
    again = hand_in(submission_comment="Mine")
    assert again.status_code == 201, again.content
    receipt = {"id", "attempt", "submitted_at", "content_sha256", "submission_comment"}
    assert {name: again.json()[name] for name in receipt} == {name: first[name] for name in receipt}
    assert AssignmentSubmission.objects.get().notebook_content["cells"] == []
    assert hand_in(submission_comment="Mine", **changes).status_code == 409


def test_keys_of_before_what_came_with_them_was_kept_are_judged_by_what_is_stored(hand_in):
    first = hand_in(submission_comment="Mine").json()
    AssignmentSubmission.objects.update(sent_with_key=None)
    assert hand_in(submission_comment="Mine").json() == first
    assert hand_in(submission_comment="Other").status_code == 409
