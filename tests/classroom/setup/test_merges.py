"""Two students merged and addresses corrected on the pages: seen first, allowed only in one's own classes."""

import pytest
from django.conf import settings as django_settings

from events.models import CellExecution
from instructors.models import AuditLog
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassAssignment,
    ClassStaff,
    Student,
    StudentActivity,
    StudentAddress,
    StudentClass,
)


@pytest.fixture
def at(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/students/merge/"


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


def address_of(python_class, student):
    return f"/classes/{python_class.pk}/setup/students/{student.pk}/address/"


def counts(page):
    """By the words of the kind: of the one who stays, of the other."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [row.split("<") for row in body.split("<tr>")[1:]]
    return {row[1].partition(">")[2]: (row[3].partition(">")[2], row[5].partition(">")[2]) for row in rows}


def test_a_preview_says_what_follows_and_changes_nothing(client, at, aoi, ren, run, python_class, notebook):
    run(ren)
    loops = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops")
    AssignmentSubmission.objects.create(assignment=loops, student=aoi, grade=7)
    AssignmentSubmission.objects.create(assignment=loops, student=ren)
    page = client.post(at, {"student": [aoi.pk, ren.pk]}).content.decode()
    found = counts(page)
    assert found["Runs"] == ("0", "1")
    assert found["Hand-ins"] == ("1", "1")
    assert found["of these with a grade"] == ("1", "0")
    assert "all 2 hand-ins are kept as attempts" in page
    assert "It has no grade yet" in page
    assert Student.objects.count() == 2
    swapped = client.post(at, {"student": [aoi.pk, ren.pk], "keep": ren.pk, "step": "check"}).content.decode()
    assert counts(swapped)["Runs"] == ("1", "0")


def test_they_are_one_afterwards_with_an_entry_in_the_audit_log(client, at, aoi, ren, run, python_class):
    run(ren)
    sent = {"student": [aoi.pk, ren.pk], "keep": aoi.pk, "step": "merge", "keep_old": "1"}
    assert "Aoi is one person now" in client.post(at, sent, follow=True).content.decode()
    assert CellExecution.objects.get().student == aoi
    assert StudentAddress.objects.get().email == "ren@example.com"
    entry = AuditLog.objects.get()
    assert (entry.action, entry.target_id) == ("student_merge", "aoi@example.com")
    assert entry.details["merged"] == ren.pk
    assert entry.details["counts"]["runs"] == 1
    assert client.post(at, sent).status_code == 404  # sent twice


def test_the_old_address_may_be_somebody_elses(client, at, aoi, ren):
    client.post(at, {"student": [aoi.pk, ren.pk], "keep": aoi.pk, "step": "merge"})
    assert not StudentAddress.objects.exists()


def test_not_where_the_other_one_is_in_a_class_of_another_teacher(client, at, taro, aoi, ren):
    theirs = Class.objects.create(class_code="X", name="Theirs", instructor=taro)
    membership = StudentClass.objects.create(student=ren, class_ref=theirs)
    sent = {"student": [aoi.pk, ren.pk], "keep": aoi.pk}
    for was_there in (False, True):
        if was_there:  # and is no longer
            membership.delete()
            StudentActivity.objects.create(student=ren, class_id=theirs.pk)
        page = client.post(at, sent).content.decode()
        assert "in a class that you do not teach" in page
        assert "Theirs" not in page
        assert "<tbody>" not in page
        assert client.post(at, sent | {"step": "merge"}).status_code == 403
    assert client.post(at, sent | {"keep": ren.pk, "step": "merge"}).status_code == 302  # the other way round
    assert not Student.objects.filter(pk=aoi.pk).exists()


def test_an_admin_may(signed_in, kaoru, at, taro, aoi, ren):
    theirs = Class.objects.create(class_code="X", name="Theirs", instructor=taro)
    StudentClass.objects.create(student=ren, class_ref=theirs)
    client = signed_in(kaoru)
    assert client.post(at, {"student": [aoi.pk, ren.pk], "keep": aoi.pk, "step": "merge"}).status_code == 302
    assert StudentClass.objects.get(class_ref=theirs).student == aoi


def test_two_of_this_class_and_no_others(client, at, aoi, ren, stranger):
    for students in ([], [aoi.pk], [aoi.pk, aoi.pk], [aoi.pk, ren.pk, stranger.pk]):
        assert "Select the two students" in client.post(at, {"student": students}, follow=True).content.decode()
    assert client.post(at, {"student": [aoi.pk, stranger.pk], "step": "merge"}).status_code == 404
    assert client.post(at, {"student": [aoi.pk, ren.pk], "keep": stranger.pk, "step": "merge"}).status_code == 404
    assert Student.objects.count() == 3


def test_refusals(signed_in, taro, python_class, at, aoi, ren, hanako):
    sent = {"student": [aoi.pk, ren.pk], "step": "merge"}
    assert signed_in(taro).post(at, sent).status_code == 404
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert signed_in(taro).post(at, sent).status_code == 403
    assert signed_in(taro).post(address_of(python_class, aoi), {"email": "x@example.com"}).status_code == 403
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    assert client.post(at, sent).status_code == 302
    assert Student.objects.count() == 2


# --- Addresses ------------------------------------------------------------------------------------------------------


def test_an_address_is_corrected_after_a_second_look(client, python_class, aoi):
    at = address_of(python_class, aoi)
    page = client.post(at, {"email": "aoki@example.com", "keep_old": "on", "step": "check"}).content.decode()
    assert "aoi@example.com becomes <b>aoki@example.com</b>" in page
    assert Student.objects.get().email == "aoi@example.com"
    sent = {"email": "aoki@example.com", "keep_old": "on", "step": "correct"}
    assert "The address is aoki@example.com now." in client.post(at, sent, follow=True).content.decode()
    assert Student.objects.get().email == "aoki@example.com"
    assert StudentAddress.objects.get().email == "aoi@example.com"
    assert "Former addresses: aoi@example.com" in client.get(at).content.decode()
    assert AuditLog.objects.get().action == "student_address"


@pytest.mark.parametrize("email", ["", "hana", "a" * 260 + "@example.com", "x@"])
def test_what_is_no_address_is_said(client, python_class, aoi, email):
    page = client.post(address_of(python_class, aoi), {"email": email, "step": "correct"}).content.decode()
    assert "form-error" in page
    assert Student.objects.get().email == "aoi@example.com"


def test_the_address_of_a_classmate_leads_to_merging(client, python_class, aoi, ren):
    sent = {"email": "REN@example.com", "step": "correct"}
    page = client.post(address_of(python_class, aoi), sent).content.decode()
    assert "This is the address of Ren." in page
    assert "Merge two into one" in page
    assert Student.objects.count() == 2


def test_an_address_that_is_known_elsewhere_is_not_revealed(client, python_class, taro, aoi, run):
    """The same words, the same result: everything goes under that address."""
    run(aoi)
    theirs = Class.objects.create(class_code="X", name="Theirs", instructor=taro)
    known = Student.objects.create(email="known@example.com", name="Known")
    StudentClass.objects.create(student=known, class_ref=theirs)
    at = address_of(python_class, aoi)
    pages = {}
    for email in ("known@example.com", "knewn@example.com"):
        pages[email] = client.post(at, {"email": email, "step": "check"}).content.decode().replace(email, "X")
    plain = [page.partition("<section")[2].partition("csrfmiddlewaretoken")[0] for page in pages.values()]
    assert plain[0] == plain[1]
    client.post(at, {"email": "known@example.com", "step": "correct"})
    assert set(known.classes.all()) == {python_class, theirs}
    assert CellExecution.objects.get().student == known
    assert StudentClass.objects.get(student=known, class_ref=python_class).name == "Aoi"
    assert Student.objects.count() == 1


def test_not_for_a_student_of_another_teachers_class(client, python_class, taro, aoi):
    theirs = Class.objects.create(class_code="X", name="Theirs", instructor=taro)
    StudentClass.objects.create(student=aoi, class_ref=theirs)
    at = address_of(python_class, aoi)
    assert "Ask an admin" in client.get(at).content.decode()
    assert client.post(at, {"email": "x@example.com", "step": "correct"}).status_code == 403


def test_not_for_a_student_of_no_class_of_ones_own(client, python_class, stranger):
    assert client.get(address_of(python_class, stranger)).status_code == 404
