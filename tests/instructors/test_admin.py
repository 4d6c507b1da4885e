"""The admin site: every page opens, keys are shown once, big tables stay cheap."""

import re
import uuid

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import CellExecution, HelpRequest, NotebookAccess, OfflineQueueEntry, StudentEvent
from instructors.models import (
    AttentionCase,
    AuditLog,
    Hint,
    HintRecipient,
    Instructor,
    InstructorStatusHistory,
    ProgressNotification,
)
from lms.keys import create_key
from lms.models import (
    AssignmentSubmission,
    ClassAssignment,
    ClassKey,
    ClassStaff,
    EnvironmentSnapshot,
    SystemSetting,
    Team,
)

admin.autodiscover()  # as config.urls does, which is read with the first request
OURS = [model for model in admin.site._registry if model._meta.app_label in {"lms", "events", "instructors"}]
READ_ONLY = {"cellexecution", "notebookaccess", "studentevent", "cellprogress", "session", "helprequest"}


@pytest.fixture
def office(signed_in, kaoru):
    return signed_in(kaoru)


@pytest.fixture
def _rows(python_class, ren, taro, flag, run, notebook):
    now = timezone.now()
    flag(ren, 3)
    run(ren)
    Team.objects.create(team_name="A")
    create_key(python_class)
    ClassStaff.objects.create(class_ref=python_class, instructor=taro)
    work = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops")
    AssignmentSubmission.objects.create(assignment=work, student=ren)
    NotebookAccess.objects.create(student=ren, notebook=notebook, action="open")
    StudentEvent.objects.create(event_id="e", event_type="help", student=ren, occurred_at=now)
    HelpRequest.objects.create(student=ren, asked_at=now, last_asked_at=now, last_heard_at=now)
    OfflineQueueEntry.objects.create(event_data={}, error="unknown time zone", status="failed")
    EnvironmentSnapshot.objects.create(student=ren, source="client", versions={"numpy": "2"})
    InstructorStatusHistory.objects.create(instructor=taro, status="available")
    AuditLog.objects.create(action="login", actor_type="instructor", actor_id=taro.pk)
    ProgressNotification.objects.create(notification_id=uuid.uuid4(), recipient_id=ren.email, title="t", message="m")
    cell = notebook.cells.first()
    hint = Hint.objects.create(nonce=uuid.uuid4(), notebook=notebook, cell=cell, fingerprint="0" * 16, text="look")
    HintRecipient.objects.create(hint=hint, student=ren)
    AttentionCase.objects.create(student=ren, class_ref=python_class, code="silent", opened_at=now)


def address(model, page, *args):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/" + "".join(f"{arg}/" for arg in args) + page


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.usefixtures("_rows")
def test_every_page_opens(office, model):
    assert office.get(address(model, "")).status_code == 200
    assert office.get(address(model, "?q=e")).status_code == 200
    assert office.get(address(model, "change/", model._default_manager.first().pk)).status_code == 200
    may_add = admin.site._registry[model].has_add_permission(_request(office))
    assert office.get(address(model, "add/")).status_code == (200 if may_add else 403)


def _request(client):
    return client.get("/admin/").wsgi_request


def test_every_model_of_ours_is_there(db):
    named = {model._meta.model_name for model in OURS}
    assert named >= READ_ONLY | {"instructor", "class", "classkey", "student", "offlinequeueentry", "systemsetting"}


@pytest.mark.parametrize("model", [model for model in OURS if model._meta.model_name in READ_ONLY])
def test_what_the_pipeline_owns_cannot_be_changed(office, model):
    request = _request(office)
    site = admin.site._registry[model]
    assert not site.has_add_permission(request)
    assert not site.has_change_permission(request)
    assert not site.has_delete_permission(request)


def test_an_instructor_who_is_no_admin_stays_outside(signed_in, hanako):
    assert signed_in(hanako).get("/admin/").status_code == 302


@pytest.mark.parametrize("query", ["", "?q=ren", "?status__exact=error", "?p=3", "?_facets=True"])
def test_three_thousand_executions_cost_no_more_than_thirty(office, ren, run, query):
    first = run(ren, status="error")
    copies = [
        CellExecution(
            student=ren, notebook=first.notebook, cell=first.cell, session=first.session, status="error", output="x"
        )
        for _ in range(3000)
    ]
    CellExecution.objects.bulk_create(copies)
    with CaptureQueriesContext(connection) as queries:
        html = office.get(address(CellExecution, query)).content.decode()
    assert "3001" in html
    asked = [entry["sql"] for entry in queries]
    assert len(asked) <= 7
    assert not [sql for sql in asked if "COUNT(" in sql and "LIMIT" not in sql]
    assert not [sql for sql in asked if re.search(r'"cell_executions"."(output|code_content)"', sql)]


def test_a_new_key_is_shown_once_and_kept_as_a_hash(office, python_class):
    answer = office.post(address(ClassKey, "add/"), {"class_ref": python_class.pk})
    shown = str(next(iter(get_messages(answer.wsgi_request))))
    key = re.search(r"The key is (\S+) ", shown).group(1)
    made = ClassKey.objects.get()
    assert made.key_hash == ClassKey.hash(key)
    assert made.hint == key[:6]
    office.get(address(ClassKey, ""))
    assert key not in office.get(address(ClassKey, "change/", made.pk)).content.decode()


def test_keys_are_revoked_by_an_action(office, python_class):
    made, _ = create_key(python_class)
    office.post(address(ClassKey, ""), {"action": "revoke", "_selected_action": [made.pk]})
    made.refresh_from_db()
    assert made.revoked_at


def test_an_account_is_made_with_a_password_whose_hash_is_never_shown(office):
    form = {"email": "new@example.com", "name": "New", "role": "instructor"}
    office.post(address(Instructor, "add/"), {**form, "password1": "long enough", "password2": "long enough"})
    made = Instructor.objects.get(email="new@example.com")
    assert made.check_password("long enough")
    html = office.get(address(Instructor, "change/", made.pk)).content.decode()
    assert made.password not in html
    assert "md5" not in html
    assert office.get(address(Instructor, "password/", made.pk)).status_code == 200


def test_changing_an_account_keeps_its_password(office, hanako):
    before = hanako.password
    office.post(
        address(Instructor, "change/", hanako.pk),
        {"email": hanako.email, "name": "Hanako S.", "role": "instructor", "is_active": "on"},
    )
    hanako.refresh_from_db()
    assert (hanako.name, hanako.password) == ("Hanako S.", before)
    assert hanako.updated_at


def test_a_setting_that_its_reader_could_not_parse_is_refused(office):
    setting = SystemSetting.objects.get(setting_key="consecutive_error_threshold")
    form = {"setting_key": setting.setting_key, "setting_type": "int", "is_active": "on"}
    refused = office.post(address(SystemSetting, "change/", setting.pk), {**form, "setting_value": "three"})
    assert "whole number" in refused.content.decode()
    assert office.post(address(SystemSetting, "change/", setting.pk), {**form, "setting_value": "4"}).status_code == 302
