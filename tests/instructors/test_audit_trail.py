"""Every read of one student's data by a person, and every change, leaves an entry in the audit log that says who, whom
and from where. A page or an endpoint that shows one student belongs into READS."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from classroom.attention.models import AttentionCase
from classroom.students.models import StudentNote
from events.models import HelpRequest
from instructors import tokens
from instructors.models import AuditLog
from lms.models import Class, EnvironmentSnapshot, NotebookHistory, Student
from lms.submissions import latest
from lms.versions.snapshots import store_submission
from tests.browser.lesson import fill
from tests.lms.tokens.conftest import device_of

PAGE, API = "/classes/{class_id}", "/api/v1"

# path: the entry's action. Not here, for they show one row of what a page shows of all: cells/details/ and the cards.
READS = {
    f"{PAGE}/students/{{student_id}}/": "student_view",
    f"{PAGE}/students/{{student_id}}/?part=notes": "student_view",
    f"{PAGE}/students/{{student_id}}/?part=help": "student_view",
    f"{PAGE}/students/{{student_id}}/?part=work": "student_view",
    f"{PAGE}/students/{{student_id}}/?cell={{cell_id}}": "student_view",
    f"{PAGE}/submissions/{{submission_id}}/": "submission_view",
    f"{PAGE}/submissions/{{submission_id}}/?view=changes": "submission_view",
    f"{PAGE}/submissions/{{submission_id}}/notebook/?plain": "submission_view",
    f"{PAGE}/submissions/{{submission_id}}/notebook.ipynb": "submission_download",
    f"{PAGE}/notebooks/{{notebook_id}}/s{{submission_id}}/notebook/?plain": "submission_view",
    f"{PAGE}/notebooks/{{notebook_id}}/compare/?old=t{{assignment_id}}&new=s{{submission_id}}": "submission_view",
    # Tables of many
    f"{PAGE}/assignments/{{assignment_id}}/grades.csv": "grades_export",
    f"{PAGE}/setup/students/list.csv": "roster_export",
    f"{PAGE}/report/cells.csv": "report_export",
    # Programs
    f"{API}/students/{{student_id}}": "student_view",
    f"{API}/students?email={{email}}": "student_view",
    f"{API}/submissions/{{submission_id}}": "student_view",
    f"{API}/submissions?student_id={{student_id}}": "student_view",
    f"{API}/submissions?email={{email}}": "student_view",
    f"{API}/dashboard/students/{{email}}/activity": "student_view",
    f"{API}/progress/student/{{email}}": "student_view",
    f"{API}/progress/assignment/{{email}}/{{assignment_id}}": "student_view",
    f"{API}/progress/notifications/{{email}}": "student_view",
    f"{API}/analytics/progress?email={{email}}": "student_view",
    f"{API}/analytics/predictions?email={{email}}": "student_view",
    f"{API}/environment/diff?from_snapshot_id={{environment}}": "student_view",
    f"{API}/notebook-version/snapshot/{{snapshot}}": "student_view",
    # The administration, for admins
    "/admin/lms/student/{student_id}/change/": "admin_view",
    "/admin/lms/assignmentsubmission/{submission_id}/change/": "admin_view",
    "/admin/events/helprequest/{request}/change/": "admin_view",
}

# path, form: the entry's action
CHANGES = {
    f"{PAGE}/students/{{student_id}}/notes/": ({"text": "Likes loops.", "kind": "note"}, "note_create"),
    f"{PAGE}/students/{{student_id}}/notes/{{note}}/delete/": ({}, "note_delete"),
    f"{PAGE}/attention/{{student_id}}/": ({"act": "claim"}, "attention_claim"),
    f"{PAGE}/room/map/plain/": ({}, "map_create"),
    f"{PAGE}/setup/active/": ({"active": "0"}, "class_update"),
    f"{PAGE}/setup/connection/keys/": ({}, "key_create"),
    f"{PAGE}/setup/connection/code/": ({}, "class_code_create"),
    f"{PAGE}/setup/connection/code/end/": ({}, "class_code_end"),
    f"{PAGE}/setup/connection/devices/{{device}}/revoke/": ({}, "device_revoke"),
    f"{PAGE}/setup/students/{{student_id}}/remove/": ({}, "student_remove"),
    f"{PAGE}/setup/people/invite/": ({"email": "new@example.com", "role": "assistant"}, "invitation_create"),
    "/admin/lms/team/add/": ({"team_name": "Blue"}, "admin_add"),
    "/admin/lms/class/{class_id}/delete/": ({"post": "yes"}, None),  # refused: it has students
    "/logout/": ({}, "logout"),
}


@pytest.fixture
def places(kaoru, redis):
    made = fill(kaoru.email)
    student = Student.objects.get(pk=made["student_id"])
    submission = latest(student.submissions.all()).get(pk=made["submission_id"])
    store_submission(submission)
    AttentionCase.objects.create(
        student=student, class_ref_id=made["class_id"], code="no_progress", evidence={}, opened_at=datetime.now(UTC)
    )
    return {
        **made,
        "email": student.email,
        "environment": EnvironmentSnapshot.objects.filter(student=student).get().snapshot_id,
        "snapshot": NotebookHistory.objects.get(student=student).snapshots.get().snapshot_id,
        "request": HelpRequest.objects.filter(student=student).get().pk,
        "note": StudentNote.objects.get().pk,
        "device": device_of(Class.objects.get(pk=made["class_id"]), student.email)[0].pk,
    }


@pytest.fixture
def client_of(kaoru):
    token = tokens.issue(kaoru, now=datetime.now(UTC))
    client = Client(headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR="203.0.113.9")
    client.force_login(kaoru)
    return client


def entries_after(call):
    before = AuditLog.objects.count()
    answer = call()
    return answer, list(AuditLog.objects.order_by("pk")[before:])


def test_every_read_of_one_student(places, client_of, kaoru):
    wrong = {}
    for path, action in READS.items():
        answer, entries = entries_after(lambda: client_of.get(path.format(**places)))  # noqa: B023
        found = [(entry.action, entry.actor_id, entry.ip_address, bool(entry.target_id)) for entry in entries]
        if answer.status_code != 200 or found != [(action, kaoru.pk, "203.0.113.9", True)]:
            wrong[path] = (answer.status_code, found)
    assert wrong == {}


def test_every_change(places, client_of, kaoru):
    wrong = {}
    for path, (form, action) in CHANGES.items():
        answer, entries = entries_after(lambda: client_of.post(path.format(**places), form))  # noqa: B023
        found = [(entry.action, entry.actor_id) for entry in entries]
        if found != ([(action, kaoru.pk)] if action else []):
            wrong[path] = (answer.status_code, found)
    assert wrong == {}


def test_a_look_through_the_frame_of_a_page_is_one_look(places, client_of):
    path = f"/classes/{places['class_id']}/submissions/{places['submission_id']}/notebook/?plain"
    _, entries = entries_after(lambda: client_of.get(path, headers={"sec-fetch-dest": "iframe"}))
    assert entries == []


def test_who_reads_nothing_leaves_nothing(places, signed_in, taro):
    stranger = signed_in(taro)
    for path in READS:
        _, entries = entries_after(lambda: stranger.get(path.format(**places)))  # noqa: B023
        assert entries == [], path


def test_the_log_never_holds_what_was_read(places, client_of):
    for path in READS:
        client_of.get(path.format(**places))
    said = str(list(AuditLog.objects.values("details")))
    for secret in ("price", "NameError", "Likes examples", "def "):
        assert secret not in said


def test_admins_look_at_the_log_and_nobody_changes_it(places, client_of):
    client_of.get(f"/classes/{places['class_id']}/students/{places['student_id']}/")
    row = AuditLog.objects.latest("pk")
    assert "student_view" in client_of.get("/admin/instructors/auditlog/").content.decode()
    assert client_of.get(f"/admin/instructors/auditlog/{row.pk}/change/").status_code == 200
    assert client_of.post(f"/admin/instructors/auditlog/{row.pk}/change/", {"action": "x"}).status_code == 403
    assert client_of.post(f"/admin/instructors/auditlog/{row.pk}/delete/", {"post": "yes"}).status_code == 403
