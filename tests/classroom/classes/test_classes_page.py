"""The list of my classes and its figures."""

from datetime import UTC, datetime, timedelta

from classroom.classes.selectors import overview
from events.student_status import student_rows
from lms.access import EVERYTHING
from lms.models import Class, ClassStaff, Student, StudentClass


def figures(account):
    now = datetime.now(UTC)
    return {found.class_code: numbers for found, numbers in overview(user=account, now=now).classes}


def test_only_my_classes_are_listed(signed_in, hanako, taro, python_class):
    assert "Python 入門" in signed_in(hanako).get("/").content.decode()
    assert "Python 入門" not in signed_in(taro).get("/").content.decode()


def test_an_assistant_sees_the_class(signed_in, taro, python_class):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert "Python 入門" in signed_in(taro).get("/").content.decode()


def test_the_figures_agree_with_the_live_page(hanako, enrol, flag):
    now = datetime.now(UTC)
    for number in range(32):
        student = enrol(
            f"s{number}@example.com",
            last_activity_at=now - timedelta(seconds=200) if number & 1 else now,
            last_run_failed=bool(number & 2),
            is_requesting_help=bool(number & 4),
            help_requested_at=now,
        )
        if number & 8:
            flag(student, 3)
    statuses = [row["status"] for row in student_rows(Student.objects.all(), scope=EVERYTHING, now=now)]
    counted = figures(hanako)["PY"]
    assert counted.students == 32
    assert counted.active == statuses.count("active")
    assert counted.asking == statuses.count("help")
    assert counted.significant == statuses.count("significant_error")


def test_the_number_of_queries_does_not_grow_with_the_classes(
    signed_in, hanako, python_class, django_assert_max_num_queries
):
    for number in range(20):
        more = Class.objects.create(class_code=f"C{number}", name="More", instructor=hanako)
        student = Student.objects.create(email=f"{number}@example.com")
        StudentClass.objects.create(class_ref=more, student=student)
    client = signed_in(hanako)
    with django_assert_max_num_queries(4):
        client.get("/")


def test_everybody_is_for_admins_while_logins_are_required(signed_in, hanako, kaoru, stranger):
    assert "Stranger" in signed_in(kaoru).get("/everybody/").content.decode()
    assert "/everybody/" not in signed_in(hanako).get("/").content.decode()
    assert signed_in(hanako).get("/everybody/").status_code == 404
    assert signed_in(hanako).get("/everybody/cards/").status_code == 404
    assert signed_in(hanako).get(f"/everybody/students/{stranger.pk}/").status_code == 404


def test_everybody_is_for_every_instructor_while_the_api_is_open(signed_in, hanako, stranger, settings):
    settings.API_REQUIRE_AUTH = False
    client = signed_in(hanako)
    assert "/everybody/" in client.get("/").content.decode()
    assert "Stranger" in client.get("/everybody/").content.decode()
    assert client.get(f"/everybody/students/{stranger.pk}/").status_code == 200
