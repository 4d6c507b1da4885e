"""docs/contract/http.md section 16, row by row, refusals included: reports to order and fetch."""

import csv
import io
from datetime import UTC, datetime

import django_rq
import pytest
from redis.exceptions import ConnectionError as RedisAway

from classroom.analytics import services as analytics_services
from classroom.analytics.models import AnalyticsReport
from events.queue import jobs
from instructors.models import AuditLog
from lms.models import (
    Class,
    Student,
)
from tests.classroom.analytics.conftest import MINUTE, A
from tests.classroom.api import api_of
from tests.lms.conftest import MISSING_UUID

pytestmark = pytest.mark.django_db


def work() -> int:
    """What a worker does with what is queued."""
    queue = django_rq.get_queue("low")
    found = queue.jobs
    for job in found:
        job.perform()
        job.delete()
    return len(found)


@pytest.fixture
def order(as_hanako, course):
    def post(**body):
        return as_hanako("POST", f"{A}/reports", {"report_type": "class", "target": "PY", **body})

    return post


def test_http_16_reports(as_hanako, course, order):
    course.run(course.aoi, 5 * MINUTE)
    made = order(time_range="24h")
    assert made.status_code == 201
    assert made.data.keys() == {"report_id", "status", "created_at", "download_url"}
    assert made.data["status"] == "pending"
    path = f"{A}/reports/{made.data['report_id']}"
    waiting = as_hanako("GET", path).data
    assert (waiting["status"], waiting["content"], waiting["finished_at"]) == ("pending", None, None)
    assert as_hanako("GET", made.data["download_url"]).status_code == 409
    assert work() == 1
    ready = as_hanako("GET", path + "/").data
    assert (ready["status"], ready["report_type"]) == ("ready", "class")
    content = ready["content"]
    assert content["title"] == "Python"
    assert content["figures"] | {"active_minutes": 1} == {
        "students": 2, "active_students": 1, "executions": 1, "errors": 0, "error_rate": 0, "active_minutes": 1,
    }  # fmt: skip
    assert [team["teamName"] for team in content["teams"]] == ["Sora"]
    assert (len(content["activity"]), sum(bucket["executions"] for bucket in content["activity"])) == (24, 1)
    file = as_hanako("GET", ready["download_url"])
    assert file.headers["Content-Type"] == "application/json"
    assert file.data == content
    assert AuditLog.objects.get(action="report_create").target_id == made.data["report_id"]


@pytest.mark.parametrize(
    ("body", "who"),
    [({"target": "{class}"}, 2), ({"report_type": "team", "target": "Sora"}, 2),
     ({"report_type": "student", "target": "aoi@example.com"}, 1)],
)  # fmt: skip
def test_http_16_reports_of_every_type(as_hanako, course, order, body, who):
    body = {name: value.replace("{class}", str(course.class_ref.pk)) for name, value in body.items()}
    made = order(**body, format="csv")
    work()
    file = as_hanako.client.get(made.data["download_url"], headers=as_hanako.headers)
    assert file.headers["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert len(lines) == who
    assert lines[0]["emailAddress"] == "aoi@example.com"


def test_a_name_is_no_formula(as_hanako, course, order):
    Student.objects.filter(pk=course.aoi.pk).update(name="=1+1")
    made = order(format="csv")
    work()
    file = as_hanako.client.get(made.data["download_url"], headers=as_hanako.headers)
    assert "'=1+1" in file.content.decode()


@pytest.mark.parametrize(
    ("body", "status"),
    [({"target": "XX"}, 404), ({"target": "999999999999999999999"}, 404), ({"report_type": "team"}, 404),
     ({"report_type": "student", "target": "ken@example.com"}, 404), ({"report_type": "school"}, 422),
     ({"target": None}, 422), ({"format": "pdf"}, 422), ({"target": 7}, 422), ({"target": "a\0"}, 422)],
)  # fmt: skip
def test_http_16_reports_refused(order, body, status):
    assert order(**body).status_code == status
    assert not AnalyticsReport.objects.exists()


@pytest.mark.parametrize("report_id", ["nothing", MISSING_UUID, "1"])
def test_http_16_no_such_report(as_hanako, report_id):
    assert as_hanako("GET", f"{A}/reports/{report_id}").status_code == 404
    assert as_hanako("GET", f"{A}/reports/{report_id}/download").status_code == 404


def test_a_report_is_of_whoever_ordered_it(taro, as_admin, order):
    path = f"{A}/reports/{order().data['report_id']}"
    assert api_of(taro)("GET", path).status_code == 404
    assert api_of(taro)("GET", f"{path}/download").status_code == 404
    assert as_admin("GET", path).status_code == 200


def test_who_lost_the_class_gets_nothing_of_it(as_hanako, course, order, taro):
    made = order()
    Class.objects.update(instructor=taro)
    work()
    assert as_hanako("GET", f"{A}/reports/{made.data['report_id']}").status_code == 404
    assert AnalyticsReport.objects.get().content["students"] == []


def test_without_redis_nothing_is_ordered(order, monkeypatch):
    def away(*_):
        raise RedisAway

    monkeypatch.setattr(jobs, "enqueue_call", away)
    assert order().status_code == 503
    assert not AnalyticsReport.objects.exists()


def test_a_lost_job_is_queued_again(as_hanako, order):
    made = order()
    django_rq.get_queue("low").empty()
    path = f"{A}/reports/{made.data['report_id']}"
    as_hanako("GET", path)
    assert work() == 0, "it may still be on its way"
    AnalyticsReport.objects.update(queued_at=datetime.now(UTC) - analytics_services.LOST)
    as_hanako("GET", path)
    as_hanako("GET", path)
    assert work() == 1
    assert as_hanako("GET", path).data["status"] == "ready"


def test_a_report_that_fails_says_what_to_do(as_hanako, order, monkeypatch):
    made = order()

    def broken(*_, **__):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(analytics_services, "content_of", broken)
    work()
    found = as_hanako("GET", f"{A}/reports/{made.data['report_id']}").data
    assert found["status"] == "failed"
    assert "Order it again" in found["content"]["error"]
    assert "secret" not in str(found)
    assert as_hanako("GET", made.data["download_url"]).status_code == 409
