"""Notifications of grades, made when they are first read: one for each change, and none without one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from lms.models import AssignmentSubmission, ProgressNotification
from lms.notifications import store_grade_notifications

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages(cast):
    """Give the hand-in these grades one after the other, reading after each; return what was told."""

    def after(*grades: float) -> list[str]:
        handed_in, _ = AssignmentSubmission.objects.get_or_create(assignment=cast.loops, student=cast.hanako)
        for grade in grades:
            AssignmentSubmission.objects.filter(pk=handed_in.pk).update(grade=grade, status="graded")
            for _ in range(2):
                store_grade_notifications(cast.hanako, now=timezone.now())
        return list(ProgressNotification.objects.order_by("pk").values_list("message", flat=True))

    return after


def test_a_grade_is_told_once(messages):
    assert messages(5, 5) == ["Graded: 5"]


def test_each_change_is_told_a_return_to_an_earlier_grade_too(messages):
    assert messages(5, 4, 5, 4) == ["Graded: 5", "Graded: 4", "Graded: 5", "Graded: 4"]


def test_grades_told_before_hand_ins_were_recorded_are_not_told_again(messages):
    messages(5)
    ProgressNotification.objects.update(submission_id=None, created_at=timezone.now() - timedelta(days=30))
    assert messages(5) == ["Graded: 5"]
    assert messages(4, 5) == ["Graded: 5", "Graded: 4", "Graded: 5"]


def test_each_hand_in_has_its_own(messages, cast):
    AssignmentSubmission.objects.create(assignment=cast.traits, student=cast.hanako, grade=5, status="graded")
    assert messages(5) == ["Graded: 5", "Graded: 5"]
