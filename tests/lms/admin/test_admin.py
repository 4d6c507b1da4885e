"""The admin site: every page opens, keys are shown once, big tables stay cheap."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classroom.analytics.models import AnalyticsReport
from classroom.setup.models import ClassInvitation
from events.models import CellExecution
from instructors.models import AuditLog, Instructor
from lms.class_keys import create_key
from lms.maps import replace_map
from lms.models import (
    Class,
    ClassKey,
    ClassroomMap,
    NotebookBranch,
    NotebookHistory,
    NotebookSnapshot,
    NotebookVersion,
    StoredNotebook,
    SystemSetting,
)
from lms.models.settings import drop_cache
from lms.system_settings import current
from tests.lms.admin.admin_rows import one_of_each

admin.autodiscover()  # as config.urls does, which is read with the first request
OURS = [
    model for model in admin.site._registry if model._meta.app_label in {"lms", "events", "instructors", "classroom"}
]
READ_ONLY = {
    "cellexecution",
    "notebookaccess",
    "studentevent",
    "cellprogress",
    "clienthealth",
    "session",
    "helprequest",
}


@pytest.fixture
def admin_client(signed_in, kaoru):
    return signed_in(kaoru)


def address(model, page, *args):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/" + "".join(f"{arg}/" for arg in args) + page


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_page_opens(admin_client, model):
    one_of_each(1)
    assert admin_client.get(address(model, "")).status_code == 200
    assert admin_client.get(address(model, "?q=e")).status_code == 200
    assert admin_client.get(address(model, "change/", model._default_manager.first().pk)).status_code == 200
    may_add = admin.site._registry[model].has_add_permission(_request(admin_client))
    assert admin_client.get(address(model, "add/")).status_code == (200 if may_add else 403)


def _request(client):
    return client.get("/admin/").wsgi_request


# Without a page of their own: on another's (positions, seats, starters), their contents alone (stored notebooks,
# analyses), on the page of a student where it is told who reads them (notes) or whose they were (addresses), where
# grades are given (rubrics, saved comments), or of no use to anybody (tokens that were revoked, what charts are added
# up from).
ELSEWHERE = {
    "teamposition",
    "seat",
    "seatassignment",
    "assignmentstarter",
    "storednotebook",
    "environmentanalysis",
    "studentnote",
    "revokedtoken",
    "studentactivity",
    "classstudent",
    "studentaddress",
    "runcount",
    "rubricitem",
    "savedcomment",
}


def test_every_model_of_ours_is_there_but_for_those_that_are_elsewhere():
    labels = ("lms", "events", "instructors", "classroom")
    tables = {model._meta.model_name for label in labels for model in apps.get_app_config(label).get_models()}
    assert tables - {model._meta.model_name for model in OURS} == ELSEWHERE


def test_a_list_costs_the_same_for_two_rows_and_for_nine(admin_client):
    """Of every table: whatever a line shows comes with the list."""

    def costs() -> dict[str, int]:
        found = {}
        for model in OURS:
            with CaptureQueriesContext(connection) as queries:
                assert admin_client.get(address(model, "?q=e")).status_code == 200
            found[model.__name__] = len(queries)
        return found

    for number in range(2):
        one_of_each(number)
    few = costs()
    for number in range(2, 9):
        one_of_each(number)
    assert costs() == few


@pytest.mark.parametrize("model", [NotebookSnapshot, NotebookBranch, NotebookVersion, AnalyticsReport, ClassInvitation])
def test_what_is_named_by_its_content_or_made_elsewhere_is_only_looked_at(admin_client, model):
    one_of_each(1)
    row, request = model.objects.get(), _request(admin_client)
    site = admin.site._registry[model]
    assert not any([site.has_add_permission(request), site.has_change_permission(request, row)])
    assert not site.has_delete_permission(request, row)
    page = admin_client.get(address(model, "change/", row.pk)).content.decode()
    assert "_save" not in page
    assert "0" * 60 not in page, "the hash of an invitation's link"


def test_a_history_is_deleted_as_a_whole_with_its_contents(admin_client):
    one_of_each(1)
    history = NotebookHistory.objects.get()
    assert admin_client.post(address(NotebookHistory, "delete/", history.pk), {"post": "yes"}).status_code == 302
    assert not NotebookSnapshot.objects.exists()
    assert not StoredNotebook.objects.exists()


def test_a_class_is_deleted_with_what_hangs_on_it(admin_client):
    """What nobody may delete alone does not hold it up, where nobody worked in it yet."""
    one_of_each(1)
    room = Class.objects.create(class_code="NEW", name="New")
    replace_map(class_id=room.pk, picture=None, uploaded_by=None, now=timezone.now())
    ClassInvitation.objects.update(class_ref=room)
    NotebookHistory.objects.update(class_ref=room, student=None)
    assert admin_client.post(address(Class, "delete/", room.pk), {"post": "yes"}).status_code == 302
    assert not Class.objects.filter(pk=room.pk).exists()
    assert not StoredNotebook.objects.exists()


def test_a_map_is_deleted_with_its_picture(admin_client, settings, tmp_path, django_capture_on_commit_callbacks):
    settings.MEDIA_ROOT = tmp_path
    made = replace_map(class_id=None, picture=b"x", uploaded_by=None, now=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(address(ClassroomMap, "delete/", made.pk), {"post": "yes"})
    assert list((tmp_path / "maps").iterdir()) == []


def test_invitations_are_cancelled_by_an_action(admin_client):
    one_of_each(1)
    one = ClassInvitation.objects.get()
    for _ in range(2):
        admin_client.post(address(ClassInvitation, ""), {"action": "cancel", "_selected_action": [one.pk]})
    one.refresh_from_db()
    assert one.closed_at is not None
    assert AuditLog.objects.filter(action="invitation_cancel").count() == 1


@pytest.mark.parametrize("model", [model for model in OURS if model._meta.model_name in READ_ONLY])
def test_what_the_pipeline_owns_cannot_be_changed(admin_client, model):
    request = _request(admin_client)
    site = admin.site._registry[model]
    assert not site.has_add_permission(request)
    assert not site.has_change_permission(request)
    assert not site.has_delete_permission(request)


def test_an_instructor_who_is_no_admin_stays_outside(signed_in, hanako):
    assert signed_in(hanako).get("/admin/").status_code == 302


@pytest.mark.parametrize("query", ["", "?q=ren", "?status__exact=error", "?p=3", "?_facets=True"])
def test_three_thousand_executions_cost_no_more_than_thirty(admin_client, ren, run, query):
    first = run(ren, status="error")
    copies = [
        CellExecution(
            student=ren, notebook=first.notebook, cell=first.cell, session=first.session, status="error", output="x"
        )
        for _ in range(3000)
    ]
    CellExecution.objects.bulk_create(copies)
    with CaptureQueriesContext(connection) as queries:
        html = admin_client.get(address(CellExecution, query)).content.decode()
    assert "3001" in html
    asked = [entry["sql"] for entry in queries]
    assert len(asked) <= 7
    assert not [sql for sql in asked if "COUNT(" in sql and "LIMIT" not in sql]
    assert not [sql for sql in asked if re.search(r'"cell_executions"."(output|code_content)"', sql)]


def test_a_new_key_is_shown_once_and_kept_as_a_hash(admin_client, python_class):
    answer = admin_client.post(address(ClassKey, "add/"), {"class_ref": python_class.pk})
    shown = str(next(iter(get_messages(answer.wsgi_request))))
    key = re.search(r"The key is (\S+) ", shown).group(1)
    made = ClassKey.objects.get()
    assert made.key_hash == ClassKey.hash(key)
    assert made.hint == key[:6]
    admin_client.get(address(ClassKey, ""))
    assert key not in admin_client.get(address(ClassKey, "change/", made.pk)).content.decode()


def test_keys_are_revoked_by_an_action(admin_client, python_class):
    made, _ = create_key(python_class)
    admin_client.post(address(ClassKey, ""), {"action": "revoke", "_selected_action": [made.pk]})
    made.refresh_from_db()
    assert made.revoked_at


def test_an_account_is_made_with_a_password_whose_hash_is_never_shown(admin_client):
    form = {"email": "new@example.com", "name": "New", "role": "instructor"}
    admin_client.post(address(Instructor, "add/"), {**form, "password1": "long enough", "password2": "long enough"})
    made = Instructor.objects.get(email="new@example.com")
    assert made.check_password("long enough")
    html = admin_client.get(address(Instructor, "change/", made.pk)).content.decode()
    assert made.password not in html
    assert "md5" not in html
    assert admin_client.get(address(Instructor, "password/", made.pk)).status_code == 200


def test_changing_an_account_keeps_its_password(admin_client, hanako):
    before = hanako.password
    admin_client.post(
        address(Instructor, "change/", hanako.pk),
        {"email": hanako.email, "name": "Hanako S.", "role": "instructor", "is_active": "on"},
    )
    hanako.refresh_from_db()
    assert (hanako.name, hanako.password) == ("Hanako S.", before)
    assert hanako.updated_at


def test_a_setting_that_its_reader_could_not_parse_is_refused(admin_client):
    setting = SystemSetting.objects.get(setting_key="consecutive_error_threshold")
    form = {"setting_key": setting.setting_key, "setting_type": "int", "is_active": "on"}
    refused = admin_client.post(address(SystemSetting, "change/", setting.pk), {**form, "setting_value": "three"})
    assert "whole number" in refused.content.decode()
    for value in ("0", "11", "-1"):
        refused = admin_client.post(address(SystemSetting, "change/", setting.pk), {**form, "setting_value": value})
        assert "between 1 and 10" in refused.content.decode()
    other = admin_client.post(
        address(SystemSetting, "change/", setting.pk), {**form, "setting_type": "str", "setting_value": "3"}
    )
    assert "is of type int" in other.content.decode()
    accepted = admin_client.post(address(SystemSetting, "change/", setting.pk), {**form, "setting_value": "4"})
    assert accepted.status_code == 302
    entry = AuditLog.objects.get(action="setting_update")
    assert (entry.target_id, entry.details["from"], entry.details["to"]) == ("consecutive_error_threshold", "3", "4")


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("bool", "perhaps", "true or false"),
        ("json", "{", "JSON"),
        ("int", "1" * 30, "between"),
        ("int", "2.5", "whole"),
    ],
)
def test_a_setting_of_ones_own_has_the_same_bounds(admin_client, kind, value, said):
    form = {"setting_key": "mine", "setting_type": kind, "setting_value": value, "is_active": "on"}
    assert said in admin_client.post(address(SystemSetting, "add/"), form).content.decode()
    assert not SystemSetting.objects.filter(setting_key="mine").exists()


def test_a_setting_that_is_deleted_has_its_default_at_once_and_it_is_recorded(
    admin_client, django_capture_on_commit_callbacks
):
    setting = SystemSetting.objects.get(setting_key="consecutive_error_threshold")
    SystemSetting.objects.filter(pk=setting.pk).update(setting_value="7")
    drop_cache()
    assert current()["consecutive_error_threshold"] == 7
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(address(SystemSetting, "delete/", setting.pk), {"post": "yes"})
    assert current()["consecutive_error_threshold"] == 3
    assert AuditLog.objects.get(action="setting_update").details == {"deleted": True}
