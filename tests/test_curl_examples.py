"""The command of every call in the OpenAPI document, pasted into a shell as somebody does who is logged in as admin."""

import io
import os
import re
import subprocess

import httpx
import pytest
from PIL import Image

from tests.live import LiveSystem

EMAIL, PASSWORD = "reader@example.com", "a long enough sentence 42"
TOKENS = """
from datetime import UTC, datetime
from instructors import tokens
from instructors.models import Instructor
me = Instructor.objects.get(email="reader@example.com")
print(*(tokens.issue(me, now=datetime.now(UTC)) for _ in range({number})))
"""
# Those that end what the others need come later, in this order.
LATER = (
    "delete /api/v1/me/token", "put /api/v1/classes/", "delete ", "put /api/v1/instructors/",
    "put /api/v1/auth/password", "post /api/v1/auth/logout",
)  # fmt: skip
# What an example cannot know.
EXPECTED = {
    "post /api/v1/auth/login": {401},
    "put /api/v1/auth/password": {400},
    "post /api/v1/notebooks": {400},  # there it is already
    "delete /api/v1/instructors/{instructor_id}": {400},  # nobody deletes themselves
    "delete /api/v1/assignments/{assignment_id}": {409},  # it has hand-ins
    "delete /api/v1/classes/{class_id}": {409},  # it has assignments
}
NOT_THERE = {404}  # the row of the example, where there is none


@pytest.fixture(scope="module")
def system(start_live_system):
    made: LiveSystem = start_live_system(workers=1, API_REQUIRE_AUTH="1", RATE_LIMITS="0", TEST_EVENTS="1")
    made.manage("create_instructor", "--email", EMAIL, "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    made.manage("seed_demo")
    yield made
    made.stop()


def test_every_command_can_be_pasted(system, tmp_path):
    document = httpx.get(f"{system.url}/api/v1/openapi.json").json()
    commands = {
        f"{method} {path}": re.findall(r"```bash\n(.*?)\n```", operation["description"], re.DOTALL)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert len(commands) > 100
    assert [name for name, found in commands.items() if len(found) != 1] == []
    tokens = system.manage("shell", "--no-imports", "--verbosity=0", "-c", TOKENS.format(number=len(commands))).split()
    (tmp_path / "room.jpg").write_bytes(picture())
    names = sorted(commands, key=turn)
    device = student_token(system)
    wrong = {}
    for name, token in zip(names, tokens, strict=True):
        status, said = paste(commands[name][0], system, tmp_path, TOKEN=token, STUDENT_TOKEN=device)
        is_fine = 200 <= status < 300 or status in EXPECTED.get(name, NOT_THERE)
        if not is_fine:
            wrong[name] = (status, said)
    assert wrong == {}, "\n".join(f"{name}: {found}" for name, found in wrong.items())


def turn(name: str) -> int:
    return next((number for number, start in enumerate(LATER, 1) if name.startswith(start)), 0)


def class_key(system: LiveSystem) -> str:
    return (system.directory / "demo_class_key").read_text().strip()


def student_token(system: LiveSystem) -> str:
    body = {"userId": "hanako@example.com", "device": "laptop"}
    answer = httpx.post(f"{system.url}/api/v1/me/token", params={"key": class_key(system)}, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


def paste(command: str, system: LiveSystem, directory, **tokens: str) -> tuple[int, str]:
    own = {"CELL_MONITOR": system.url, "CLASS_KEY": class_key(system), "PATH": os.environ["PATH"], **tokens}
    done = subprocess.run(
        ["bash", "-c", f"{command} -sS -w '\\n%{{http_code}}'"],
        cwd=directory, env=own, capture_output=True, text=True, timeout=60, check=False, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    said, _, status = done.stdout.rpartition("\n")
    return int(status), said[:300]


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), "navy").save(file, "JPEG")
    return file.getvalue()


def test_the_document_says_how_to_set_the_variables(system):
    info = httpx.get(f"{system.url}/api/v1/openapi.json").json()["info"]
    assert info["title"] == "Cell Monitor API"
    assert "export CELL_MONITOR=" in info["description"]
