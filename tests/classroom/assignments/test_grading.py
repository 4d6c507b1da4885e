"""Grades and feedback: stored, recorded, announced; given by one at a time, on the page and in the admin site."""

import threading

import pytest
from django.db import connection

from instructors.models import AuditLog
from lms import grading
from lms.models import AssignmentSubmission, ClassAssignment
from tests.classroom.assignments.conftest import WORK, beside

# --- Grading --------------------------------------------------------------------------------------------------------


def test_a_grade_is_stored_recorded_and_told(grade, work, notified, at, redis):
    answer = grade(grade="7.5", feedback="よい\r\nGood")
    assert (answer.status_code, answer["Location"]) == (302, at)
    work.refresh_from_db()
    assert (work.grade, work.feedback, work.status) == (7.5, "よい\nGood", "graded")
    assert (work.notebook_content, notified) == (WORK, [work.pk])
    entry = AuditLog.objects.get(action="submission_update")
    assert (entry.actor_email, entry.details) == ("hanako@example.com", {"fields": ["feedback", "grade", "status"]})


def test_save_and_next_goes_on(grade, work, other, at, notified):
    assert grade("next", grade="1")["Location"] == f"{beside(at, other)}?focus=grade"


def test_after_the_last_one_it_goes_back_to_the_list(grade, loops, notified):
    assert grade("next", grade="1")["Location"].endswith(f"/assignments/{loops.pk}/")


def test_returning(grade, work, notified):
    grade("return", feedback="See me")
    work.refresh_from_db()
    assert (work.status, work.grade, work.feedback, notified) == ("returned", None, "See me", [])
    grade("save", grade="3", feedback="See me")
    work.refresh_from_db()
    assert (work.status, work.grade, notified) == ("returned", 3, [work.pk])


def test_a_grade_taken_back_waits_again(grade, work, notified):
    grade(grade="3")
    grade(grade="")
    work.refresh_from_db()
    assert (work.status, work.grade, notified) == ("submitted", None, [work.pk])


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0", 0), ("10", 10), (" 9.25 ", 9.25), ("７．５", 7.5), ("1e1", 10), ("", None), ("8,5", 8.5), ("８，５", 8.5),
        ("8、5", 8.5), ("８。５", 8.5), ("٨٫٥", 8.5), (",5", 0.5), ("8,", 8), ("0,125", 0.125), ("8.", 8), ("+8", 8),
        ("8.5\u200b", 8.5), ("8.5\u00a0", 8.5), ("\ufeff8.5", 8.5), ("\u200e8.5\u202c", 8.5), ("\u30008.5\u202f", 8.5),
        ("8\ufe52\uff15", 8.5), ("\u200b", None), ("\uff0b\U0001d7fe", 8),
    ],
    ids=ascii,
)  # fmt: skip
def test_grades_that_are_taken(grade, work, notified, typed, stored):
    assert grade(grade=typed).status_code == 302
    work.refresh_from_db()
    assert work.grade == stored


@pytest.mark.parametrize(
    "typed",
    [
        "-1", "10.01", "ten", "nan", "inf", "1e999", "true", "8,5,0", "8/10", "80%", "8点", "1_0", "0x8", "8 5", "−1",
        "8²", "²", "8₂", "½", "8½", "1/2", "1⁄2", "⑧", "Ⅷ", "⒏", "八", "8\u28005", "8\u31645", "８＿５", "1_000",
    ],
    ids=ascii,
)  # fmt: skip
def test_grades_that_are_not(grade, work, notified, typed):
    answer = grade(grade=typed, feedback="long text")
    assert answer.status_code == 422
    assert answer.context["form"].errors["grade"][0]
    html = answer.content.decode()
    assert "long text" in html
    assert f'value="{typed}"' in html
    work.refresh_from_db()
    assert (work.grade, work.feedback, notified) == (None, None, [])


def test_without_points_there_is_no_upper_limit(grade, work, loops, notified):
    ClassAssignment.objects.filter(pk=loops.pk).update(points=None)
    assert grade(grade="1000").status_code == 302


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("1,234.5", 1234.5), ("1.234,5", 1234.5), ("1 234,5", 1234.5), ("1\u00a0234,5", 1234.5), ("1'234.5", 1234.5),
        ("1,234,567", 1234567), ("1.234.567", 1234567), ("１，２３４．５", 1234.5), ("1.234", 1.234),
    ],
    ids=ascii,
)  # fmt: skip
def test_thousands_may_be_grouped(grade, work, loops, notified, typed, stored):
    ClassAssignment.objects.filter(pk=loops.pk).update(points=None)
    assert grade(grade=typed).status_code == 302
    work.refresh_from_db()
    assert work.grade == stored


@pytest.mark.parametrize("typed", ["1,234", "１，２３４"])
def test_a_comma_that_can_be_read_in_two_ways_is_asked_about(grade, work, loops, notified, typed):
    answer = grade(grade=typed)
    assert answer.context["form"].errors["grade"][0] == "The comma can be read in two ways. Type 1234 or 1.234."
    work.refresh_from_db()
    assert work.grade is None


def test_of_two_graders_the_second_is_told_and_loses_nothing(grade, client, signed_in, kaoru, work, at, notified):
    seen = client.get(at).context["form"]["seen"].value()
    grade(client=signed_in(kaoru), grade="3", feedback="Theirs")
    answer = grade(seen=seen, grade="9", feedback="Mine")
    assert answer.status_code == 409
    html = answer.content.decode()
    for words in ("Kaoru graded this in the meantime", "Theirs", "Mine", 'value="9"'):
        assert words in html
    work.refresh_from_db()
    assert (work.grade, notified) == (3, [work.pk])
    assert grade(seen=answer.context["form"]["seen"].value(), grade="9", feedback="Mine").status_code == 302
    work.refresh_from_db()
    assert (work.grade, work.feedback) == (9, "Mine")


def test_the_same_twice_is_once(grade, client, at, notified):
    seen = client.get(at).context["form"]["seen"].value()
    assert [grade(seen=seen, grade="3").status_code for _ in "12"] == [302, 302]
    assert len(notified) == AuditLog.objects.filter(action="submission_update").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_wins(work, hanako, kaoru, notified):
    seen, start, lost = grading.version_token(work), threading.Barrier(2), []

    def give(points, by):
        start.wait()
        try:
            grading.give_grade(work.pk, grading.Grade(points=points, feedback=None), seen=seen, by=by, request=None)
        except grading.GradedMeanwhile as conflict:
            lost.append((points, conflict.by))
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=each) for each in ((1, hanako), (2, kaoru))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work.refresh_from_db()
    [(points, by)] = lost
    assert {points, work.grade} == {1, 2}
    assert by == ("Hanako" if work.grade == 1 else "Kaoru")


# --- The admin site -------------------------------------------------------------------------------------------------


def test_grades_of_the_admin_site_are_recorded_and_told(
    signed_in, kaoru, loops, work, notified, django_capture_on_commit_callbacks
):
    admin_client = signed_in(kaoru)
    form = {
        "assignment": loops.pk,
        "student": work.student_id,
        "submitted_at_0": "2026-05-01",
        "submitted_at_1": "9:00",
    }
    form |= {"status": "submitted", "grade": "4", "feedback": "", "submission_comment": ""}
    form |= {"seen": grading.version_token(work)}
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(f"/admin/lms/assignmentsubmission/{work.pk}/change/", form).status_code == 302
    assert notified == [work.pk]
    entry = AuditLog.objects.get(action="submission_update")
    assert (entry.actor_email, entry.target_id) == (kaoru.email, str(work.pk))
    assert "grade" in entry.details["fields"]

    rows = {"submissions-TOTAL_FORMS": 1, "submissions-INITIAL_FORMS": 1, "submissions-0-id": work.pk}
    rows |= {"submissions-0-assignment": loops.pk, "submissions-0-status": "graded", "submissions-0-grade": "5"}
    rows |= {"class_ref": loops.class_ref_id, "notebook": loops.notebook_id, "title": "Loops", "weight": 1}
    work.refresh_from_db()
    rows |= {"submissions-0-seen": grading.version_token(work)}
    for times in (2, 2):  # the second time nothing has changed
        with django_capture_on_commit_callbacks(execute=True):
            assert admin_client.post(f"/admin/lms/classassignment/{loops.pk}/change/", rows).status_code == 302
        assert len(notified) == AuditLog.objects.filter(action="submission_update").count() == times


def test_a_submission_moved_in_the_admin_site_is_not_what_its_sender_repeats(signed_in, kaoru, loops, work, aoi):
    AssignmentSubmission.objects.filter(pk=work.pk).update(idempotency_key="one")
    form = {"assignment": loops.pk, "student": aoi.pk, "submitted_at_0": "2026-05-01", "submitted_at_1": "9:00"}
    form |= {"status": "submitted", "grade": "", "feedback": "", "submission_comment": ""}
    assert signed_in(kaoru).post(f"/admin/lms/assignmentsubmission/{work.pk}/change/", form).status_code == 302
    work.refresh_from_db()
    assert (work.student_id, work.idempotency_key, work.notebook_content) == (aoi.pk, None, WORK)
