"""docs/contract/http.md section 15, row by row, refusals included."""

import time
from datetime import UTC, datetime

import pytest

from events import metrics as events_metrics
from events.queue import heartbeats
from instructors import audit
from instructors.models import AuditLog
from lms import system_settings
from lms.models import Student, SystemSetting

pytestmark = pytest.mark.django_db

READS = ("metrics", "performance", "system-status", "worker-status", "settings", "consecutive-error-status")


@pytest.fixture(autouse=True)
def _nothing_counted(redis):
    events_metrics.tally.take()


@pytest.mark.parametrize("path", [*READS, "audit-log", "settings/cache_ttl_seconds"])
def test_http_15_needs_a_login(anyone, path):
    answer = anyone("GET", f"/api/v1/admin/{path}")
    assert (answer.status_code, answer.data) == (403, {"detail": "Not authenticated"})
    assert anyone("GET", f"/api/v1/admin/{path}", Authorization="Bearer no").status_code == 401


@pytest.mark.parametrize("prefix", ["/api/v1/admin/", "/api/v1/v1/admin/"])
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", READS)
def test_http_15_answers_an_instructor_in_both_forms(as_hanako, prefix, path, slash):
    assert as_hanako("GET", f"{prefix}{path}{slash}").status_code == 200


def test_http_15_metrics(as_hanako, django_assert_max_num_queries):
    Student.objects.create(email="a@example.com", last_activity_at=datetime.now(UTC))
    Student.objects.create(email="b@example.com")
    events_metrics.count("received", number=5)
    events_metrics.count("processed", "help", 3)
    events_metrics.count("processed", "other", 1)
    events_metrics.count("set_aside")
    events_metrics.flush(now=time.time())
    with django_assert_max_num_queries(4):
        answer = as_hanako("GET", "/api/v1/admin/metrics")
    assert answer.data.keys() == {"generated_at", "events", "students", "sessions", "websocket", "queues"}
    assert answer.data["events"] == {
        "received_total": 5,
        "processed_total": 4,
        "failed_total": 1,
        "per_minute": 5.0,
        "by_type": {"help": 3, "other": 1},
    }
    assert answer.data["students"] == {"total": 2, "active": 1}
    assert answer.data["sessions"] == {"active": 0}
    assert answer.data["queues"] == {"high": 0, "medium": 0, "low": 0}
    assert answer.data["websocket"]["by_type"].keys() == {"student", "instructor", "dashboard", "admin"}


def test_http_15_performance_is_measured(as_hanako):
    for seconds in (0.01, 0.01, 0.2):
        events_metrics.observe("api", seconds)
    events_metrics.observe("batch", 0.05)
    events_metrics.count("processed", "help", 36)
    events_metrics.flush(now=time.time())
    found = as_hanako("GET", "/api/v1/admin/performance?time_range=1h").data
    assert found.keys() >= {"generated_at", "api", "processing", "database", "system"}
    assert found["api"]["avg_response_ms"] == pytest.approx(73.33, abs=0.01)
    assert found["api"]["p95_response_ms"] == pytest.approx(200, rel=0.1)
    assert found["api"]["requests_per_minute"] == 0.05
    assert found["processing"]["avg_ms"] == 50
    assert found["processing"]["events_per_second"] == 0.01
    assert found["database"]["avg_query_ms"] > 0
    assert found["system"]["memory_usage_mb"] > 10
    assert 0 <= found["system"]["cpu_usage_percent"] <= 100


@pytest.mark.parametrize(("asked", "meant"), [("24h", "24h"), ("7d", "7d"), ("a year", "1h"), ("", "1h")])
def test_http_15_performance_ranges(as_hanako, asked, meant):
    found = as_hanako("GET", f"/api/v1/admin/performance?time_range={asked}").data
    assert found["time_range"] == meant
    assert found["api"]["avg_response_ms"] is None  # nothing was measured, and nothing is invented


def test_http_15_system_status(as_hanako, monkeypatch):
    found = as_hanako("GET", "/api/v1/admin/system-status").data
    assert found.keys() == {"status", "services", "version", "uptime_seconds", "timestamp"}
    assert found["services"].keys() >= {"postgres", "redis", "influxdb", "websocket", "worker"}
    assert found["uptime_seconds"] >= 0


def test_http_15_system_status_is_200_whatever_the_state(as_hanako, monkeypatch):
    async def down():
        raise ConnectionError

    monkeypatch.setattr("classroom.system.health.influxdb", down)
    answer = as_hanako("GET", "/api/v1/admin/system-status")
    assert (answer.status_code, answer.data["status"]) == (200, "degraded")


def test_http_15_worker_status(as_hanako, redis, monkeypatch):
    monkeypatch.setattr(heartbeats, "pulse", heartbeats.Pulse(worker_id="w-1"))
    heartbeats.pulse.begin("drain 0")
    heartbeats.pulse.processed_batch(40, 0.2)
    heartbeats.beat(heartbeats.pulse, publish=False)
    found = as_hanako("GET", "/api/v1/admin/worker-status").data
    assert found.keys() >= {"workers", "active_workers", "queue_sizes", "failed_jobs"}
    assert found["queue_sizes"] == {"HIGH": 0, "MEDIUM": 0, "LOW": 0}
    assert (found["active_workers"], found["failed_jobs"]) == (1, 0)
    [worker] = found["workers"]
    assert (
        worker.items()
        >= {
            "worker_id": "w-1",
            "status": "processing",
            "queues": ["HIGH", "MEDIUM", "LOW"],
            "tasks_processed": 1,
            "tasks_failed": 0,
            "avg_processing_time": 0.2,
            "current_task": "drain 0",
        }.items()
    )
    assert worker["last_heartbeat"]


# --- Settings -------------------------------------------------------------------------------------------------------


def test_http_15_settings_list(as_hanako):
    rows = as_hanako("GET", "/api/v1/admin/settings").data["settings"]
    assert {row["setting_key"]: row["setting_value"] for row in rows} == {
        "consecutive_error_threshold": "3",
        "error_detection_enabled": "true",
        "cache_ttl_seconds": "300",
    }
    assert rows[0].keys() == {
        "setting_key", "setting_value", "setting_type", "description", "is_active", "updated_at"
    }  # fmt: skip


def test_http_15_setting_is_typed(as_hanako):
    path = "/api/v1/admin/settings/"
    found = as_hanako("GET", f"{path}consecutive_error_threshold").data
    assert found == {"setting_key": "consecutive_error_threshold", "value": 3, "type": "int"}
    assert as_hanako("GET", f"{path}error_detection_enabled").data["value"] is True
    answer = as_hanako("GET", f"{path}nothing")
    assert (answer.status_code, answer.data) == (404, {"detail": "Setting 'nothing' not found"})


def test_http_15_setting_that_is_off_has_its_default(as_hanako):
    SystemSetting.objects.filter(setting_key="cache_ttl_seconds").update(setting_value="5", is_active=False)
    assert as_hanako("GET", "/api/v1/admin/settings/cache_ttl_seconds").data["value"] == 300


def test_http_15_put_setting(as_admin, django_capture_on_commit_callbacks):
    assert system_settings.current()["consecutive_error_threshold"] == 3
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_admin("PUT", "/api/v1/admin/settings/consecutive_error_threshold", {"new_value": 5})
    assert answer.status_code == 200
    assert answer.data["setting"].items() >= {"setting_value": "5", "setting_type": "int"}.items()
    assert answer.data["setting"]["updated_at"]
    assert system_settings.current()["consecutive_error_threshold"] == 5  # at once, although it was cached
    entry = AuditLog.objects.get(action="setting_update")
    assert (entry.target_id, entry.details) == ("consecutive_error_threshold", {"from": "3", "to": "5"})


@pytest.mark.parametrize("value", [0, 11, -1, 2.5, "3", True, None, [3]])
def test_http_15_put_threshold_400(as_admin, value):
    answer = as_admin("PUT", "/api/v1/admin/settings/consecutive_error_threshold", {"new_value": value})
    assert answer.status_code == 400
    assert "consecutive_error_threshold must be an integer" in answer.data["detail"]
    assert not AuditLog.objects.filter(action="setting_update").exists()


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_http_15_put_wrong_type_400(as_admin, value):
    answer = as_admin("PUT", "/api/v1/admin/settings/error_detection_enabled", {"new_value": value})
    assert answer.status_code == 400


def test_http_15_put_refusals(as_admin, as_hanako):
    path = "/api/v1/admin/settings/cache_ttl_seconds"
    assert as_admin("PUT", path, {}).status_code == 422
    assert as_admin("PUT", path, [1]).status_code == 422
    assert as_admin("PUT", "/api/v1/admin/settings/nothing", {"new_value": 1}).status_code == 404
    answer = as_hanako("PUT", path, {"new_value": 60})
    assert (answer.status_code, answer.data) == (403, {"detail": "Not enough permissions"})


@pytest.mark.parametrize(
    ("kind", "sent", "stored", "value"),
    [
        ("int", "12", "12", 12),
        ("int", 12, "12", 12),
        ("bool", "on", "true", True),
        ("bool", False, "false", False),
        ("str", "挨拶", "挨拶", "挨拶"),
        ("json", '{"a": [1]}', '{"a": [1]}', {"a": [1]}),
        ("json", {"a": 1}, '{"a": 1}', {"a": 1}),
    ],
)
def test_http_15_post_setting(as_admin, kind, sent, stored, value, django_capture_on_commit_callbacks):
    body = {"setting_key": "banner", "setting_value": sent, "setting_type": kind, "description": "Shown"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_admin("POST", "/api/v1/admin/settings", body)
    assert answer.status_code == 200
    assert answer.data["setting"].items() >= {"setting_key": "banner", "setting_value": stored}.items()
    assert as_admin("GET", "/api/v1/admin/settings/banner").data["value"] == value
    again = as_admin("POST", "/api/v1/admin/settings", body)
    assert (again.status_code, again.data) == (400, {"detail": "Setting 'banner' already exists"})
    assert AuditLog.objects.filter(action="setting_update", target_id="banner").count() == 1


@pytest.mark.parametrize(
    ("kind", "sent"),
    [("int", "twelve"), ("int", "1.5"), ("int", 1.5), ("bool", "maybe"), ("json", "{"), ("str", 5), ("str", "a\0b")],
)
def test_http_15_post_unparsable_400(as_admin, kind, sent):
    body = {"setting_key": "banner", "setting_value": sent, "setting_type": kind}
    assert as_admin("POST", "/api/v1/admin/settings", body).status_code == 400
    assert not SystemSetting.objects.filter(setting_key="banner").exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"setting_key": "a", "setting_type": "int"},
        {"setting_key": "", "setting_value": "1", "setting_type": "int"},
        {"setting_key": "a", "setting_value": "1", "setting_type": "float"},
        {"setting_key": "k" * 101, "setting_value": "1", "setting_type": "int"},
    ],
)
def test_http_15_post_422(as_admin, body):
    assert as_admin("POST", "/api/v1/admin/settings", body).status_code == 422


def test_http_15_consecutive_error_status(as_hanako, django_capture_on_commit_callbacks):
    path = "/api/v1/admin/consecutive-error-status"
    assert as_hanako("GET", path).data == {
        "consecutive_error_threshold": 3,
        "error_detection_enabled": True,
        "cache_ttl_seconds": 300,
        "status": "active",
    }
    with django_capture_on_commit_callbacks(execute=True):
        row = SystemSetting.objects.get(setting_key="error_detection_enabled")
        row.setting_value = "false"
        row.save()
    assert as_hanako("GET", path).data["status"] == "disabled"


# --- The audit log --------------------------------------------------------------------------------------------------


@pytest.fixture
def entries(hanako, taro):
    for number in range(3):
        audit.record(action="login", actor=hanako, request=None, details={"n": number})
    audit.record(action="logout", actor=taro, request=None)


def test_http_15_audit_log(as_admin, entries, hanako, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        rows = as_admin("GET", "/api/v1/admin/audit-log").data
    assert [row["action"] for row in rows] == ["logout", "login", "login", "login"]
    assert rows[-1].items() >= {"actor_id": hanako.pk, "actor_email": hanako.email, "outcome": "success"}.items()
    page = as_admin("GET", "/api/v1/admin/audit-log?skip=1&limit=2").data
    assert [row["details"] for row in page] == [{"n": 2}, {"n": 1}]


def test_http_15_audit_log_filters(as_admin, entries, taro):
    def found(query: str) -> list[str]:
        return [row["action"] for row in as_admin("GET", f"/api/v1/admin/audit-log?{query}").data]

    assert found("action=logout") == ["logout"]
    assert found("actor=taro@example.com") == ["logout"]
    assert found(f"actor={taro.pk}") == ["logout"]
    assert found("action=login&actor=taro@example.com") == []
    assert found(f"actor={'9' * 30}") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "skip=-1", "skip=x", "action=%00"])
def test_http_15_audit_log_422(as_admin, query):
    assert as_admin("GET", f"/api/v1/admin/audit-log?{query}").status_code == 422


def test_http_15_audit_log_is_the_admins(as_hanako):
    answer = as_hanako("GET", "/api/v1/admin/audit-log")
    assert (answer.status_code, answer.data) == (403, {"detail": "Not enough permissions"})
