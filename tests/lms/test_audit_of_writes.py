"""Every write is offered to the layer above for the audit log, and a write that fails is not."""

import pytest

from instructors.models import AuditLog
from tests.lms.conftest import filled

WRITES = [
    ("POST", "/classes", {"name": "Go", "class_code": "GO"}, ("class_create", [])),
    ("PUT", "/classes/{python}", {"name": "Go"}, ("class_update", ["name"])),
    ("DELETE", "/classes/{made}", None, ("class_delete", [])),
    (
        "POST",
        "/assignments",
        {"class_id": "{python}", "notebook_id": "{notebook}", "title": "A"},
        ("assignment_create", []),
    ),
    ("PUT", "/assignments/{loops}", {"points": 5}, ("assignment_update", ["points"])),
    ("DELETE", "/assignments/{loops}", None, ("assignment_delete", [])),
    ("POST", "/submissions", {"assignment_id": "{loops}", "student_id": "{ken}"}, ("submission_create", [])),
]


def notes() -> list[tuple[str, int, list[str]]]:
    """What the audit log holds, oldest first."""
    return [(row.action, int(row.target_id), row.details["fields"]) for row in AuditLog.objects.order_by("pk")]


@pytest.mark.parametrize(("method", "path", "body", "expected"), WRITES, ids=lambda value: str(value)[:30])
def test_a_write_is_recorded(api, cast, redis, method, path, body, expected):
    made = api("POST", "/classes", {"name": "Empty", "class_code": "EMPTY"}).json()["id"]
    ids = {**cast.ids(), "made": made}
    response = api(method, path.format(**ids), filled(body, ids))
    assert response.status_code in (200, 201)
    action, pk, fields = notes()[-1]
    assert (action, fields) == expected
    assert pk == response.json()["id"]


def test_submissions_are_recorded_to_their_end(api, cast, redis):
    made = api("POST", "/submissions", {"assignment_id": cast.loops.pk, "student_id": cast.ken.pk}).json()
    api("PUT", f"/submissions/{made['id']}", {"grade": 3, "notebook_content": {"cells": []}})
    api("DELETE", f"/submissions/{made['id']}")
    assert [action for action, _, _ in notes()] == ["submission_create", "submission_update", "submission_delete"]
    assert set(notes()[1][2]) == {"grade", "notebook_content", "content_sha256"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/classes", {"name": "x", "class_code": "PY-101"}),
        ("PUT", "/classes/{python}", {"name": 5}),
        ("PUT", "/classes/{python}", {}),
    ],
)
def test_what_writes_nothing_is_not_recorded(api, cast, redis, method, path, body):
    api(method, path.format(**cast.ids()), body)
    assert notes() == []
