"""A student's device with the product as it really runs: two web processes, a worker, and a restart."""

import json
import threading
import time

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from operations.local import programs
from operations.local.embedded_valkey import free_port
from tests.events.conftest import event
from tests.live import LiveSystem
from tests.servers import wait_until

SEED = """
import json
from datetime import UTC, datetime
from instructors import tokens
from instructors.models import Instructor
from lms.class_keys import create_key
from lms.models import Class
ito = Instructor.objects.create_user("ito@example.com", "violet-tram-40-bees", name="Ms Ito")
made = Class.objects.create(class_code="PY", name="Python", instructor=ito)
print(json.dumps({"key": create_key(made)[1], "bearer": tokens.issue(ito, now=datetime.now(UTC))}))
"""


@pytest.fixture(scope="module")
def system(start_live_system):
    made = start_live_system(workers=1)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def second(system) -> str:
    """The address of another web process of the same copy."""
    port = free_port()
    running = system._running(programs.web(host="127.0.0.1", port=port))
    running.start()
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: _answers(url), seconds=60, what=url)
    yield url
    running.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/health/live", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def device(url: str, headers: dict[str, str], since: str = "") -> ClientConnection:
    return connect(f"{url.replace('http', 'ws', 1)}/api/v1/ws/me?since={since}", additional_headers=headers)


def next_of(socket: ClientConnection, kind: str) -> dict:
    while (frame := json.loads(socket.recv(timeout=60)))["type"] != kind:
        pass
    return frame


def kinds_until_silence(socket: ClientConnection) -> list[str]:
    found: list[str] = []
    try:
        while True:
            found.append(json.loads(socket.recv(timeout=1))["type"])
    except TimeoutError:
        return found


class Poll(threading.Thread):
    """One long poll; `answer` once it ended."""

    def __init__(self, url: str, headers: dict[str, str], since: str) -> None:
        super().__init__()
        self.ask = f"{url}/api/v1/me/inbox?wait=25&since={since}", headers
        self.answer: dict | None = None
        self.start()

    def run(self) -> None:
        address, headers = self.ask
        response = httpx.get(address, headers=headers, timeout=40)
        assert response.status_code == 200
        self.answer = response.json()


def test_a_lesson_with_a_restart(system: LiveSystem, second: str):
    seed = json.loads(system.manage("shell", "--no-imports", "-v0", "-c", SEED).strip().splitlines()[-1])
    join = {"userId": "hanako@example.com", "userName": "Hanako"}
    claimed = httpx.post(f"{system.url}/api/v1/me/token", json=join, headers={"X-Class-Key": seed["key"]}, timeout=30)
    headers = {"Authorization": f"Student {claimed.json()['token']}"}
    student = claimed.json()["student"]["id"]
    inbox = httpx.get(f"{second}/api/v1/me/inbox", headers=headers, timeout=30).json()
    with connect(f"{second.replace('http', 'ws', 1)}/instructor/ws?token={seed['bearer']}") as teacher:

        def write(text: str) -> None:
            teacher.send(json.dumps({"type": "instructor_reply", "student_id": student, "message": text}))
            next_of(teacher, "reply_sent")

        with device(system.url, headers) as first, device(second, headers) as other:
            for socket in (first, other):
                assert next_of(socket, "help_status")["data"]["state"] == "off"
            poll = Poll(second, headers, inbox["next"])
            asked = httpx.post(f"{system.url}/api/v1/events", json=[event("help")], headers=headers, timeout=30)
            assert asked.status_code == 202
            for socket in (first, other):
                told = next_of(socket, "help_status")["data"]
                assert (told["state"], told["place"], told["of"]) == ("asked", 1, 1)
            poll.join(60)
            assert poll.answer["help"]["state"] == "asked"
            write("one")
            heard = [next_of(socket, "instructor_message") for socket in (first, other)]
            assert {frame["data"]["message"] for frame in heard} == {"one"}

            waits = Poll(system.url, headers, poll.answer["next"])  # told "one" at once
            waits.join(60)
            assert [each["message"] for each in waits.answer["messages"]] == ["one"]
            waits = Poll(system.url, headers, waits.answer["next"])
            time.sleep(1)  # until it waits
            system.web.stop()
            waits.join(60)
            assert waits.answer["messages"] == []  # ended by the stop, with an answer
            for _ in first:  # up to the close
                pass
            assert first.close_code == 1001
        write("two")
        system.web.start()
        system.wait_until_answers()
        write("three")
        with device(system.url, headers, since=heard[0]["next"]) as again:
            missed = [next_of(again, "instructor_message")["data"]["message"] for _ in range(2)]
            assert missed == ["two", "three"]
            assert "instructor_message" not in kinds_until_silence(again)
