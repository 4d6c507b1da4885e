"""Whose versions are whose, with logins on: classes, keys, accounts, and what students handed in."""

import pytest

from lms.api.notebook_content import receipt
from lms.models import (
    AssignmentSubmission,
    ClassStaff,
    NotebookHistory,
    NotebookSnapshot,
    NotebookVersion,
    StoredNotebook,
)
from lms.versions.snapshots import store_submission
from tests.lms.conftest import key_of
from tests.lms.notebooks.builders import code, notebook

pytestmark = pytest.mark.usefixtures("redis", "locked")

AT = "/notebook-version"
PATH = "lesson/loops.ipynb"
WORK = notebook(code("secret = 42"))
HASH = receipt(WORK)[:16]


@pytest.fixture
def key(cast):
    return key_of(cast.python, "python-key")


@pytest.fixture
def other_key(cast):
    return key_of(cast.rust, "rust-key")


@pytest.fixture
def commit(api):
    def post(content=WORK, message="m", status=201, **who):
        body = {"notebook_path": PATH, "notebook_content": content, "commit_message": message}
        body |= {"class_id": who.pop("class_id")} if "class_id" in who else {}
        response = api("POST", f"{AT}/commit-direct", body, **who)
        assert response.status_code == status, response.content
        return response.json()

    return post


def reads(commit_id):
    return [
        f"/version/{commit_id}", f"/snapshot/{HASH}", f"/history/{PATH}", f"/latest/{PATH}",
        f"/compare/{commit_id}/{commit_id}", f"/branches?notebook_path={PATH}",
    ]  # fmt: skip


def test_a_key_writes_to_its_class_and_reads_nothing_there(api, cast, key, other_key, commit):
    made = commit(key=key)["commit_id"]
    history = NotebookHistory.objects.get()
    assert (history.class_ref, history.student, history.owner) == (cast.python, None, None)
    for path in reads(made):
        assert api("GET", AT + path, key=key).status_code == 403, path
        assert api("GET", AT + path, user=cast.sato).status_code == 200, path
        assert api("GET", AT + path, user=cast.admin).status_code == 200, path
        assert api("GET", AT + path, key=other_key).status_code == 403, path
        assert api("GET", AT + path, user=cast.suzuki).status_code == 404, path
        assert api("GET", AT + path).status_code == 403, path
    compare = {"from_commit_id": made, "to_commit_id": made}
    assert api("POST", f"{AT}/compare", compare, key=key).status_code == 403
    assert api("POST", f"{AT}/compare", compare, user=cast.sato).status_code == 200


def test_what_a_key_is_answered_says_nothing_of_a_classmates_work(api, cast, key, commit):
    """A class's `main` holds what all its keys commit; the same content is one snapshot."""
    who = {"author_id": "hanako@example.com", "author_name": "Hanako"}
    hers = {"notebook_path": PATH, "notebook_content": WORK, "commit_message": "hers", **who}
    assert api("POST", f"{AT}/commit-direct", hers, key=key).status_code == 201
    kept = {"notebook_path": PATH, "notebook_content": WORK, "metadata": {"note": "hers"}, **who}
    assert api("POST", f"{AT}/snapshot", kept, key=key).status_code == 201
    mine = {"author_id": "aoi@example.com", "notebook_path": PATH}
    other = notebook(code("mine = 1"))
    for path, body in (
        ("commit-direct", {**mine, "notebook_content": other, "commit_message": "mine"}),
        ("snapshot", mine),  # without content: not the newest, which is hers
        ("snapshot", {**mine, "notebook_content": WORK}),
        ("commit-direct", {**mine, "notebook_content": WORK, "commit_message": "mine"}),
        ("commit", {"snapshot_id": HASH, "message": "mine", "author_id": "aoi@example.com"}),
    ):
        response = api("POST", f"{AT}/{path}", body, key=key)
        assert response.status_code == 201, response.content
        said = response.content.decode()
        assert "anako" not in said, path
        assert "hers" not in said, path
        assert ("secret" in said) is (body.get("notebook_content") == WORK or path == "commit"), path
    newest = api("GET", f"{AT}/latest/{PATH}", user=cast.sato).json()["version"]
    assert newest["parent_version_number"] == "v3.0.0"  # kept all the same, and shown to who teaches


def test_a_wrong_key_writes_nothing(api):
    body = {"notebook_path": PATH, "notebook_content": WORK, "commit_message": "m"}
    assert api("POST", f"{AT}/commit-direct", body, key="wrong").status_code == 401


def test_a_key_writes_to_no_other_class(cast, key, commit):
    commit(key=key, class_id=cast.rust.pk)
    assert NotebookHistory.objects.get().class_ref == cast.python


def test_two_classes_have_each_their_own_main(api, cast, key, other_key, commit):
    numbers = [commit(key=each)["version_number"] for each in (key, other_key, key)]
    assert numbers == ["v1.0.0", "v1.0.0", "v2.0.0"]
    assert StoredNotebook.objects.count() == 1
    assert api("GET", f"{AT}/stats", user=cast.sato).json()["total_commits"] == 2
    assert api("GET", f"{AT}/stats", user=cast.suzuki).json()["total_commits"] == 1
    assert api("GET", f"{AT}/stats", user=cast.admin).json()["total_commits"] == 3
    path = f"{AT}/history/{PATH}?class_id={cast.rust.pk}"
    assert len(api("GET", path, user=cast.admin).json()["commits"]) == 1
    assert api("GET", path, user=cast.sato).status_code == 404


def test_an_account_keeps_for_itself_unless_it_names_a_class(api, cast, commit):
    mine = commit(user=cast.sato)["commit_id"]
    assert api("GET", f"{AT}/version/{mine}", user=cast.sato).status_code == 200
    assert api("GET", f"{AT}/version/{mine}", user=cast.suzuki).status_code == 404
    assert api("GET", f"{AT}/version/{mine}", user=cast.admin).status_code == 200
    assert commit(user=cast.sato, class_id=cast.python.pk)["version_number"] == "v1.0.0"
    assert (
        commit(user=cast.sato, class_id=cast.rust.pk, status=404)["detail"] == f"Class with id {cast.rust.pk} not found"
    )


def test_an_assistant_sees_and_does_not_write(api, cast, key, commit):
    made = commit(key=key)["commit_id"]
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.suzuki, role="assistant")
    assert api("GET", f"{AT}/version/{made}", user=cast.suzuki).status_code == 200
    commit(user=cast.suzuki, class_id=cast.python.pk, status=403)
    for path, body in (
        ("/commit", {"snapshot_id": HASH, "message": "m"}),
        ("/branch", {"branch_name": "b", "from_commit_id": made}),
    ):
        assert api("POST", AT + path, body, user=cast.suzuki).status_code == 403


def test_commits_and_branches_stay_in_the_history_they_begin_in(api, cast, key, other_key, commit):
    made = commit(key=key)["commit_id"]
    body = {"snapshot_id": HASH, "message": "m", "notebook_path": "copy.ipynb"}
    assert api("POST", f"{AT}/commit", body, user=cast.sato).status_code == 201
    assert NotebookHistory.objects.get(notebook__path="copy.ipynb").class_ref == cast.python
    assert api("POST", f"{AT}/commit", body, key=other_key).status_code == 404
    branch = {"branch_name": "b", "from_commit_id": made}
    assert api("POST", f"{AT}/branch", branch, key=other_key).status_code == 404
    assert api("POST", f"{AT}/branch", branch, key=key).status_code == 201


def test_what_is_open_while_nobody_logs_in(api, cast, settings, key, commit):
    settings.API_REQUIRE_AUTH = False
    commit(key=key)
    body = {"notebook_path": PATH, "notebook_content": WORK, "commit_message": "m"}
    assert api("POST", f"{AT}/commit-direct", body).json()["version_number"] == "v1.0.0"
    assert NotebookHistory.objects.filter(class_ref=None, owner=None).count() == 1
    assert len(api("GET", f"{AT}/history/{PATH}?class_id={cast.python.pk}").json()["commits"]) == 1


# --- Submissions -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hand_in(api, cast, key):
    def post(content=WORK, **fields):
        body = {"assignment_id": cast.loops.pk, "student_id": cast.hanako.pk, "notebook_content": content, **fields}
        response = api("POST", "/submissions", body, key=key)
        assert response.status_code == 201, response.content
        return response.json()

    return post


def test_a_hand_in_is_kept_as_a_snapshot_of_its_student(api, cast, hand_in):
    made = hand_in()
    snapshot = NotebookSnapshot.objects.get()
    assert snapshot.stored_id == made["content_sha256"]
    assert snapshot.metadata["submission"] == {
        "id": made["id"], "assignment_id": cast.loops.pk, "student_id": cast.hanako.pk,
    }  # fmt: skip
    assert (snapshot.history.student, snapshot.history.class_ref) == (cast.hanako, cast.python)
    assert (snapshot.author_id, snapshot.author_name) == ("hanako@example.com", "Hanako")
    again = hand_in()
    assert NotebookSnapshot.objects.get().metadata["submission"]["id"] == again["id"]
    hand_in(notebook(code("other")))
    assert NotebookSnapshot.objects.count() == 2


def test_a_hand_in_is_seen_by_those_who_teach_and_by_no_key(api, cast, key, hand_in):
    hand_in()
    at = f"{AT}/snapshot/{HASH}"
    assert api("GET", at, user=cast.sato).json()["snapshot_data"] == WORK
    assert api("GET", at, user=cast.suzuki).status_code == 404
    assert api("GET", at, key=key).status_code == 403
    assert api("POST", f"{AT}/commit", {"snapshot_id": HASH, "message": "m"}, key=key).status_code == 404
    newest = api("POST", f"{AT}/snapshot", {"notebook_path": PATH}, key=key).json()
    assert newest["snapshot"]["total_cells"] == 0, "a key does not get at a hand-in by keeping the newest content"
    mine = api("POST", f"{AT}/snapshot", {"notebook_path": PATH}, user=cast.suzuki).json()
    assert mine["snapshot"]["total_cells"] == 0


def test_a_student_in_two_classes_has_a_history_in_each(api, cast, hand_in):
    hand_in()
    both = {"assignment_id": cast.traits.pk, "student_id": cast.hanako.pk, "notebook_content": WORK}
    assert api("POST", "/submissions", both, user=cast.admin).status_code == 201
    assert NotebookSnapshot.objects.count() == 2


def test_without_content_nothing_is_kept(hand_in):
    hand_in(None)
    assert not NotebookSnapshot.objects.exists()


def test_changed_content_is_kept_too(api, cast, hand_in):
    made = hand_in()
    changed = notebook(code("changed"))
    assert api("PUT", f"/submissions/{made['id']}", {"notebook_content": changed}, user=cast.sato).status_code == 200
    assert NotebookSnapshot.objects.filter(snapshot_id=receipt(changed)[:16]).exists()
    assert api("PUT", f"/submissions/{made['id']}", {"grade": 3}, user=cast.sato).status_code == 200
    assert NotebookSnapshot.objects.count() == 2


def test_a_hand_in_that_fails_leaves_no_snapshot(api, cast, monkeypatch, settings):
    settings.DEBUG = False
    body = {"assignment_id": cast.loops.pk, "student_id": cast.hanako.pk, "notebook_content": WORK}

    def fail(*_, **__):
        raise OSError

    monkeypatch.setattr("instructors.audit.record", fail)
    assert api("POST", "/submissions", body, user=cast.sato).status_code == 500
    assert not NotebookSnapshot.objects.exists()
    assert not AssignmentSubmission.objects.exists()


def test_older_hand_ins_get_theirs_by_a_command(cast, capsys):
    from django.core.management import call_command

    submissions = AssignmentSubmission.objects
    submissions.create(assignment=cast.loops, student=cast.hanako, notebook_content=WORK)
    submissions.create(assignment=cast.traits, student=cast.ken, notebook_content=WORK, content_sha256=receipt(WORK))
    submissions.create(assignment=cast.traits, student=cast.ken)
    submissions.create(assignment=cast.traits, student=cast.ken, notebook_content=[5])
    for _ in range(2):
        call_command("snapshot_submissions")
        assert capsys.readouterr().out == "Submissions with a snapshot: 2\n"
    assert (NotebookSnapshot.objects.count(), NotebookVersion.objects.count()) == (2, 0)
    assert StoredNotebook.objects.count() == 1


def test_keeping_a_hand_in_costs_a_few_statements(cast, django_assert_max_num_queries):
    for number in range(2):
        made = AssignmentSubmission.objects.create(
            assignment=cast.loops, student=cast.hanako, notebook_content=WORK, content_sha256=receipt(WORK)
        )
        if number:
            with django_assert_max_num_queries(6):
                store_submission(made)
        else:
            store_submission(made)
