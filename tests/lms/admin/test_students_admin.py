"""Students on the admin site: enrolments inline, addresses that stay known, two rows merged; in both languages."""

from datetime import UTC, datetime

import pytest

from instructors.models import AuditLog
from lms.models import Student, StudentAddress, StudentClass

LIST = "/admin/lms/student/"


@pytest.fixture
def admin_client(signed_in, kaoru):
    return signed_in(kaoru)


@pytest.fixture
def pair(python_class):
    rows = []
    for email in ("hanako@example.com", "hanaok@example.com"):
        student = Student.objects.create(email=email, name="Hanako")
        StudentClass.objects.create(student=student, class_ref=python_class, student_number=f"B-{len(rows)}")
        rows.append(student)
    return rows


def form_of(student, **changes):
    row = student.enrolments.get()
    return {
        "email": student.email, "name": student.name, "team": "",
        "enrolments-TOTAL_FORMS": 1, "enrolments-INITIAL_FORMS": 1,
        "enrolments-0-id": row.pk, "enrolments-0-student": student.pk, "enrolments-0-class_ref": row.class_ref_id,
        "enrolments-0-name": row.name, "enrolments-0-student_number": row.student_number, "enrolments-0-reading": "",
        "enrolments-0-team": "", "enrolments-0-role": "student", "enrolments-0-joined_at_0": "2026-04-01",
        "enrolments-0-joined_at_1": "09:00", "former_addresses-TOTAL_FORMS": 0, "former_addresses-INITIAL_FORMS": 0,
        **changes,
    }  # fmt: skip


def merge(client, pair, **sent):
    return client.post(LIST, {"action": "merge", "_selected_action": [each.pk for each in pair], **sent}, follow=True)


def test_enrolments_are_edited_with_the_student(admin_client, pair):
    sent = form_of(pair[0], **{"enrolments-0-reading": "はなこ", "enrolments-0-student_number": "7"})
    assert admin_client.post(f"{LIST}{pair[0].pk}/change/", sent).status_code == 302
    row = StudentClass.objects.get(student=pair[0])
    assert (row.student_number, row.reading) == ("7", "はなこ")
    assert row.reading_key


def test_times_are_the_servers_and_a_missing_one_is_a_dash(admin_client, pair, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    Student.objects.filter(pk=pair[0].pk).update(last_help_at=datetime(2026, 4, 1, 15, 30, tzinfo=UTC))
    page = admin_client.get(f"{LIST}{pair[0].pk}/change/").content.decode()
    assert "+00:00" not in page
    assert '<div class="readonly">2026-04-02 00:30' in page
    assert '<div class="readonly">-</div>' in page
    assert '<div class="readonly">None</div>' not in page


def test_a_changed_address_stays_known_and_can_be_let_go(admin_client, pair):
    at = f"{LIST}{pair[0].pk}/change/"
    assert admin_client.post(at, form_of(pair[0], email="hana@example.com")).status_code == 302
    former = StudentAddress.objects.get()
    assert (former.student, former.email) == (pair[0], "hanako@example.com")
    page = admin_client.get(at).content.decode()
    assert "hanako@example.com" in page
    pair[0].refresh_from_db()
    sent = {
        "former_addresses-TOTAL_FORMS": 1, "former_addresses-INITIAL_FORMS": 1, "former_addresses-0-id": former.pk,
        "former_addresses-0-student": pair[0].pk, "former_addresses-0-DELETE": "on",
    }  # fmt: skip
    assert admin_client.post(at, form_of(pair[0], **sent)).status_code == 302
    assert not StudentAddress.objects.exists()


@pytest.mark.parametrize("taken", ["hanaok@example.com", "former@example.com"])
def test_an_address_that_is_or_was_anothers_is_a_message(admin_client, pair, taken):
    StudentAddress.objects.create(student=pair[1], email="former@example.com")
    answer = admin_client.post(f"{LIST}{pair[0].pk}/change/", form_of(pair[0], email=taken))
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert Student.objects.get(pk=pair[0].pk).email == "hanako@example.com"


def test_students_are_found_by_number_and_former_address(admin_client, pair):
    StudentAddress.objects.create(student=pair[1], email="former@example.com")
    for searched, found in (("B-0", pair[0]), ("FORMER@example.com", pair[1])):
        page = admin_client.get(LIST, {"q": searched}).content.decode()
        assert page.count('class="action-select"') == 1
        assert found.email in page


def test_two_are_merged_after_a_preview(admin_client, pair):
    page = merge(admin_client, pair).content.decode()
    assert "This cannot be undone." in page
    assert Student.objects.count() == 2
    page = merge(admin_client, pair, keep=pair[1].pk, step="merge", keep_old="1").content.decode()
    assert "Hanako is one person now, with the address hanaok@example.com." in page
    assert Student.objects.get() == pair[1]
    assert StudentAddress.objects.get().email == "hanako@example.com"
    entry = AuditLog.objects.get(action="student_merge")
    assert entry.details["merged"] == pair[0].pk


def test_one_or_three_are_not_merged(admin_client, pair):
    third = Student.objects.create(email="third@example.com")
    for some in (pair[:1], [*pair, third]):
        assert "Select the two students" in merge(admin_client, some, step="merge").content.decode()
    assert Student.objects.count() == 3


def test_only_admins_come_here(signed_in, hanako, pair):
    answer = signed_in(hanako).post(LIST, {"action": "merge", "_selected_action": [each.pk for each in pair]})
    assert answer.status_code in (302, 403)
    assert Student.objects.count() == 2
