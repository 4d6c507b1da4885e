"""What goes with a row that is deleted, whoever deletes it: kept notebooks that nobody else has, and pictures."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.admin import site
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import ProtectedError

from lms import deletion
from lms.api.notebook_content import receipt
from lms.maps import replace_map
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassAssignment,
    ClassroomMap,
    NotebookHistory,
    NotebookSnapshot,
    StoredNotebook,
    Student,
)
from lms.versions.commits import commit
from lms.versions.snapshots import Author, Owner, store_snapshot, store_submission
from tests.lms.notebooks.builders import code, notebook

WORK, OTHER = notebook(code("mine")), notebook(code("other"))
NOW = datetime.now(UTC)


@pytest.fixture
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "maps"


def hand_in(assignment: ClassAssignment, student: Student, content: dict = WORK) -> AssignmentSubmission:
    made = AssignmentSubmission.objects.create(
        assignment=assignment, student=student, notebook_content=content, content_sha256=receipt(content)
    )
    store_submission(made)
    return made


def kept() -> tuple[int, int]:
    return NotebookSnapshot.objects.count(), StoredNotebook.objects.count()


# --- Submissions ----------------------------------------------------------------------------------------------------


def test_a_submission_goes_with_what_only_it_kept(api, cast):
    made = hand_in(cast.loops, cast.hanako)
    assert kept() == (1, 1)
    assert api("DELETE", f"/submissions/{made.pk}", user=cast.sato).status_code == 200
    assert kept() == (0, 0)


def test_content_that_another_student_has_stays_once(cast):
    mine, _ = hand_in(cast.loops, cast.hanako), hand_in(cast.loops, cast.ken)
    assert kept() == (2, 1)
    deletion.delete_row(mine)
    assert kept() == (1, 1)
    assert NotebookSnapshot.objects.get().history.student == cast.ken


def test_the_same_handed_in_twice_stays_until_the_second_goes(cast):
    first, second = hand_in(cast.loops, cast.hanako), hand_in(cast.loops, cast.hanako)
    assert kept() == (1, 1)
    deletion.delete_row(first)
    assert kept() == (1, 1)
    deletion.delete_row(second)
    assert kept() == (0, 0)


def test_contents_that_were_changed_later_go_too(api, cast):
    made = hand_in(cast.loops, cast.hanako)
    assert api("PUT", f"/submissions/{made.pk}", {"notebook_content": OTHER}, user=cast.sato).status_code == 200
    assert kept() == (2, 2)
    deletion.delete_row(made)
    assert kept() == (0, 0)


def test_what_somebody_has_committed_stays(cast):
    made = hand_in(cast.loops, cast.hanako)
    commit(NotebookSnapshot.objects.get(), branch_name="main", message="m", author=Author(), now=NOW)
    deletion.delete_row(made)
    assert kept() == (1, 1)


def test_what_a_class_keeps_for_itself_stays(cast):
    made = hand_in(cast.loops, cast.hanako)
    owner = Owner(class_id=cast.python.pk)
    store_snapshot(cast.notebook.path, WORK, sha256=receipt(WORK), owner=owner, author=Author())
    deletion.delete_row(made)
    assert NotebookSnapshot.objects.get().history.student is None
    assert kept() == (1, 1)


def test_many_cost_the_same_statements(cast, django_assert_max_num_queries):
    for number in range(40):
        student = Student.objects.create(email=f"s{number}@example.com")
        hand_in(cast.loops, student, notebook(code(f"x = {number}")))
    with django_assert_max_num_queries(16):
        assert deletion.delete_rows(AssignmentSubmission.objects.all()) == 40
    assert kept() == (0, 0)


# --- Classes, students, maps ----------------------------------------------------------------------------------------


def a_map(class_ref: Class | None) -> ClassroomMap:
    class_id = class_ref.pk if class_ref else None
    return replace_map(class_id=class_id, picture=b"a picture", uploaded_by=None, now=NOW)


def test_a_class_goes_with_its_histories_and_the_file_of_its_map(cast, media, django_capture_on_commit_callbacks):
    room = Class.objects.create(class_code="GONE", name="Gone")
    owner = Owner(class_id=room.pk)
    store_snapshot("a.ipynb", WORK, sha256=receipt(WORK), owner=owner, author=Author())
    picture, others = a_map(room), a_map(None)
    with django_capture_on_commit_callbacks() as callbacks:
        deletion.delete_row(room)
    assert (media / picture.image_filename).exists(), "not before it is settled"
    for callback in callbacks:
        callback()
    assert [file.name for file in media.iterdir()] == [others.image_filename]
    assert kept() == (0, 0)
    assert not NotebookHistory.objects.exists()


def test_a_deletion_that_fails_keeps_the_file(api, cast, media, django_capture_on_commit_callbacks):
    picture = a_map(cast.python)
    with django_capture_on_commit_callbacks(execute=True):
        assert api("DELETE", f"/classes/{cast.python.pk}", user=cast.sato).status_code == 409
        with pytest.raises(ProtectedError):
            deletion.delete_row(cast.python)
    assert (media / picture.image_filename).exists()
    assert ClassroomMap.objects.filter(pk=picture.pk).exists()


def test_a_deletion_that_is_rolled_back_keeps_the_file(cast, media, django_capture_on_commit_callbacks):
    picture = a_map(None)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        deletion.delete_row(picture)
        transaction.set_rollback(True)
    assert (media / picture.image_filename).exists()


def test_a_student_without_hand_ins_goes_with_the_history(cast):
    made = hand_in(cast.loops, cast.hanako)
    commit(NotebookSnapshot.objects.get(), branch_name="main", message="m", author=Author(), now=NOW)
    deletion.delete_row(made)
    deletion.delete_row(cast.hanako)
    assert kept() == (0, 0)


@pytest.mark.parametrize("model", [Class, ClassroomMap, Student, AssignmentSubmission, ClassAssignment])
def test_the_administration_deletes_in_the_same_way(model, rf, monkeypatch, cast):
    """The page of one row, and the action on the list."""
    gone = []
    monkeypatch.setattr("lms.admin.base.delete_row", lambda row: gone.append(row.pk))
    monkeypatch.setattr("lms.admin.base.delete_rows", lambda rows: gone.append(list(rows)))
    model_admin = site.get_model_admin(model)
    model_admin.delete_model(rf.post("/"), model(pk=7))
    model_admin.delete_queryset(rf.post("/"), model.objects.none())
    assert gone == [7, []]


def test_the_action_of_the_list_takes_submissions_with_what_they_kept(client, cast):
    made = hand_in(cast.loops, cast.hanako)
    client.force_login(cast.admin)
    body = {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"}
    assert client.post("/admin/lms/assignmentsubmission/", body).status_code == 302
    assert kept() == (0, 0)


# --- What is left from earlier --------------------------------------------------------------------------------------


def test_prune_finds_what_was_left(cast, media, capsys):
    StoredNotebook.objects.create(sha256="f" * 64, content={}, size=2)
    hand_in(cast.loops, cast.hanako)
    picture = a_map(None)
    for name in ("classroom_map_old.jpg", "classroom_map_new.jpg"):
        (media / name).write_bytes(b"x")
    long_ago = (NOW - timedelta(hours=2)).timestamp()
    for name in ("classroom_map_old.jpg", picture.image_filename):
        os.utime(media / name, (long_ago, long_ago))
    call_command("prune", dry_run=True)
    assert "1 kept notebooks that nothing refers to" in (said := capsys.readouterr().out)
    assert "1 pictures of rooms that no map names" in said
    assert kept() == (1, 2)
    call_command("prune")
    assert kept() == (1, 1)
    assert {file.name for file in media.iterdir()} == {picture.image_filename, "classroom_map_new.jpg"}
    call_command("prune")
    assert "0 kept notebooks" in capsys.readouterr().out.splitlines()[-2]


def test_prune_without_any_picture(db, media):
    assert deletion.delete_orphans(now=NOW) == deletion.Orphans(0, 0)


@pytest.mark.django_db(transaction=True)
def test_content_that_is_being_kept_again_is_not_deleted_under_ones_hands():
    """Somebody keeps what at this moment nobody has; whoever tidies up waits, and then finds it in use."""
    StoredNotebook.objects.create(sha256=receipt(WORK), content=WORK, size=1)
    forgotten: list[int] = []

    def tidy() -> None:
        try:
            forgotten.append(deletion.delete_unused_contents([receipt(WORK)]))
        finally:
            connection.close()

    thread = threading.Thread(target=tidy)
    with transaction.atomic():
        store_snapshot("a.ipynb", WORK, sha256=receipt(WORK), owner=Owner(), author=Author())
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits"
    thread.join(60)
    assert forgotten == [0]
    assert kept() == (1, 1)
