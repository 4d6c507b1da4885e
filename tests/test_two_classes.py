"""A student of two classes: what each teacher sees of her is what came through their own class, at every address.

Hanako works in the Python class. Then somebody with a key of the Rust class sends one event that names her, under
another name and in another team: she is enrolled there, and the Rust teacher sees that event and nothing else.
"""

import json
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.contrib.messages import get_messages
from django.test import Client

from classroom.base.classrooms import classroom_of_class
from classroom.cells.map_options import MapOptions
from classroom.cells.selectors import cell_map, members_of
from classroom.errors.models import Hint, HintRecipient
from classroom.errors.selectors import hints_about
from classroom.students.models import StudentNote
from events.models import CellExecution, HelpRequest
from events.processing import help_requests
from instructors import tokens
from lms.access import Scope
from lms.models import (
    AssignmentSubmission,
    Cell,
    ClassStudent,
    EnvironmentSnapshot,
    Notebook,
    ProgressNotification,
    Session,
    StudentActivity,
    StudentClass,
)
from lms.versions.snapshots import store_submission
from realtime import groups
from tests.events.conftest import Clock, EventPipeline, event
from tests.lms.conftest import api, cast  # noqa: F401  (fixtures)
from tests.test_access_matrix import API, WALK

SECRETS = (
    "secret-code", "secret-output", "secret-error", "secret-name", "secret-team", "secret-notebook", "secret-session",
    "secret-environment", "secret-feedback", "secret-memo", "secret-notice", "secret-hint", "secret-alarm",
)  # fmt: skip
HANDED_IN = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "raw", "source": "x"}]}
READS = [path for method, path, _, _ in WALK if method == "GET" and "admin" not in path]


@pytest.fixture(params=[True, False], ids=["keys are required", "keys are not required"])
def event_pipeline(redis, db, settings, request):
    settings.EVENTS_REQUIRE_KEY = request.param
    settings.API_REQUIRE_AUTH, settings.RATE_LIMITS = True, False
    made = EventPipeline()
    yield made
    made.redis.close()


def of_python(kind: str = "cell_executed", **fields):
    said = {
        "userName": "secret-name", "teamName": "secret-team", "notebookPath": "secret-notebook.ipynb",
        "sessionId": "secret-session", "emailAddress": "hanako@example.com",
    }  # fmt: skip
    if kind == "cell_executed":
        said |= {"code": "secret-code", "result": "secret-output", "hasError": True, "errorMessage": "secret-error: x"}
    return event(kind, **{**said, **fields})


def of_rust(kind: str = "notebook_opened", **fields):
    said = {
        "userName": "Rust name", "teamName": "Rust team", "notebookPath": "rust.ipynb", "sessionId": "rust-session",
        "emailAddress": "ＨＡＮＡＫＯ@example.com",
    }  # fmt: skip
    return event(kind, **{**said, **fields})


@pytest.fixture
def hanako(event_pipeline, cast):  # noqa: F811
    """After a lesson of the Python class, and one event through the Rust class."""
    now = datetime.now(UTC)
    runs = [of_python(eventTime=(now - timedelta(seconds=60 - n)).isoformat()) for n in range(5)]
    others = [of_python("help"), of_python("notebook_opened"), of_python("error_occurred", errorMessage="secret-alarm")]
    event_pipeline.post(*runs, *others, class_id=cast.python.pk)
    for run in runs:  # Ken fails likewise, so that the error is a shared one there
        del run["eventId"]
    StudentClass.objects.create(student=cast.ken, class_ref=cast.python, name="Ken of Python")
    event_pipeline.post(*({**run, "emailAddress": "ken@example.com"} for run in runs), class_id=cast.python.pk)
    kept = {"python_env": {"python_version": "3.12"}, "reported": {"host": "secret-environment"}}
    environment = EnvironmentSnapshot.objects.create(
        source="client", student=cast.hanako, class_ref=cast.python, versions={"secret-environment": "1"}, **kept
    )
    work = AssignmentSubmission.objects.create(
        assignment=cast.loops, student=cast.hanako, feedback="secret-feedback", grade=3, status="graded"
    )
    AssignmentSubmission.objects.filter(pk=work.pk).update(notebook_content=HANDED_IN, content_sha256="0" * 64)
    StudentNote.objects.create(student=cast.hanako, class_ref=cast.python, author=cast.sato, text="secret-memo")
    cell = CellExecution.objects.filter(student=cast.hanako).first().cell
    hint = Hint.objects.create(
        nonce=environment.snapshot_id, class_ref=cast.python, notebook=cell.notebook, cell=cell, fingerprint="0" * 16,
        text="secret-hint", sent_by=cast.sato,
    )  # fmt: skip
    HintRecipient.objects.create(hint=hint, student=cast.hanako)
    ProgressNotification.objects.create(
        notification_id=environment.snapshot_id, recipient_id=cast.hanako.email, class_id=cast.python.pk,
        title="secret-notice", message="secret-notice",
    )  # fmt: skip
    event_pipeline.post(of_rust(), class_id=cast.rust.pk)
    snapshot = store_submission(AssignmentSubmission.objects.get(pk=work.pk))  # after the other class named them
    return {
        **cast.ids(), "work": work.pk, "report": str(environment.snapshot_id), "python": cast.rust.pk,
        "loops": cast.traits.pk, "notebook": cell.notebook_id, "kept": snapshot.snapshot_id,
        "handed_in": cast.loops.notebook_id,
    }  # fmt: skip


def everything_read_by(account, ids) -> dict[str, str]:
    """All that every address answers to a GET, by address."""
    client, found = Client(raise_request_exception=False), {}
    client.force_login(account)
    token = {"Authorization": f"Bearer {tokens.issue(account, now=datetime.now(UTC))}"}
    paths = {*READS, "~/classes/{python}/students/{hanako}/?part=runs", "/students?email=hanako@example.com"}
    paths |= {f"~/classes/{{python}}/students/{{hanako}}/?part={part}" for part in ("notes", "help", "work")}
    paths |= {"~/classes/{python}/notebooks/{handed_in}/"}
    paths |= {"/submissions?email=hanako@example.com", "/analytics/progress?email=hanako@example.com"}
    for path in sorted(paths):
        address = path[1:] if path.startswith("~") else API + path
        address = re.sub(r"\{(\w+)\}", lambda place: str(ids.get(place[1], 999_999)), address)
        answer = client.get(address, headers=token)
        assert answer.status_code < 500, address
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        found[address] = content.decode(errors="replace")
    return found


def test_a_teacher_sees_what_came_through_their_class(cast, hanako):  # noqa: F811
    told = everything_read_by(cast.suzuki, hanako)
    leaks = [(address, secret) for address, text in told.items() for secret in SECRETS if secret in text]
    assert leaks == [], "\n".join(map(str, leaks))
    assert any("Rust name" in text for text in told.values())
    assert any("rust.ipynb" in text for text in told.values())


def test_the_other_teacher_still_sees_all_of_it_under_the_name_of_their_class(cast, hanako):  # noqa: F811
    told = everything_read_by(cast.sato, {**hanako, "python": cast.python.pk, "loops": cast.loops.pk})
    missing = [secret for secret in SECRETS if not any(secret in text for text in told.values())]
    assert missing == ["secret-alarm"], "it is told live only"
    leaks = {
        address: text[max(0, text.index("Rust") - 90) :][:130]
        for address, text in told.items()
        if "Rust" in text.replace("RS-101", "")
    }
    assert leaks == {}


def test_an_admin_sees_the_sum(cast, hanako):  # noqa: F811
    overview = json.loads(everything_read_by(cast.admin, hanako)["/api/v1/dashboard/overview"])
    (row,) = [row for row in overview["students"] if row["emailAddress"] == "hanako@example.com"]
    assert (row["userName"], row["currentNotebook"], row["cellExecutions"]) == ("Rust name", "rust.ipynb", 5)


def seen_in(class_ref, event_pipeline, settings) -> ClassStudent:
    return ClassStudent.objects.get(class_id=class_ref.pk, email="hanako@example.com",
                                    with_keyless=not settings.EVENTS_REQUIRE_KEY)  # fmt: skip


def test_each_class_has_its_own_state(cast, hanako, event_pipeline, settings):  # noqa: F811
    python, rust = seen_in(cast.python, event_pipeline, settings), seen_in(cast.rust, event_pipeline, settings)
    assert (python.execution_count, python.error_count, python.is_requesting_help) == (5, 5, True)
    assert (rust.execution_count, rust.error_count, rust.is_requesting_help) == (0, 0, False)
    assert (python.team.team_name, rust.team.team_name) == ("secret-team", "Rust team")
    assert {s.class_id for s in Session.objects.filter(student=cast.hanako)} == {cast.python.pk, cast.rust.pk}


def test_help_is_asked_and_ended_in_its_own_class(cast, hanako, event_pipeline):  # noqa: F811
    event_pipeline.post(of_rust("help"), class_id=cast.rust.pk)
    asking = HelpRequest.objects.filter(ended_at=None, student=cast.hanako)
    assert {help_request.class_id for help_request in asking} == {cast.python.pk, cast.rust.pk}
    only_rust = Scope((cast.rust.pk,))
    now = datetime.now(UTC)
    help_requests.end_by_instructor(cast.hanako.pk, scope=only_rust, ending="resolved", instructor_id=None, now=now)
    assert [help_request.class_id for help_request in asking.all()] == [cast.python.pk]
    cast.hanako.refresh_from_db()
    assert cast.hanako.is_requesting_help, "she still asks in the Python class"
    client = Client()
    client.post(
        f"{API}/dashboard/students/hanako@example.com/dismiss-help",
        headers={"Authorization": f"Bearer {tokens.issue(cast.suzuki, now=now)}"},
    )
    assert [help_request.class_id for help_request in asking.all()] == [cast.python.pk]


def test_errors_in_a_row_are_counted_in_each_class(cast, hanako, event_pipeline):  # noqa: F811
    same = {"notebookPath": "secret-notebook.ipynb", "sessionId": "rust-session"}
    event_pipeline.post(
        of_rust("cell_executed", **same, hasError=True, errorMessage="E: e", code="c", result="r"),
        class_id=cast.rust.pk,
    )
    count = CellExecution.objects.get(class_id=cast.rust.pk).consecutive_error_count
    assert count == 1, "the five of the Python class are not this class's"
    client = Client()
    client.post(
        f"{API}/dashboard/students/hanako@example.com/resolve-error",
        headers={"Authorization": f"Bearer {tokens.issue(cast.suzuki, now=datetime.now(UTC))}"},
    )
    assert CellExecution.objects.filter(class_id=cast.python.pk, is_significant_error=True).exists()


def test_what_came_without_a_key_is_seen_where_no_keys_are_asked_for(cast, event_pipeline, settings):  # noqa: F811
    clock = Clock()
    event_pipeline.post(of_python(eventTime=clock(0)))
    seen = seen_in(cast.python, event_pipeline, settings)
    if settings.EVENTS_REQUIRE_KEY:
        assert (seen.execution_count, seen.name) == (0, "Hanako")
    else:
        assert (seen.execution_count, seen.name) == (1, "secret-name")
    assert StudentActivity.objects.get(student=cast.hanako, class_id=0).execution_count == 1
    client = Client()
    client.force_login(cast.sato)
    page = client.get(f"/classes/{cast.python.pk}/students/{cast.hanako.pk}/").content.decode()
    assert ("secret-code" in page) is not settings.EVENTS_REQUIRE_KEY


@pytest.fixture
def frames(monkeypatch):
    from events.processing import notifications

    heard: dict[str, list] = {}

    def publish(rows, notices, *, outside):
        for group, changed in rows.items():
            heard.setdefault(group, []).extend(changed)
        for group, frame in notices:
            heard.setdefault(group, []).append(msgspec.to_builtins(frame))

    monkeypatch.setattr(notifications.broadcast, "publish", publish)
    return heard


def test_dashboards_of_a_class_hear_of_their_class(cast, hanako, event_pipeline, frames):  # noqa: F811
    event_pipeline.post(of_python("help_stop"), of_python(), class_id=cast.python.pk)
    assert f"class.{cast.rust.pk}" not in frames
    python = frames[f"class.{cast.python.pk}"]
    assert {row["userName"] for row in python if "userName" in row} == {"secret-name"}
    event_pipeline.post(of_rust(), class_id=cast.rust.pk)
    (row,) = frames[f"class.{cast.rust.pk}"]
    assert (row["userName"], row["cellExecutions"], row["isRequestingHelp"]) == ("Rust name", 0, False)


def test_what_a_teacher_guesses_of_an_environment_says_nothing(cast, hanako, event_pipeline):  # noqa: F811
    """The answer to a report names what changed since the one before: since that of the other class, it would tell."""
    answer = Client().post(
        f"{API}/environment/snapshot",
        {"student_email": "hanako@example.com", "environment": {"packages": {}}},
        content_type="application/json",
        headers={"Authorization": f"Bearer {tokens.issue(cast.suzuki, now=datetime.now(UTC))}"},
    )
    assert answer.status_code == 201, answer.content
    assert "secret-environment" not in answer.content.decode()


def test_a_cell_of_the_other_class_is_none(cast, hanako):  # noqa: F811
    client, cell = Client(), Hint.objects.get().cell_id
    for account, class_ref, status in ((cast.sato, cast.python, 200), (cast.suzuki, cast.rust, 404)):
        client.force_login(account)
        address = f"/classes/{class_ref.pk}/cells/errors/{cell}/{'0' * 16}/"
        assert client.get(address).status_code == status
        assert client.post(f"{address}hint/", {"text": "", "nonce": ""}).status_code == (422 if status == 200 else 404)


def test_whoever_takes_her_out_reads_her_name_there(cast, hanako, event_pipeline):  # noqa: F811
    event_pipeline.post(of_python("notebook_opened"), class_id=cast.python.pk)  # called so last
    client = Client()
    client.force_login(cast.suzuki)
    answer = client.post(f"/classes/{cast.rust.pk}/setup/students/{cast.hanako.pk}/remove/")
    (said,) = get_messages(answer.wsgi_request)
    assert str(said).startswith("Rust name is no longer in the class")


def test_a_hint_helped_who_got_it_right_in_its_class(cast, hanako, event_pipeline):  # noqa: F811
    hint = Hint.objects.get()
    when = (hint.sent_at + timedelta(seconds=1)).isoformat()
    right = {"code": "x", "hasError": False, "errorMessage": None, "notebookPath": "secret-notebook.ipynb"}
    run = of_python(eventTime=when, **right)
    event_pipeline.post({**run, "userName": "Rust name"}, class_id=cast.rust.pk)
    classroom = classroom_of_class(user=cast.sato, class_id=cast.python.pk)
    (sent,) = hints_about(classroom, [(hint.cell_id, hint.fingerprint)], viewer=cast.sato)
    assert (sent.recipients, sent.helped) == (1, 0)
    del run["eventId"]
    event_pipeline.post(run, class_id=cast.python.pk)
    (sent,) = hints_about(classroom, [(hint.cell_id, hint.fingerprint)], viewer=cast.sato)
    assert sent.helped == 1


def test_a_dismissal_is_told_where_it_was_dismissed(cast, hanako, monkeypatch):  # noqa: F811
    told: list[str] = []

    def publish(rows, notices, *, outside):
        told.extend(name for name, _ in notices)

    monkeypatch.setattr("realtime.broadcast.publish", publish)
    Client().post(
        f"{API}/dashboard/students/hanako@example.com/dismiss-help",
        headers={"Authorization": f"Bearer {tokens.issue(cast.suzuki, now=datetime.now(UTC))}"},
    )
    through = groups.student_groups("client", student_id=cast.hanako.pk, email="", class_ids=[cast.python.pk])
    plain = groups.student_groups("client", student_id=cast.hanako.pk, email="")
    assert told
    assert not ({*through} - {*plain}) & {*told}


def test_cells_that_only_the_other_class_has_are_no_work_of_this_one(cast, hanako, event_pipeline):  # noqa: F811
    work = {"notebookPath": cast.traits.notebook.path, "userName": "Rust name"}
    event_pipeline.post(of_rust("cell_executed", cellId="ours", **work), class_id=cast.rust.pk)
    event_pipeline.post(of_python(**{**work, "cellId": "theirs"}), class_id=cast.python.pk)
    token = {"Authorization": f"Bearer {tokens.issue(cast.suzuki, now=datetime.now(UTC))}"}
    address = f"{API}/progress/assignment/hanako@example.com/{cast.traits.pk}"
    answer = Client().get(address, headers=token)
    assert answer.status_code == 200, answer.content
    said = answer.json()["progress"]
    assert [cell["cell_id"] for cell in said["cells_progress"]] == ["ours"]
    assert (said["total_cells"], said["overall_status"]) == (1, "completed")


def test_when_a_notebook_was_saved_is_said_of_saves_through_the_viewer_s_classes(cast, event_pipeline, api, settings):  # noqa: F811
    """Two classes share the path of an assignment; and one guesses the path of a notebook of the other."""
    clock = Clock()
    at = {"notebookPath": cast.notebook.path}
    event_pipeline.post(of_rust("notebook_saved", **at, eventTime=clock(0)), class_id=cast.rust.pk)
    event_pipeline.post(of_python("notebook_saved", **at, eventTime=clock(60)), class_id=cast.python.pk)
    event_pipeline.post(of_python("notebook_saved", notebookPath="guessed.ipynb"), class_id=cast.python.pk)
    event_pipeline.post(of_python("notebook_saved", notebookPath="keyless.ipynb", eventTime=clock(90)))

    def said(user):
        rows = api("GET", "/notebooks", user=user).json()
        return {row["path"]: row["last_modified"] and datetime.fromisoformat(row["last_modified"]) for row in rows}

    assert said(cast.suzuki)[cast.notebook.path] == clock.at(0)
    assert said(cast.sato)[cast.notebook.path] == clock.at(60)
    assert said(cast.admin)[cast.notebook.path] == clock.at(60)
    assert said(cast.sato).get("keyless.ipynb") == (None if settings.EVENTS_REQUIRE_KEY else clock.at(90))
    made = api("POST", "/notebooks", {"path": "guessed.ipynb"}, user=cast.suzuki)
    assert (made.status_code, made.json()["last_modified"]) == (201, None)
    new = api("POST", "/notebooks", {"path": "new.ipynb"}, user=cast.suzuki)
    assert (new.status_code, new.json().keys()) == (201, made.json().keys())


def test_the_order_and_kind_of_cells_on_the_map_are_those_of_the_class(cast, event_pipeline):  # noqa: F811
    """Both classes have a file of one path with the same cells. In the Python class somebody has turned them round, and
    called one of them a text."""
    at = {"notebookPath": "shared.ipynb", "code": "x", "hasError": False, "errorMessage": None, "userName": "Hanako"}

    def seen(user, class_ref) -> list[tuple[str, str]]:
        classroom = classroom_of_class(user=user, class_id=class_ref.pk)
        members, notebook = members_of(classroom, now=datetime.now(UTC)), Notebook.objects.get(path="shared.ipynb")
        columns = cell_map(classroom, members, notebook=notebook, choice=MapOptions()).columns
        ids = dict(Cell.objects.values_list("pk", "cell_id"))
        return [(ids[column.cell_id], column.number) for column in columns]

    for place, cell in enumerate(("a", "b", "c")):
        event_pipeline.post(
            of_rust("cell_executed", cellId=cell, cellIndex=place, result="r", **at), class_id=cast.rust.pk
        )
    for place, cell in enumerate(("c", "b", "a")):
        kind = {"cellType": "markdown"} if cell == "a" else {}
        more = {"cellId": cell, "cellIndex": place, "executionCount": 1, **kind}
        event_pipeline.post(of_python(**{**at, **more}), class_id=cast.python.pk)
    assert seen(cast.suzuki, cast.rust) == [("a", "1"), ("b", "2"), ("c", "3")]
    assert seen(cast.sato, cast.python) == [("c", "1"), ("b", "2")]
    event_pipeline.post(of_rust("cell_executed", cellId="b", cellIndex=7, result="r", **at), class_id=cast.rust.pk)
    assert seen(cast.suzuki, cast.rust) == [("a", "1"), ("c", "3"), ("b", "8")], "its own newest run moves a cell"
    CellExecution.objects.all().delete()
    assert len(seen(cast.suzuki, cast.rust)) == 2, "runs are kept for a while: then the shared row says what it knows"
