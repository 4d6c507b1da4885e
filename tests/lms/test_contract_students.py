"""docs/contract/http.md section 5a: students and `GET /me`."""

from datetime import UTC, datetime

import pytest

from lms.models import AssignmentSubmission, ClassAssignment, Student, StudentClass, Team
from tests.lms.conftest import key_of, problem, rows_of, the_problem

FIELDS = {
    "id",
    "email",
    "name",
    "team",
    "classes",
    "is_requesting_help",
    "last_activity_at",
    "student_number",
    "reading",
}
row = rows_of("http 5a")


def emails(response):
    assert response.status_code == 200, response.content
    return [each["email"] for each in response.json()]


def test_a_student(api, cast):
    team = Team.objects.create(team_name="チームA")
    seen = datetime(2025, 5, 12, 8, tzinfo=UTC)
    Student.objects.filter(pk=cast.hanako.pk).update(team=team, last_activity_at=seen)
    StudentClass.objects.create(student=cast.hanako, class_ref=cast.rust)
    expected = {
        "id": cast.hanako.pk,
        "email": "hanako@example.com",
        "name": "Hanako",
        "team": "チームA",
        "classes": [cast.python.pk, cast.rust.pk],
        "is_requesting_help": False,
        "last_activity_at": "2025-05-12T08:00:00Z",
        "student_number": None,
        "reading": None,
    }
    assert api("GET", f"/students/{cast.hanako.pk}").json() == expected
    assert api("GET", "/students").json()[0] == expected


def test_number_and_reading_are_those_of_the_class(api, cast):
    """(D): of the class that is asked for, else of the newest class that has one."""
    StudentClass.objects.filter(student=cast.hanako).update(student_number="B-1", reading="はなこ")
    StudentClass.objects.create(student=cast.hanako, class_ref=cast.rust, student_number="R-1")
    named = ("student_number", "reading")
    one = api("GET", f"/students/{cast.hanako.pk}").json()
    assert [one[name] for name in named] == ["R-1", "はなこ"]
    for course, expected in ((cast.python, ["B-1", "はなこ"]), (cast.rust, ["R-1", None])):
        rows = api("GET", f"/students?class_id={course.pk}&email=hanako@example.com").json()
        assert [rows[0][name] for name in named] == expected


def test_a_student_of_nothing(api, db):
    quiet = Student.objects.create(email="quiet")
    found = api("GET", f"/students/{quiet.pk}").json()
    assert set(found) == FIELDS
    assert (found["name"], found["team"], found["classes"], found["last_activity_at"]) == (None, None, [], None)


FILTERS = [
    row("GET /students", "", ["hanako@example.com", "ken@example.com"]),
    row("GET /students email without case", "email=HANAKO@Example.com", ["hanako@example.com"]),
    row("GET /students unknown email", "email=nobody", []),
    row("GET /students class_id", "class_id={rust}", ["ken@example.com"]),
    row("GET /students unknown class_id", "class_id=999999", []),
    row("GET /students team", "team=A", ["ken@example.com"]),
    row("GET /students unknown team", "team=B", []),
    row("GET /students all filters", "team=A&class_id={rust}&email=ken@example.com", ["ken@example.com"]),
    row("GET /students skip and limit", "skip=1&limit=1", ["ken@example.com"]),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_filters(api, cast, query, expected):
    Student.objects.filter(pk=cast.ken.pk).update(team=Team.objects.create(team_name="A"))
    assert emails(api("GET", f"/students?{query.format(**cast.ids())}")) == expected


@pytest.mark.parametrize("query", ["class_id=x", "limit=0", "limit=1001", "skip=-1", "email=a%00", "team=%00"])
def test_a_bad_query_is_422(api, query):
    assert the_problem(api("GET", f"/students?{query}"))["loc"] == ["query", query.partition("=")[0]]


def test_a_list_costs_two_queries(api, cast, django_assert_num_queries):
    with django_assert_num_queries(2):
        api("GET", "/students")


def test_an_unknown_student(api):
    response = api("GET", "/students/999999")
    assert (response.status_code, response.json()) == (404, {"detail": "Student with id 999999 not found"})
    assert the_problem(api("GET", "/students/x")) == problem(["path", "student_id"], "int_parsing")


@pytest.mark.parametrize("path", ["/students/", "/v1/students", "/v1/students/"])
def test_every_form_of_the_path(api, path):
    assert len(emails(api("GET", path))) == 2


# --- GET /me --------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(cast):
    return key_of(cast.python, "python-key")


def test_me_tells_ids_and_what_is_to_be_handed_in(api, cast, key):
    ClassAssignment.objects.create(class_ref=cast.python, notebook=cast.notebook, title="Strings")
    for day in (3, 2):
        AssignmentSubmission.objects.create(
            assignment=cast.loops, student=cast.hanako, submitted_at=datetime(2025, 5, day, tzinfo=UTC)
        )
    AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.ken)
    found = api("GET", "/me?email=Hanako@example.com", key=key)
    assert found.status_code == 200, found.content
    strings = ClassAssignment.objects.get(title="Strings")
    common = {"notebook_path": "lesson/loops.ipynb"}
    assert found.json() == {
        "student_id": cast.hanako.pk,
        "classes": [{"id": cast.python.pk, "name": "Python", "class_code": "PY-101"}],
        "assignments": [
            {
                **common,
                "id": cast.loops.pk,
                "title": "Loops",
                "due_date": "2030-01-01T00:00:00Z",
                "submitted_at": None,
            },
            {**common, "id": strings.pk, "title": "Strings", "due_date": None, "submitted_at": None},
        ],
    }


def test_me_takes_the_key_from_the_address(api, cast, key):
    assert api("GET", f"/me/?email=hanako@example.com&key={key}").json()["student_id"] == cast.hanako.pk


def test_me_of_somebody_who_is_not_enrolled(api, key):
    response = api("GET", "/me?email=ken@example.com", key=key)
    assert (response.status_code, response.json()) == (404, {"detail": "Student not found"})


@pytest.mark.parametrize("query", ["", "?email="])
def test_me_wants_an_address(api, key, query):
    assert the_problem(api("GET", f"/me{query}", key=key)) == problem(["query", "email"], "missing")


def test_me_without_a_key_or_with_a_wrong_one(api, cast):
    assert api("GET", "/me?email=hanako@example.com").status_code == 401
    assert api("GET", "/me?email=hanako@example.com", user=cast.admin).status_code == 401
    response = api("GET", "/me?email=hanako@example.com", key="wrong")
    assert (response.status_code, response.json()) == (401, {"detail": "Unknown class key"})
