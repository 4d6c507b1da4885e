"""A hostile client against a real server: it counts through every socket and address as nobody, with a key of class A,
with the token of a student of A and as A's instructor. Class B has a student of whom no byte may arrive, whose work
stays as it is, and whose real JupyterLab goes on.
"""

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
from channels.db import database_sync_to_async
from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.db import transaction
from django.test import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from classroom.attention import help_services
from classroom.questions.models import StuckQuestion
from events.intake import app as intake_app
from events.models import CellExecution, HelpRequest
from events.processing import notifications, pipeline, store
from instructors import tokens
from instructors.models import Instructor
from lms import notices
from lms.access import Scope
from lms.models import (
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    ClassKey,
    EnvironmentSnapshot,
    Notebook,
    NotebookVersion,
    ProgressNotification,
    Room,
    Student,
    StudentClass,
    StudentToken,
)
from lms.versions.commits import commit
from lms.versions.snapshots import Author, Owner, store_snapshot, store_submission
from tests.access_matrix.api import API_ROWS
from tests.access_matrix.pages import PAGE_ROWS
from tests.lms.tokens.conftest import device_of
from tests.realtime.servers import Server, serve

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "kenzaburo@b.example"
# What is said about B, each text in nothing else. What the client says itself it may hear back: not in here.
SECRETS = (
    "Kenzaburo",
    "TeamB",
    "b_secret",
    "BError",
    "b-feedback",
    "b-comment",
    "b-package",
    "b-session",
    "Class-B",
    "b-device",
)
NUMBER = 37  # of the student; others are near by


@dataclass
class School:
    teacher: Instructor
    other: Instructor
    work: AssignmentSubmission
    device: str  # the token of a student of A
    ids: dict[str, object] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)  # of every row there is, and of some that there are not


def fill() -> School:
    made = [Instructor.objects.create(email=f"{name}@school.example", name=name, password="!") for name in ("a", "b")]
    a = Class.objects.create(pk=11, class_code="A", name="Class of A", instructor=made[0])
    b = Class.objects.create(pk=31, class_code="Class-B", name="Class-B", instructor=made[1])
    for class_ref in (a, b):
        digest = hashlib.sha256(f"key-{class_ref.pk}".encode()).hexdigest()
        ClassKey.objects.create(class_ref=class_ref, key_hash=digest)
    mine = Student.objects.create(pk=12, email="mine@a.example", name="Mine")
    ken = Student.objects.create(pk=NUMBER, email=EMAIL, name="Kenzaburo")
    StudentClass.objects.create(student=mine, class_ref=a, name="Mine")
    StudentClass.objects.create(student=ken, class_ref=b, name="Kenzaburo")
    happens(ken, b, made[1])
    notebook = Notebook.objects.get(path="rust/b_secret.ipynb")
    task = ClassAssignment.objects.create(pk=33, class_ref=b, notebook=notebook, title="Work of Class-B")
    content = {"cells": [{"cell_type": "code", "source": "b_secret = 42"}]}
    sha256 = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    work = AssignmentSubmission.objects.create(
        pk=41, assignment=task, student=ken, notebook_content=content, content_sha256=sha256, status="graded", grade=7,
        feedback="b-feedback", submission_comment="b-comment",
    )  # fmt: skip
    notices.announce_grade(work)
    author = Author(author_id=EMAIL, author_name="Kenzaburo")
    owner = Owner(class_id=b.pk)
    with transaction.atomic():
        store_submission(work)
        kept = store_snapshot(notebook.path, content, sha256=sha256, owner=owner, author=author)
        version = commit(kept, branch_name="main", message="b_secret", author=author, now=datetime.now(UTC))
    report = EnvironmentSnapshot.objects.create(
        source="client", student=ken, class_ref=b, packages=[{"name": "b-package", "version": "1"}]
    )
    lab = Room.objects.create(class_ref=b, name="b_secret")
    ids = {
        "python": b.pk, "rust": b.pk, "hanako": ken.pk, "ken": ken.pk, "notebook": notebook.pk, "loops": task.pk,
        "traits": task.pk, "missing": 999_999, "work": work.pk, "someone": made[1].pk, "sato": made[1].pk,
        "admin": made[1].pk, "report": report.snapshot_id, "commit": version.version_id, "kept": kept.snapshot_id,
        "branch": version.branch.branch_id, "map": 1, "class_map": 1, "lab": lab.pk, "ordered": report.snapshot_id,
    }  # fmt: skip
    question = StuckQuestion.objects.create(student=ken, class_ref=b, asked_at=datetime.now(UTC), probability=0.5)
    ids["question"] = question.pk
    _, device = device_of(a, "mine@a.example")
    ids["device"] = device_of(b, EMAIL, name="b-device")[0].pk
    return School(teacher=made[0], other=made[1], work=work, device=device, ids=ids, numbers=numbers())


def numbers() -> list[int]:
    """What a client finds that counts: the number of every row of the product, whatever it is of, and some of none."""
    of_the_product = {"classroom", "events", "instructors", "lms"}
    models = [model for model in apps.get_models() if model._meta.app_label in of_the_product]
    found = {pk for model in models for pk in model._default_manager.values_list("pk", flat=True)}
    return sorted({0, 1, NUMBER - 1, NUMBER + 1} | {pk for pk in found if isinstance(pk, int)})


def happens(student: Student, class_ref: Class, teacher: Instructor) -> None:
    """A run that fails and a call for help, through the class, as a worker stores and tells them; then the teacher ends
    the call."""
    common = {
        "emailAddress": student.email, "userName": "Kenzaburo", "teamName": "TeamB", "sessionId": "b-session",
        "notebookPath": "rust/b_secret.ipynb", "cellId": "b_secret-cell", "eventTime": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    said = {"code": "b_secret = 42", "hasError": True, "errorMessage": "BError: b_secret"}
    records = [{**common, "eventType": "cell_executed", **said}, {**common, "eventType": "help"}]
    events = intake_app.admit_body(json.dumps(records).encode(), class_id=class_ref.pk).events
    with transaction.atomic():
        changes = store.save(events, rule=pipeline.current_rule(), now=datetime.now(UTC))
    notifications.announce_changes([changes])
    help_services.dismiss_help(student, scope=Scope((class_ref.pk,)), by=teacher, request=None, now=datetime.now(UTC))


KEPT = (Student, AssignmentSubmission, CellExecution, HelpRequest, ProgressNotification, ClassAssignment, Cell,
        NotebookVersion, StudentToken)  # fmt: skip


def state_of_b() -> str:
    """All that must stay as it is."""
    rows = {
        Student: Student.objects.filter(pk=NUMBER),
        ClassAssignment: ClassAssignment.objects.filter(class_ref=31),
        Cell: Cell.objects.filter(notebook__path="rust/b_secret.ipynb"),
        NotebookVersion: NotebookVersion.objects.filter(history__class_ref=31),
        ProgressNotification: ProgressNotification.objects.filter(recipient_id=EMAIL),
        StudentToken: StudentToken.objects.filter(class_ref=31),
    }
    found = [rows.get(model, model._default_manager.all()).order_by("pk") for model in KEPT]
    return "\n".join(serializers.serialize("jsonl", each) for each in found)


def leaks(text: str, *, but: tuple[str, ...] = ()) -> list[str]:
    return [secret for secret in SECRETS if secret in text and secret not in but]


CALLERS = {
    "nobody": lambda school: ("", {}),
    "a key of A": lambda school: ("?key=key-11", {"X-Class-Key": "key-11"}),
    "a student of A": lambda school: ("", {"Authorization": f"Student {school.device}"}),
    "an instructor of A": lambda school: (
        f"?token={token(school)}", {"Authorization": f"Bearer {token(school)}", "Cookie": cookie(school)}
    ),
}  # fmt: skip
every_caller = pytest.mark.parametrize("caller", CALLERS)


def token(school: School) -> str:
    return tokens.issue(school.teacher, now=datetime.now(UTC))


def cookie(school: School) -> str:
    client = Client()
    client.force_login(school.teacher)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@pytest.fixture(autouse=True)
def _locked(settings):
    settings.API_REQUIRE_AUTH = settings.EVENTS_REQUIRE_KEY = True


@pytest.fixture(scope="module")
def server(django_db_setup):
    """One for all callers. Its worker is this process."""
    locks = {"API_REQUIRE_AUTH": "1", "EVENTS_REQUIRE_KEY": "1"}
    with serve("uvicorn", RATE_LIMITS="0", LOG_LEVEL="WARNING", DATABASE_POOL="10", **locks) as running:
        yield running


# --- Sockets ----------------------------------------------------------------------------------------------------------

SAYS = [
    {"type": "status_request"}, {"type": "get_progress"}, {"type": "refresh_request"}, {"type": "get_all_progress"},
    {"type": "student_message", "message": "I am the student"},
    {"type": "subscribe", "channel": "broadcast"},
]  # fmt: skip


def addresses(shown: str, numbers: list[int]) -> list[str]:
    """Every socket, under every number and under the student's address."""
    under = [
        f"{path}/{who}" for who in [*numbers, EMAIL]
        for path in ("/api/v1/v1/websocket/ws", "/api/v1/v1/progress/ws/student")
    ]  # fmt: skip
    fixed = ["/ws", "/api/v1/dashboard/ws/dashboard", "/instructor/ws", "/api/v1/progress/ws/instructor"]
    room = "&" if shown else "?"
    rooms = [f"/api/v1/ws/x{shown}{room}room={name}" for name in ("default", EMAIL, f"progress:{NUMBER}", "class.31")]
    return [address + shown for address in [*under, *fixed]] + rooms


async def listen(server: Server, address: str, ready: asyncio.Event, over: asyncio.Event) -> str:
    """Ask for everything, and keep every byte until it is over."""
    who = address.partition("?")[0].rpartition("/")[2]
    more = [{"type": "subscribe", "channel": f"{kind}:{each}"} for kind in ("progress", "notifications")
            for each in dict.fromkeys((who, NUMBER))]  # fmt: skip
    more += [
        {"type": "get_student_detail", "user_id": NUMBER},
        {"type": "join_room", "room": f"notifications:{NUMBER}"},
    ]
    more += [{"type": "instructor_reply", "student_id": NUMBER, "message": "psst"}]
    heard: list[str] = []
    try:
        async with connect(server.url(address), open_timeout=60) as socket:
            for frame in [*SAYS, *more]:
                await socket.send(json.dumps(frame))
            ready.set()
            while True:
                take = asyncio.create_task(socket.recv())
                await asyncio.wait([take, asyncio.create_task(over.wait())], return_when=asyncio.FIRST_COMPLETED)
                if not take.done():
                    take.cancel()
                    break
                heard.append(str(take.result()))
    except InvalidStatus as refused:
        heard.append(f"{refused.response.status_code} {refused.response.body!r}")
    except ConnectionClosed:
        heard.append("closed")
    finally:
        ready.set()
    return "\n".join(heard)


@every_caller
async def test_sockets_say_nothing_of_another_class(redis, server, caller):
    school = await database_sync_to_async(fill)()
    shown, _ = await database_sync_to_async(CALLERS[caller])(school)
    over, asked = asyncio.Event(), addresses(shown, school.numbers)
    readies = [asyncio.Event() for _ in asked]
    by_key = f"/api/v1/ws/{EMAIL}?key=key-31"
    async with connect(server.url(by_key)) as real, connect(server.url(f"/instructor/ws?token={theirs(school)}")) as w3:
        tasks = [
            asyncio.create_task(listen(server, address, ready, over))
            for address, ready in zip(asked, readies, strict=True)
        ]
        async with asyncio.timeout(120):
            await asyncio.gather(*(ready.wait() for ready in readies))
        await asyncio.sleep(1)
        await database_sync_to_async(again)(school)
        await asyncio.sleep(2)
        over.set()
        found = dict(zip(asked, await asyncio.gather(*tasks), strict=True))
        assert {address: leaks(text) for address, text in found.items() if leaks(text)} == {}
        numbers = {address: text for address, text in found.items() if EMAIL not in address}
        assert [address for address, text in numbers.items() if EMAIL in text] == []
        # The student's JupyterLab was not thrown off, and nobody wrote in the student's name.
        await real.send(json.dumps({"type": "ping"}))
        frames = [json.loads(await asyncio.wait_for(real.recv(), 10)) for _ in range(3)]
        assert [frame["type"] for frame in frames] == ["connection_established", "dismiss_help", "pong"]
        heard = [json.loads(await asyncio.wait_for(w3.recv(), 10))["type"] for _ in range(2)]
        assert "student_message_received" not in heard


def theirs(school: School) -> str:
    return tokens.issue(school.other, now=datetime.now(UTC))


def again(school: School) -> None:
    student = Student.objects.get(pk=NUMBER)
    happens(student, Class.objects.get(pk=31), school.other)
    AssignmentSubmission.objects.filter(pk=41).update(feedback="b-feedback 2")
    notices.announce_grade(AssignmentSubmission.objects.get(pk=41))


# --- Addresses --------------------------------------------------------------------------------------------------------


def requests(ids: dict[str, object], numbers: list[int]) -> list[tuple[str, str, object]]:
    """Every row of the walk with B's ids, and what takes a number once more with each that there is."""
    found = []
    for method, path, body, _ in [*API_ROWS, *PAGE_ROWS]:
        address = path[1:] if path.startswith("~") else f"/api/v1{path}"
        address = address.replace("hanako@example.com", EMAIL).replace("lesson/loops", "rust/b_secret")
        if (
            (method, path) == ("DELETE", "/me/token")
            or "logout" in address
            or "/offline/clear" in address
            or "/auth/password" in address
        ):
            continue  # of the caller's own
        found.append((method, re.sub(r"\{(\w+)\}", lambda place: str(ids[place[1]]), address), filled(body, ids)))
        if method == "GET" and path.count("{") == 1 and not path.startswith("~"):
            found += [(method, re.sub(r"\{\w+\}", str(number), address), None) for number in numbers]
    for query in (f"student_id={NUMBER}", f"email={EMAIL}", "assignment_id=33", "class_id=31", "team=TeamB"):
        found += [("GET", f"/api/v1/{name}?{query}", None) for name in ("submissions", "students", "assignments")]
    found += [("GET", f"/api/v1/me?email={EMAIL}", None), ("GET", "/api/v1/health", None)]
    return found


def filled(value, ids):
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    alone = re.fullmatch(r"\{(\w+)\}", value) if isinstance(value, str) else None
    found = ids[alone[1]] if alone else value
    return EMAIL if found == "hanako@example.com" else found if isinstance(found, int | None) else str(found)


# What a teacher sees of another's class by design: paths of notebooks are course material (lms.access.notebooks_of).
COURSE_MATERIAL = {"/api/v1/notebooks": ("b_secret",)}
# A student's own side writes for any address there is: that is no look at anybody (docs/security.md).
WRITES = ("/events", "/cell-monitor", "/student-progress", "/offline/queue", "/environment/snapshot", "/test/events")


@every_caller
async def test_addresses_say_nothing_of_another_class_and_change_nothing_there(redis, server, caller):
    school = await database_sync_to_async(fill)()
    _, headers = await database_sync_to_async(CALLERS[caller])(school)
    before = await database_sync_to_async(state_of_b)()
    assert {"Kenzaburo", "b_secret", "BError", "b-feedback", "b-comment"} <= set(leaks(before))  # there to be found
    found: dict[str, list[str]] = {}
    base = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
        for method, address, body in requests(school.ids, school.numbers):
            if any(part in address for part in WRITES):
                continue
            answer = await client.request(method, address, json=body) if body is not None else await client.request(
                method, address
            )  # fmt: skip
            assert answer.status_code < 500, (method, address, answer.text)
            text = answer.text + str(answer.headers)
            told = leaks(text, but=COURSE_MATERIAL.get(address, ()))
            sent = json.dumps(body) + address
            told = [secret for secret in told if secret not in sent]
            if told or (EMAIL in text and EMAIL not in sent):
                found[f"{method} {address} {answer.status_code}"] = told or [EMAIL]
    assert found == {}
    assert await database_sync_to_async(state_of_b)() == before
