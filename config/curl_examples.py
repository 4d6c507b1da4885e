"""A curl command to paste, for every call of the OpenAPI document. A postprocessing hook of drf-spectacular.

The commands use the variables of docs/api-quickstart.md: CELL_MONITOR, TOKEN and CLASS_KEY, and STUDENT_TOKEN.
"""

import json
import shlex
from typing import Any
from urllib.parse import quote, urlencode

from instructors.rest.openapi import BEARER, CLASS_KEY_IN_ADDRESS, STUDENT_TOKEN

Operation = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
BEFORE = """
Every call has a command that can be pasted. Set the variables once:

```bash
export CELL_MONITOR=http://127.0.0.1:8000   # where your copy runs
export TOKEN=…                              # from POST /auth/login, or from the page "My account"
export CLASS_KEY=…                          # from the set-up of a class; only to send events
export STUDENT_TOKEN=…                      # from POST /me/token; only for calls of a student's device
```
"""
VALUES = {
    "email": "hanako@example.com",
    "user_id": "hanako@example.com",
    "notebook_path": "lesson/exercise01.ipynb",
    "setting_key": "consecutive_error_threshold",
    "filename": "room.jpg",
    "test_id": "my-test",
    "cell_id": "a1b2c3",
    "from_id": "1",
    "to_id": "2",
}
UNIQUE_ID = "7c0c8a3e-2f5d-4b57-9c3c-0a3f3f6d9b11"
UNIQUE = ("report_id", "snapshot_id", "branch_id", "notification_id")
# Of parameters of which one is needed.
ASKED = {
    ("get", "/api/v1/analytics/predictions"): {"email": VALUES["email"]},
    ("get", "/api/v1/me"): {"email": VALUES["email"]},
}
# Of calls whose views give no example.
BODIES: dict[tuple[str, str], Any] = {
    ("post", "/api/v1/auth/login"): {"email": "you@example.com", "password": "the password you chose"},
    ("put", "/api/v1/auth/password"): {"current_password": "the present one", "new_password": "a longer one"},
    ("post", "/api/v1/instructors"): {"email": "mei@example.com", "name": "Mei", "password": "something long"},
    ("put", "/api/v1/instructors/{instructor_id}"): {"name": "Mei"},
    ("put", "/api/v1/instructor_status/{instructor_id}"): {"status": "available"},
    ("post", "/api/v1/instructor_status/bulk"): {"updates": [{"instructor_id": 1, "status": "break"}]},
    ("post", "/api/v1/progress/process-event"): {"eventType": "cell_executed", "hasError": False},
    ("post", "/api/v1/test/events/{test_id}"): [{"eventType": "cell_executed", "emailAddress": "a@example.com"}],
}
FORMS: dict[tuple[str, str], str] = {
    ("post", "/api/v1/classroom/map/upload"): "-F file=@room.jpg",
    ("post", "/api/v1/classroom/map/create-default"): "-d uploaded_by=you@example.com",
}


def add_curl_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add a command to the description of each operation."""
    result["info"]["description"] = result["info"].get("description", "") + "\n" + BEFORE
    # New dicts: those of config/openapi.py are shared by every document that is made.
    result["paths"] = {
        path: {name: _described(name, path, value) if name in METHODS else value for name, value in operations.items()}
        for path, operations in result["paths"].items()
    }
    return result


def _described(method: str, path: str, operation: Operation) -> Operation:
    words = f"{operation.get('description', '')}\n\n```bash\n{command(method, path, operation)}\n```"
    return {**operation, "description": words.strip()}


def command(method: str, path: str, operation: Operation) -> str:
    """Return the command of one call, a line a part."""
    parameters = operation.get("parameters", [])
    address, asked = path, dict(ASKED.get((method, path), {}))
    for parameter in parameters:
        name = parameter["name"]
        if parameter["in"] == "path":
            address = address.replace(f"{{{name}}}", quote(_value(name), safe="/@"))
        elif parameter["in"] == "query" and parameter.get("required"):
            asked[name] = _value(name)
    query = f"?{urlencode(asked, safe='/@')}" if asked else ""
    accepted = {name for scheme in operation.get("security", []) for name in scheme}
    if BEARER not in accepted and CLASS_KEY_IN_ADDRESS in accepted:
        query = f"{query}{'&' if query else '?'}key=$CLASS_KEY"
    verb = "" if method == "get" or (method == "post" and "requestBody" in operation) else f" -X {method.upper()}"
    parts = [f'curl{verb} "$CELL_MONITOR{address}{query}"']
    if BEARER in accepted:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    elif accepted == {STUDENT_TOKEN}:
        parts.append('-H "Authorization: Student $STUDENT_TOKEN"')
    parts += _body(method, path, operation)
    return " \\\n  ".join(parts)


def _value(name: str) -> str:
    return VALUES.get(name, UNIQUE_ID if name in UNIQUE else "1")


def _body(method: str, path: str, operation: Operation) -> list[str]:
    if "requestBody" not in operation:
        return []
    if form := FORMS.get((method, path)):
        return [form]
    content = operation["requestBody"]["content"]["application/json"]
    body = BODIES.get((method, path))
    if body is None:
        body = next(iter(content["examples"].values()))["value"] if "examples" in content else content["example"]
    text = shlex.quote(json.dumps(body, ensure_ascii=False))
    # POST is what curl does with a body; any other method is named.
    return ['-H "Content-Type: application/json"', f"-d {text}"]
