"""Importing a list: set-based, repeatable, and it tells what it did."""

from datetime import UTC, datetime

from django.db import connection
from django.test.utils import CaptureQueriesContext

from lms.enrolment import Enrolled, ListedStudent, enrol_listed, remove_student
from lms.models import Student, StudentClass

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_who_is_new_is_made_and_enrolled(cast):
    done = enrol_listed(cast.python.pk, [ListedStudent(email="aoi@example.com", name="Aoi", team="A")], now=NOW)
    assert done == Enrolled(created=1, updated=0, unchanged=0)
    aoi = Student.objects.get(email="aoi@example.com")
    assert (aoi.name, aoi.team.team_name, list(aoi.classes.all())) == ("Aoi", "A", [cast.python])


def test_the_same_list_again_changes_nothing(cast):
    listed = [ListedStudent(email="aoi@example.com", name="Aoi", team="A"), ListedStudent(email="HANAKO@example.com")]
    enrol_listed(cast.python.pk, listed, now=NOW)
    before = list(Student.objects.values().order_by("pk"))
    assert enrol_listed(cast.python.pk, listed, now=datetime.now(UTC)) == Enrolled(0, 0, 2)
    assert list(Student.objects.values().order_by("pk")) == before
    assert StudentClass.objects.filter(class_ref=cast.python).count() == 2


def test_a_member_gets_the_name_and_team_of_the_list(cast):
    done = enrol_listed(cast.python.pk, [ListedStudent(email="hanako@example.com", name="花子", team="B")], now=NOW)
    assert done == Enrolled(created=0, updated=1, unchanged=0)
    member = StudentClass.objects.get(student=cast.hanako, class_ref=cast.python)
    assert (member.name, member.team.team_name) == ("花子", "B")
    cast.hanako.refresh_from_db()
    assert cast.hanako.name == "Hanako", "what one class calls her is not what all do"


def test_what_the_list_leaves_empty_stays(cast):
    assert enrol_listed(cast.python.pk, [ListedStudent(email="hanako@example.com")], now=NOW) == Enrolled(0, 0, 1)
    assert StudentClass.objects.get(student=cast.hanako, class_ref=cast.python).name == "Hanako"


def test_a_student_of_another_class_is_in_both(cast):
    assert enrol_listed(cast.python.pk, [ListedStudent(email="ken@example.com")], now=NOW).created == 1
    assert set(cast.ken.classes.all()) == {cast.python, cast.rust}


def test_the_number_of_queries_does_not_grow_with_the_list(cast):
    def cost(count: int) -> int:
        listed = [
            ListedStudent(email=f"{count}-{n}@example.com", name="N", team=f"{count} {n % 7}") for n in range(count)
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            enrol_listed(cast.python.pk, listed, now=NOW)
        return len(queries)

    assert cost(200) == cost(2) <= 12


def test_leaving_keeps_the_student(cast):
    assert remove_student(cast.python.pk, cast.hanako.pk)
    assert not remove_student(cast.python.pk, cast.hanako.pk)
    assert not cast.hanako.classes.exists()
    assert Student.objects.filter(pk=cast.hanako.pk).exists()


def test_who_is_not_in_the_class_does_not_leave_another(cast):
    assert not remove_student(cast.python.pk, cast.ken.pk)
    assert cast.ken.classes.exists()
