"""Who may see and change what, with logins on: nobody, the own class's instructor, another's, an admin, a class key."""

from datetime import UTC, datetime, timedelta

import pytest

from instructors import tokens
from lms.models import AssignmentSubmission, Class, ClassStaff, Student, StudentClass
from tests.lms.conftest import filled, key_of

pytestmark = pytest.mark.usefixtures("redis", "locked")

# Every endpoint, on a row of Sato's class: method, path, a body that would do.
ROWS = [
    ("GET", "/classes/{python}", None),
    ("PUT", "/classes/{python}", {"name": "Mine"}),
    ("DELETE", "/classes/{python}", None),
    ("GET", "/assignments/{loops}", None),
    ("PUT", "/assignments/{loops}", {"title": "Mine"}),
    ("DELETE", "/assignments/{loops}", None),
    ("GET", "/submissions/{handed_in}", None),
    ("PUT", "/submissions/{handed_in}", {"grade": 1}),
    ("DELETE", "/submissions/{handed_in}", None),
    ("GET", "/students/{hanako}", None),
]
LISTS = ["/classes", "/assignments", "/submissions", "/students"]
WRITES = [
    ("POST", "/classes", {"name": "Go", "class_code": "GO"}),
    ("POST", "/assignments", {"class_id": "{python}", "notebook_id": "{notebook}", "title": "New"}),
    ("POST", "/submissions", {"assignment_id": "{loops}", "student_id": "{hanako}"}),
    ("POST", "/notebooks", {"path": "new.ipynb"}),
]
EVERYTHING = [*ROWS, *[("GET", path, None) for path in [*LISTS, "/notebooks"]], *WRITES]


def ids_of(each):
    return f"{each[0]} {each[1]}" if isinstance(each, tuple) else None


every_endpoint = pytest.mark.parametrize("endpoint", EVERYTHING, ids=ids_of)


@pytest.fixture
def handed_in(cast) -> AssignmentSubmission:
    return AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.hanako)


@pytest.fixture
def reach(api, cast, handed_in):
    """Call an endpoint of the tables."""

    def call(endpoint, **who):
        method, path, body = endpoint
        ids = {**cast.ids(), "handed_in": handed_in.pk}
        return api(method, path.format(**ids), filled(body, ids), **who)

    return call


@pytest.fixture
def key(cast):
    return key_of(cast.python, "python-key")


# --- Nobody ---------------------------------------------------------------------------------------------------------


@every_endpoint
def test_nobody_is_refused_before_anything_is_looked_at(reach, endpoint):
    response = reach(endpoint)
    assert (response.status_code, response.json()) == (403, {"detail": "Not authenticated"})


@every_endpoint
def test_another_scheme_is_nobody(reach, endpoint):
    assert reach(endpoint, Authorization="Basic c2F0bzp4").json() == {"detail": "Not authenticated"}


@every_endpoint
def test_a_bad_token_is_401(reach, endpoint):
    response = reach(endpoint, Authorization="Bearer nonsense")
    assert (response.status_code, response.json()) == (401, {"detail": "Could not validate credentials"})
    assert response["WWW-Authenticate"] == "Bearer"


@every_endpoint
def test_a_deactivated_instructor_is_403(cast, reach, endpoint):
    response = reach(endpoint, user=cast.gone)
    assert (response.status_code, response.json()) == (403, {"detail": "Inactive account"})


def test_an_expired_token_is_401(api, cast):
    old = tokens.issue(cast.sato, now=datetime.now(UTC) - timedelta(days=1))
    assert api("GET", "/classes", Authorization=f"Bearer {old}").status_code == 401


@pytest.mark.parametrize("path", ["/classes/abc", "/assignments/abc", "/submissions/abc", "/students/abc"])
def test_credentials_come_before_path_ids(api, path):
    assert api("GET", path).status_code == 403


# --- Instructors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ROWS, ids=ids_of)
def test_others_rows_do_not_exist(cast, reach, handed_in, endpoint):
    response = reach(endpoint, user=cast.suzuki)
    assert response.status_code == 404
    assert response.json()["detail"].endswith("not found")
    handed_in.refresh_from_db()
    assert (Class.objects.get(pk=cast.python.pk).name, handed_in.grade) == ("Python", None)


@pytest.mark.parametrize("who", ["sato", "admin", "assistant"])
@pytest.mark.parametrize("endpoint", ROWS, ids=ids_of)
def test_own_rows_are_reached(cast, reach, endpoint, who):
    user = cast.suzuki if who == "assistant" else getattr(cast, who)
    if who == "assistant":
        ClassStaff.objects.create(class_ref=cast.python, instructor=user, role="assistant")
    expected = (403,) if who == "assistant" and endpoint[0] != "GET" else (200, 409)
    assert reach(endpoint, user=user).status_code in expected


@pytest.mark.parametrize("path", LISTS)
def test_lists_hold_own_rows_only(api, cast, handed_in, path):
    AssignmentSubmission.objects.create(assignment=cast.traits, student=cast.ken)
    sato, suzuki, admin = (
        {each["id"] for each in api("GET", path, user=user).json()} for user in (cast.sato, cast.suzuki, cast.admin)
    )
    assert len(sato) == len(suzuki) == 1
    assert admin == sato | suzuki
    assert len(admin) == 2


def test_filters_do_not_widen_a_list(api, cast, handed_in):
    for path in (
        f"/assignments?class_id={cast.python.pk}",
        f"/students?class_id={cast.python.pk}",
        "/students?email=hanako@example.com",
        f"/submissions?assignment_id={cast.loops.pk}",
        f"/submissions?student_id={cast.hanako.pk}",
        "/submissions?email=hanako@example.com",
        f"/notebooks?class_id={cast.python.pk}",
    ):
        assert api("GET", path, user=cast.suzuki).json() == [], path


def test_an_admin_sees_students_of_no_class(api, cast):
    alone = Student.objects.create(email="alone")
    assert api("GET", f"/students/{alone.pk}", user=cast.admin).status_code == 200
    assert api("GET", f"/students/{alone.pk}", user=cast.sato).status_code == 404


def test_a_shared_student_shows_only_the_viewers_classes(api, cast):
    StudentClass.objects.create(student=cast.hanako, class_ref=cast.rust)
    assert api("GET", f"/students/{cast.hanako.pk}", user=cast.suzuki).json()["classes"] == [cast.rust.pk]
    assert len(api("GET", f"/students/{cast.hanako.pk}", user=cast.admin).json()["classes"]) == 2


def test_notebooks_are_everybodys(api, cast):
    assert len(api("GET", "/notebooks", user=cast.suzuki).json()) == 1


REFERENCES = [
    ("PUT", "/assignments/{traits}", {"class_id": "{python}"}, "Class"),
    ("POST", "/assignments", {"class_id": "{python}", "notebook_id": "{notebook}", "title": "New"}, "Class"),
    ("POST", "/submissions", {"assignment_id": "{loops}", "student_id": "{ken}"}, "Assignment"),
    ("POST", "/submissions", {"assignment_id": "{traits}", "student_id": "{hanako}"}, "Student"),
    ("PUT", "/submissions/{kens}", {"assignment_id": "{loops}"}, "Assignment"),
    ("PUT", "/submissions/{kens}", {"student_id": "{hanako}"}, "Student"),
]


@pytest.mark.parametrize(("method", "path", "body", "noun"), REFERENCES)
def test_nothing_is_tied_to_others_rows(api, cast, method, path, body, noun):
    kens = AssignmentSubmission.objects.create(assignment=cast.traits, student=cast.ken)
    ids = {**cast.ids(), "kens": kens.pk}
    response = api(method, path.format(**ids), filled(body, ids), user=cast.suzuki)
    assert response.status_code == 404
    assert response.json()["detail"].startswith(f"{noun} with id")


def test_moving_an_assignment_needs_both_classes(api, cast):
    body = {"class_id": cast.rust.pk}
    assert api("PUT", f"/assignments/{cast.loops.pk}", body, user=cast.sato).status_code == 404
    ClassStaff.objects.create(class_ref=cast.rust, instructor=cast.sato)
    assert api("PUT", f"/assignments/{cast.loops.pk}", body, user=cast.sato).json()["class_id"] == cast.rust.pk


NEW_CLASS = {"name": "Go", "class_code": "GO"}


def test_whoever_makes_a_class_teaches_it(api, cast):
    made = api("POST", "/classes", NEW_CLASS, user=cast.sato).json()
    assert Class.objects.get(pk=made["id"]).instructor == cast.sato
    assert api("GET", f"/classes/{made['id']}", user=cast.sato).status_code == 200
    assert api("GET", f"/classes/{made['id']}", user=cast.suzuki).status_code == 404


def test_only_an_admin_names_another_instructor(api, cast):
    body = {**NEW_CLASS, "instructor_id": cast.suzuki.pk}
    response = api("POST", "/classes", body, user=cast.sato)
    assert (response.status_code, response.json()) == (403, {"detail": "Not enough permissions"})
    made = api("POST", "/classes", body, user=cast.admin).json()
    assert Class.objects.get(pk=made["id"]).instructor == cast.suzuki


def test_a_taken_code_says_no_more_than_that(api, cast):
    response = api("POST", "/classes", {"name": "Mine", "class_code": "PY-101"}, user=cast.suzuki)
    assert (response.status_code, response.json()) == (400, {"detail": "Class with code 'PY-101' already exists"})


# --- Class keys -----------------------------------------------------------------------------------------------------

FOR_STUDENTS = [
    ("GET", "/assignments", None),
    ("GET", "/assignments/{loops}", None),
    ("GET", "/me?email=hanako@example.com", None),
    ("POST", "/submissions", {"assignment_id": "{loops}", "student_id": "{hanako}"}),
]
NOT_FOR_STUDENTS = [
    each
    for each in EVERYTHING
    if each[:2] not in [("GET", "/assignments"), ("GET", "/assignments/{loops}"), ("POST", "/submissions")]
]


@pytest.mark.parametrize("endpoint", FOR_STUDENTS, ids=ids_of)
def test_a_key_opens_what_students_call(reach, key, endpoint):
    assert reach(endpoint, key=key).status_code in (200, 201)


@pytest.mark.parametrize("endpoint", NOT_FOR_STUDENTS, ids=ids_of)
def test_a_key_opens_nothing_else(reach, key, endpoint):
    assert reach(endpoint, key=key).json() == {"detail": "Not authenticated"}


@pytest.mark.parametrize("endpoint", FOR_STUDENTS, ids=ids_of)
def test_a_wrong_key_is_401(reach, endpoint):
    response = reach(endpoint, key="wrong")
    assert (response.status_code, response.json()) == (401, {"detail": "Unknown class key"})


@pytest.mark.parametrize("endpoint", FOR_STUDENTS, ids=ids_of)
def test_a_revoked_key_is_401(cast, reach, endpoint):
    assert reach(endpoint, key=key_of(cast.python, "old", revoked_at=datetime.now(UTC))).status_code == 401


@pytest.mark.parametrize("endpoint", FOR_STUDENTS, ids=ids_of)
def test_a_key_of_an_inactive_class_is_403(cast, reach, key, endpoint):
    Class.objects.filter(pk=cast.python.pk).update(is_active=False)
    response = reach(endpoint, key=key)
    assert (response.status_code, response.json()) == (403, {"detail": "This class is not active"})


def test_a_key_travels_in_the_address_too(api, cast, key):
    assert [each["id"] for each in api("GET", f"/assignments?key={key}").json()] == [cast.loops.pk]


def test_blanks_around_a_key_are_no_part_of_it(api, cast, key):
    assert api("GET", "/me?email=hanako@example.com", key=f" {key} ").status_code == 200
    assert api("GET", f"/me?email=hanako@example.com&key={key}%20").status_code == 200


def test_a_key_notes_its_use(api, cast, key):
    api("GET", "/assignments", key=key)
    assert cast.python.keys.get().last_used_at is not None


def test_a_key_opens_only_its_class(api, cast, key):
    AssignmentSubmission.objects.create(assignment=cast.traits, student=cast.ken)
    assert [each["id"] for each in api("GET", "/assignments", key=key).json()] == [cast.loops.pk]
    assert api("GET", f"/assignments?class_id={cast.rust.pk}", key=key).json() == []
    assert api("GET", f"/assignments/{cast.traits.pk}", key=key).status_code == 404
    for body in (
        {"assignment_id": cast.traits.pk, "student_id": cast.hanako.pk},
        {"assignment_id": cast.loops.pk, "student_id": cast.ken.pk},
    ):
        assert api("POST", "/submissions", body, key=key).status_code == 404


QUERIES = ["", "?email=hanako@example.com", "?student_id={hanako}", "?assignment_id={loops}"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_key_reads_nothing_of_what_was_handed_in(api, cast, handed_in, key, query):
    """Classmates share it: neither work nor grade nor feedback, whoever asks."""
    AssignmentSubmission.objects.update(grade=7, feedback="secret")
    for path in (f"/submissions{query.format(**cast.ids())}", f"/submissions/{handed_in.pk}"):
        response = api("GET", path, key=key)
        assert (response.status_code, response.json()) == (403, {"detail": "Not authenticated"})


def test_a_key_hands_in_and_is_answered_with_the_receipt(api, cast, handed_in, key):
    AssignmentSubmission.objects.update(grade=7, feedback="secret", submission_comment="mine")
    content = {"cells": []}
    body = {"assignment_id": cast.loops.pk, "student_id": cast.hanako.pk, "notebook_content": content}
    response = api("POST", f"/submissions?key={key}", body)
    assert response.status_code == 201
    made = response.json()
    assert (made["notebook_content"], made["attempt"], len(made["content_sha256"])) == (content, 2, 64)
    assert (made["grade"], made["feedback"], made["submission_comment"]) == (None, None, None)


def test_a_key_tells_of_a_classmate_their_number_alone(api, cast, handed_in, key):
    Student.objects.update(name="Secret Name", is_requesting_help=True)
    response = api("GET", "/me?email=HANAKO@example.com", key=key)
    found = response.json()
    assert found.keys() == {"student_id", "classes", "assignments"}
    assert (found["student_id"], found["assignments"][0]["submitted_at"]) == (cast.hanako.pk, None)
    for said in ("Secret", "hanako@", "secret"):
        assert said not in response.content.decode()


def test_a_report_with_a_key_says_nothing_of_the_one_before(api, cast, key):
    said = {"student_email": "hanako@example.com", "environment": {"packages": {"numpy": "1", "secret-package": "2"}}}
    assert api("POST", "/environment/snapshot", said, key=key).status_code == 201
    response = api("POST", "/environment/snapshot", {**said, "environment": {"packages": {}}}, key=key)
    made = response.json()
    assert (made["changed_packages_count"], made["snapshot"]["changed_packages"]) == (0, [])
    assert "secret-package" not in response.content.decode()


def test_a_student_grades_nothing(api, cast, key):
    body = {
        "assignment_id": cast.loops.pk,
        "student_id": cast.hanako.pk,
        "submission_comment": "Done",
        "grade": 100,
        "feedback": "Great",
        "status": "graded",
        "submitted_at": "2001-01-01T00:00:00Z",
    }
    made = api("POST", "/submissions", body, key=key).json()
    assert (made["grade"], made["feedback"], made["status"]) == (None, None, "submitted")
    assert made["submission_comment"] == "Done"
    assert made["submitted_at"] > "2025"


def test_a_key_narrows_also_where_nobody_has_to_log_in(api, cast, key, settings):
    settings.API_REQUIRE_AUTH = False
    assert len(api("GET", "/assignments").json()) == 2
    assert len(api("GET", "/assignments", key=key).json()) == 1
    assert api("GET", "/assignments", key="wrong").status_code == 401


def test_without_logins_everything_is_open(api, cast, settings):
    settings.API_REQUIRE_AUTH = False
    for path in [*LISTS, "/notebooks"]:
        assert api("GET", path).status_code == 200
    made = api("POST", "/classes", NEW_CLASS).json()
    assert Class.objects.get(pk=made["id"]).instructor is None


@pytest.mark.parametrize("who", ["gone", "nonsense"])
def test_without_logins_a_token_that_opens_nothing_is_no_token(api, cast, settings, who):
    settings.API_REQUIRE_AUTH = False
    said = {"user": cast.gone} if who == "gone" else {"Authorization": "Bearer nonsense"}
    assert api("POST", "/classes", NEW_CLASS, **said).status_code == 201


def test_without_logins_whoever_is_logged_in_teaches_what_they_make(api, cast, settings):
    settings.API_REQUIRE_AUTH = False
    made = api("POST", "/classes", NEW_CLASS, user=cast.sato).json()
    assert Class.objects.get(pk=made["id"]).instructor == cast.sato
