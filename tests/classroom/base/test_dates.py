"""Dates as people and programs give them: years that nobody can mean, whole minutes, clocks that are changed.

Of the zones of a bad row, and of the moments after each way to say a deadline, `make test` takes a part, in turn."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from classroom.assignments.selectors import assignment_list, works
from classroom.base.classrooms import classroom_of_class
from instructors import tokens
from lms.models import AssignmentSubmission, Class, ClassAssignment, StudentClass
from tests.selection import some_of

TOKYO = ZoneInfo("Asia/Tokyo")
BAD = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"]
ZONES = ["Asia/Tokyo", "Etc/GMT+12", "America/New_York", "Pacific/Kiritimati"]
ZONES_A_ROW = 2  # the first of them is where the row's time cannot be shown
ASKED = {
    "9999-12-31T23:59:59Z": "Is 9999 the right year? It must be between 1970 and 2200.",
    "0001-01-01T00:00:00Z": "Is 1 the right year? Did you mean 2001?",
    "0026-12-31T23:59": "Is 26 the right year? Did you mean 2026?",
    "0202-12-31T23:59Z": "Is 202 the right year?",
    "2206-12-31T23:59Z": "Is 2206 the right year?",
    "1969-12-31T23:59:59Z": "Is 1969 the right year?",
}


@pytest.fixture
def loops(python_class, notebook):
    return ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", points=10)


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


@pytest.fixture
def admin_client(signed_in, kaoru):
    return signed_in(kaoru)


@pytest.fixture
def call(client, kaoru):
    def call(method, path, body=None):
        headers = {"Authorization": f"Bearer {tokens.issue(kaoru, now=datetime.now(UTC))}"}
        request = getattr(client, method.lower())
        return request(f"/api/v1{path}", body, content_type="application/json", headers=headers)

    return call


def asked(answer, field):
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert (problem["loc"], problem["type"]) == (["body", field], "value_error")
    return problem["msg"]


# --- Years ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ASKED)
def test_the_api_asks_about_a_year_that_nobody_can_mean(call, python_class, notebook, loops, aoi, moment):
    new = {"class_id": python_class.pk, "notebook_id": notebook.pk, "title": "No deadline"}
    assert ASKED[moment] in asked(call("POST", "/assignments", {**new, "due_date": moment}), "due_date")
    assert ASKED[moment] in asked(call("PUT", f"/assignments/{loops.pk}", {"due_date": moment}), "due_date")
    handed_in = {"assignment_id": loops.pk, "student_id": aoi.pk, "submitted_at": moment}
    assert ASKED[moment] in asked(call("POST", "/submissions", handed_in), "submitted_at")
    for field in ("start_date", "end_date"):
        body = {"name": "X", "class_code": "X", field: moment}
        assert ASKED[moment] in asked(call("POST", "/classes", body), field)
    assert (ClassAssignment.objects.count(), AssignmentSubmission.objects.count(), Class.objects.count()) == (1, 0, 1)


def test_the_words_of_the_api_are_english_and_those_of_the_page_the_readers(client, call, loops, settings):
    at = f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/edit/"
    typed = {"title": "Loops", "notebook": "a.ipynb", "due_date": "0026-12-31T23:59"}
    problem = client.post(at, typed).context["form"].errors["due_date"][0]
    assert problem == "Is 26 the right year? Did you mean 2026?"
    answer = client.put(
        f"/api/v1/assignments/{loops.pk}",
        {"due_date": "0026-12-31T23:59"},
        content_type="application/json",
        headers={
            "Accept-Language": "ja",
            "Authorization": f"Bearer {tokens.issue(loops.class_ref.instructor, now=datetime.now(UTC))}",
        },
    )
    assert asked(answer, "due_date") == problem


@pytest.mark.parametrize("moment", ["1970-01-02T00:00:00Z", "2099-12-31T23:59:59Z", "2200-12-30T00:00:00Z"])
def test_years_that_can_be_meant_are_taken(call, loops, moment):
    assert call("PUT", f"/assignments/{loops.pk}", {"due_date": moment}).json()["due_date"] == moment


@pytest.mark.parametrize(("day", "words"), [("0026-12-31", "Did you mean 2026?"), ("9999-12-31", "between 1970")])
def test_the_administration_asks_too(admin_client, python_class, loops, notebook, aoi, day, words):
    work = AssignmentSubmission.objects.create(assignment=loops, student=aoi)
    enrolled = StudentClass.objects.get(student=aoi)

    def times(*names):
        return {f"{name}_{part}": value for name in names for part, value in ((0, day), (1, "23:59"))}

    rows = {"submissions-TOTAL_FORMS": 0, "submissions-INITIAL_FORMS": 0}
    staff = {"staff-TOTAL_FORMS": 0, "staff-INITIAL_FORMS": 0}
    forms = {
        f"classassignment/{loops.pk}": {"class_ref": python_class.pk, "notebook": notebook.pk, "title": "L", **rows}
        | times("due_date"),
        f"assignmentsubmission/{work.pk}": {"assignment": loops.pk, "student": aoi.pk, "status": "submitted"}
        | times("submitted_at"),
        f"class/{python_class.pk}": {"class_code": "PY", "name": "P", **staff} | times("start_date", "end_date"),
        f"studentclass/{enrolled.pk}": {"student": aoi.pk, "class_ref": python_class.pk, "role": "student"}
        | times("joined_at"),
        f"notebook/{notebook.pk}": {"path": "a", "name": "a"} | times("last_modified"),
    }
    for path, form in forms.items():
        answer = admin_client.post(f"/admin/lms/{path}/change/", form)
        assert answer.status_code == 200, path
        assert words in answer.content.decode(), path


# --- A row that is there nevertheless -------------------------------------------------------------------------------


@pytest.fixture(params=BAD)
def bad_rows(request, python_class, loops, aoi):
    """Rows as an earlier version stored them, with a time that cannot be shown in Tokyo, or not in New York."""
    work = AssignmentSubmission.objects.create(assignment=loops, student=aoi, notebook_content={"cells": []}, grade=7)
    with connection.cursor() as cursor:
        for table, column in (
            ("class_assignments", "due_date"),
            ("assignment_submissions", "submitted_at"),
            ("classes", "start_date"),
            ("classes", "end_date"),
            ("student_classes", "joined_at"),
            ("notebooks", "last_modified"),
        ):
            cursor.execute(f"UPDATE {table} SET {column} = %s", [request.param])
    return work


@pytest.mark.parametrize(
    ("bad_rows", "zone"),
    [(bad, zone) for number, bad in enumerate(BAD) for zone in some_of(ZONES, number, share=ZONES_A_ROW)],
    indirect=["bad_rows"],
)
def test_no_page_goes_down_with_it(settings, client, admin_client, call, python_class, loops, aoi, bad_rows, zone):
    settings.TIME_ZONE = zone
    base = f"/classes/{python_class.pk}/"
    at = f"{base}assignments/{loops.pk}/"
    pages = [
        "/", base, f"{base}setup/", f"{base}setup/students/", f"{base}assignments/", at, f"{at}edit/",
        f"{at}grades.csv", f"{at}grades.csv?decimal=comma", f"{base}submissions/{bad_rows.pk}/", f"{base}notebooks/",
        f"{base}notebooks/{loops.notebook_id}/", f"{base}students/{aoi.pk}/?part=work",
        f"{base}report/", f"{base}activity/",
    ]  # fmt: skip
    for path in pages:
        assert client.get(path).status_code == 200, path
    lists = ["class", "classassignment", "assignmentsubmission", "studentclass", "notebook"]
    forms = {"class": python_class.pk, "classassignment": loops.pk, "assignmentsubmission": bad_rows.pk}
    for path in [*lists, *(f"{name}/{pk}/change" for name, pk in forms.items()), "assignmentsubmission/export"]:
        assert admin_client.get(f"/admin/lms/{path}/").status_code == 200, path
    by_email = ["/analytics/predictions?email=", "/progress/student/"]
    reads = ["/classes", "/assignments", f"/assignments/{loops.pk}", "/submissions", f"/submissions/{bad_rows.pk}"]
    for path in [*reads, "/notebooks", *(f"{path}{aoi.email}" for path in by_email)]:
        assert call("GET", path).status_code == 200, path
    assert call("GET", "/submissions").json()[0]["grade"] == 7


def test_it_can_be_put_right(client, loops, bad_rows):
    at = f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/edit/"
    typed = {"title": "Loops", "notebook": "a.ipynb"}
    shown = client.get(at).context["form"]["due_date"].value()
    assert "right year?" in client.post(at, {**typed, "due_date": shown}).context["form"].errors["due_date"][0]
    assert client.post(at, {**typed, "due_date": "2026-12-31T23:59"}).status_code == 302
    loops.refresh_from_db()
    assert loops.due_date == datetime(2026, 12, 31, 14, 59, tzinfo=UTC)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "0001-01-01T00:00/0001-01-01T01:00"])
def test_a_lesson_of_such_a_day_is_none(client, python_class, aoi, day):
    assert client.get(f"/classes/{python_class.pk}/report/", {"lesson": day}).status_code in (200, 404)


# --- Minutes --------------------------------------------------------------------------------------------------------

DUE = datetime(2026, 12, 1, 23, 59, tzinfo=TOKYO)
SECONDS = timedelta(seconds=1)


def typed_on_the_page(client, call, loops):
    form = {"title": "Loops", "notebook": loops.notebook.path, "due_date": "2026-12-01T23:59"}
    assert client.post(f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/edit/", form).status_code == 302


def sent_to_the_api(client, call, loops):
    assert call("PUT", f"/assignments/{loops.pk}", {"due_date": "2026-12-01T23:59+09:00"}).status_code == 200


def sent_by_a_browser(client, call, loops):
    assert call("PUT", f"/assignments/{loops.pk}", {"due_date": "2026-12-01T14:59:00.000Z"}).status_code == 200


def sent_without_a_zone(client, call, loops):
    assert call("PUT", f"/assignments/{loops.pk}", {"due_date": "2026-12-01T14:59"}).status_code == 200


def stored_before(client, call, loops):
    ClassAssignment.objects.update(due_date=DUE)


GIVEN = [typed_on_the_page, sent_to_the_api, sent_by_a_browser, sent_without_a_zone, stored_before]
AFTER = [
    (60 * SECONDS, True),
    (60 * SECONDS - timedelta(microseconds=1), False),
    (30 * SECONDS, False),
    (timedelta(0), False),
]
AFTER_EACH = 1


@pytest.mark.parametrize(
    ("given", "after", "is_late"),
    [(given, *after) for number, given in enumerate(GIVEN) for after in some_of(AFTER, number, share=AFTER_EACH)],
)
def test_due_at_a_minute_means_all_of_it_everywhere(client, call, loops, aoi, hanako, given, after, is_late):
    given(client, call, loops)
    loops.refresh_from_db()
    assert loops.due_date == DUE
    work = AssignmentSubmission.objects.create(assignment=loops, student=aoi, submitted_at=DUE + after)
    base = f"/classes/{loops.class_ref_id}/"
    at = f"{base}assignments/{loops.pk}/"
    assert call("GET", f"/submissions/{work.pk}").json()["is_late"] is is_late
    [(_, counts)] = client.get(f"{base}assignments/").context["assignments"]
    page = client.get(at)
    assert (counts.late, page.context["page"].figures.late) == (is_late, is_late)
    assert "2026-12-01 23:59" in page.content.decode()
    assert ("min late" in page.content.decode()) is is_late
    assert ("min late" in client.get(f"{base}submissions/{work.pk}/").content.decode()) is is_late
    assert ("· late" in client.get(f"{base}students/{aoi.pk}/?part=work").content.decode()) is is_late
    [row] = call("GET", f"/analytics/predictions?assignment_id={loops.pk}").json()["predictions"]
    assert row["completion_probability"] == (0.0 if is_late else 1.0)
    assert client.get(f"{at}edit/").context["form"]["due_date"].value() == "2026-12-01T23:59"


@pytest.mark.parametrize(("after", "is_late"), [(timedelta(0), False), (timedelta(microseconds=1), True)])
def test_with_seconds_it_is_exact(call, client, loops, aoi, after, is_late):
    assert call("PUT", f"/assignments/{loops.pk}", {"due_date": "2026-12-01T23:59:30+09:00"}).status_code == 200
    work = AssignmentSubmission.objects.create(assignment=loops, student=aoi, submitted_at=DUE + 30 * SECONDS + after)
    assert call("GET", f"/submissions/{work.pk}").json()["is_late"] is is_late
    [(_, counts)] = client.get(f"/classes/{loops.class_ref_id}/assignments/").context["assignments"]
    assert counts.late == is_late


def test_seconds_that_the_form_does_not_show_are_kept(client, loops):
    due = datetime(2026, 12, 1, 14, 59, 59, tzinfo=UTC)
    ClassAssignment.objects.update(due_date=due)
    form = {"title": "Loops II", "notebook": loops.notebook.path, "due_date": "2026-12-01T23:59"}
    client.post(f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/edit/", form)
    loops.refresh_from_db()
    assert (loops.title, loops.due_date) == ("Loops II", due)


@pytest.mark.parametrize(("after", "is_over"), [(59 * SECONDS, False), (60 * SECONDS, True)])
def test_it_is_over_at_the_end_of_its_minute(python_class, loops, aoi, hanako, after, is_over):
    ClassAssignment.objects.update(due_date=DUE)
    loops.refresh_from_db()
    classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
    [work] = works(classroom, loops, now=DUE + after)
    assert work.is_overdue is is_over
    assert assignment_list(classroom)[0][1].late == 0


@pytest.mark.parametrize("date", ["2026-12-01", "20261201"])
def test_a_date_alone_means_its_whole_day(call, loops, date):
    answer = call("PUT", f"/assignments/{loops.pk}", {"due_date": date})
    assert answer.json()["due_date"] == "2026-12-01T23:59:00Z"
    assert call("POST", "/classes", {"name": "X", "class_code": "X", "end_date": date}).status_code == 201
    assert Class.objects.get(class_code="X").end_date == datetime(2026, 12, 1, 23, 59, tzinfo=UTC)


# --- Clocks that are changed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "typed", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00+00:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "On 2026-03-29 the clocks are put forward, and 02:30 does not exist."),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T01:30:00+00:00"),  # the later of the two
        ("America/New_York", "2026-03-08T02:30", "On 2026-03-08 the clocks are put forward, and 02:30 does not exist."),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T06:30:00+00:00"),
        ("Asia/Tokyo", "2026-03-29T02:30", "2026-03-28T17:30:00+00:00"),
        ("Asia/Tokyo", "２０２６/０３/２９ ０２:３０", "2026-03-28T17:30:00+00:00"),
    ],
)
def test_an_hour_that_does_not_exist_or_exists_twice(settings, client, loops, zone, typed, expected):
    settings.TIME_ZONE = zone
    at = f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/edit/"
    answer = client.post(at, {"title": "Loops", "notebook": loops.notebook.path, "due_date": typed})
    loops.refresh_from_db()
    if answer.status_code == 302:
        assert loops.due_date.astimezone(UTC).isoformat() == expected
        again = client.get(at).context["form"]["due_date"].value()
        assert client.post(at, {"title": "L", "notebook": loops.notebook.path, "due_date": again}).status_code == 302
        loops.refresh_from_db()
        assert loops.due_date.astimezone(UTC).isoformat() == expected
    else:
        assert answer.context["form"].errors["due_date"][0] == f"{expected} Choose another time."
        assert loops.due_date is None


def test_the_administration_says_so_too(settings, admin_client, loops):
    settings.TIME_ZONE = "Europe/Berlin"
    form = {"class_ref": loops.class_ref_id, "notebook": loops.notebook_id, "title": "Loops"}
    form |= {"submissions-TOTAL_FORMS": 0, "submissions-INITIAL_FORMS": 0}
    form |= {"due_date_0": "2026-03-29", "due_date_1": "02:30"}
    answer = admin_client.post(f"/admin/lms/classassignment/{loops.pk}/change/", form)
    assert answer.status_code == 200
    assert "it may be ambiguous or it may not exist" in answer.content.decode()


# --- The table of grades --------------------------------------------------------------------------------------------


def test_times_name_their_zone_and_numbers_their_way_of_counting(client, admin_client, loops, aoi, ren):
    AssignmentSubmission.objects.create(
        assignment=loops, student=aoi, submitted_at=DUE, grade=7.5, feedback="3.5; gut, weiter"
    )
    at = f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/"
    for path in (f"{at}grades.csv", "/admin/lms/assignmentsubmission/export/"):
        rows = list(csv.DictReader(io.StringIO(_text(admin_client.get(path)))))
        assert (rows[0]["submitted_at"], rows[0]["grade"]) == ("2026-12-01 23:59:00+09:00", "7.5")
        assert datetime.fromisoformat(rows[0]["submitted_at"]) == DUE
    text = _text(client.get(f"{at}grades.csv?decimal=comma"))
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [row["grade"] for row in rows] == ["7,5", ""]
    assert rows[0]["feedback"] == "3.5; gut, weiter"
    assert f'{at}grades.csv?decimal=comma"' in client.get(at).content.decode()


def _text(answer):
    assert answer.status_code == 200
    return answer.content.decode("utf-8-sig")
