"""A report that was ordered is the caller's only as long as they are in the class that it is about."""

import pytest

from classroom.analytics.models import AnalyticsReport
from classroom.analytics.services import build_report
from events.student_status import NO_TEAM
from lms.models import Class, StudentClass
from tests.classroom.analytics.conftest import A


@pytest.fixture
def order(as_hanako, course, redis):
    def order(report_type: str, target: str) -> AnalyticsReport:
        body = {"report_type": report_type, "target": target, "time_range": "7d", "format": "csv"}
        answer = as_hanako("POST", f"{A}/reports", body)
        assert answer.status_code == 201, answer.content
        build_report(answer.data["report_id"])
        return AnalyticsReport.objects.get(report_id=answer.data["report_id"])

    return order


@pytest.mark.parametrize(
    ("report_type", "target"), [("class", "PY"), ("student", "aoi@example.com"), ("team", "Sora"), ("team", NO_TEAM)]
)
def test_who_left_the_class_reads_its_reports_no_more(
    as_hanako, as_admin, signed_in, hanako, taro, course, order, report_type, target
):
    if target == NO_TEAM:
        course.student("mei")
    report = order(report_type, target)
    addresses = [f"{A}/reports/{report.report_id}", f"{A}/reports/{report.report_id}/download"]
    page, browser = f"/reports/{report.report_id}/", signed_in(hanako)
    assert as_hanako("GET", addresses[0]).status_code == 200
    assert browser.get(page).status_code == 200
    Class.objects.filter(pk=course.class_ref.pk).update(instructor=taro)
    assert [as_hanako("GET", each).status_code for each in addresses] == [404, 404]
    assert browser.get(page).status_code == 404
    assert as_admin("GET", addresses[0]).status_code == 200


def test_a_report_on_a_student_who_left_the_class(as_hanako, course, order):
    report = order("student", "aoi@example.com")
    StudentClass.objects.filter(student=course.aoi).delete()
    assert as_hanako("GET", f"{A}/reports/{report.report_id}").status_code == 404
