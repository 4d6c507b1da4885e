"""docs/contract/http.md section 14 (and 18), row by row, refusals included."""

import asyncio

import pytest

from classroom.system import health as questions
from events import timeseries

pytestmark = pytest.mark.django_db

PREFIXES = ("/api/v1/", "/api/v1/v1/", "/")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", PREFIXES, ids=lambda prefix: f"http §14 GET {prefix}health → 200")
def test_health(anyone, prefix, slash):
    answer = anyone("GET", f"{prefix}health{slash}")
    assert answer.status_code == 200
    assert set(answer.data) == {"status", "timestamp", "services", "details"}
    assert answer.data["status"] == "healthy"
    services = answer.data["services"]
    assert set(services) == {"postgres", "redis", "influxdb", "websocket", "worker"}
    for service in services.values():
        assert service["status"] == "healthy"
        assert isinstance(service["message"], str)
        assert service["response_time_ms"] >= 0
    assert services["postgres"]["response_time_ms"] > 0
    assert services["redis"].keys() >= {"ping_response", "subscribed"}
    assert services["redis"]["ping_response"] is True
    assert services["influxdb"].items() >= {"message": "disabled", "response_time_ms": 0}.items()
    assert services["websocket"].keys() >= {"total_connections", "rooms"}
    assert answer.data["details"].keys() == {
        "total_services", "healthy_services", "api_version", "environment", "websocket_connections", "websocket_rooms"
    }  # fmt: skip
    assert answer.data["details"]["healthy_services"] == 5


async def down():
    raise ConnectionError("secret address")


@pytest.fixture(autouse=True)
def nothing_said():
    questions.changes.logged.clear()
    yield
    questions.changes.logged.clear()


NEEDED = ("postgres", "redis", "websocket", "worker")


@pytest.mark.parametrize("service", NEEDED, ids=lambda name: f"http §14 {name} down → 503")
def test_a_service_that_is_needed_is_down(anyone, monkeypatch, service):
    monkeypatch.setattr(questions, service, down)
    answer = anyone("GET", "/api/v1/health")
    assert answer.status_code == 503
    assert set(answer.data) == {"detail"}
    assert answer.data["detail"]["status"] == "unhealthy"
    assert answer.data["detail"]["services"][service]["status"] == "unhealthy"
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(
    "prefix", PREFIXES, ids=lambda prefix: f"http §14 {prefix}health, InfluxDB down → 200 degraded"
)
def test_influxdb_which_is_optional_is_down(anyone, monkeypatch, prefix):
    monkeypatch.setattr(questions, "influxdb", down)
    answer = anyone("GET", f"{prefix}health")
    assert answer.status_code == 200
    assert set(answer.data) == {"status", "timestamp", "services", "details"}
    assert answer.data["status"] == "degraded"
    assert answer.data["services"]["influxdb"]["status"] == "unhealthy"
    assert answer.data["details"]["healthy_services"] == 4


@pytest.mark.parametrize("service", [*NEEDED, "influxdb"])
def test_http_14_a_service_that_is_degraded_200(anyone, monkeypatch, service):
    async def slow():
        return {"status": "degraded", "message": "slow"}

    monkeypatch.setattr(questions, service, slow)
    answer = anyone("GET", "/api/v1/health")
    assert (answer.status_code, answer.data["status"]) == (200, "degraded")


def lines_about_health(caplog) -> list[tuple[str, str]]:
    found = [(record.levelname, record.getMessage()) for record in caplog.records if record.levelname != "DEBUG"]
    caplog.clear()
    return found


def test_http_14_a_change_is_said_once_and_a_poll_never(anyone, monkeypatch, settings, caplog):
    assert anyone("GET", "/api/v1/health").status_code == 200
    assert lines_about_health(caplog) == []
    settings.INFLUXDB_URL = "http://127.0.0.1:9"
    for _ in range(3):
        assert anyone("GET", "/api/v1/health").status_code == 200
    [away, all_in_all] = lines_about_health(caplog)
    assert away[0] == all_in_all[0] == "WARNING"
    assert away[1].startswith("Health of influxdb: unhealthy (Not reachable")
    assert all_in_all[1] == "Health: degraded"
    with monkeypatch.context() as patch:
        patch.setattr(questions, "redis", down)
        for _ in range(3):
            assert anyone("GET", "/api/v1/health").status_code == 503
    assert lines_about_health(caplog) == [
        ("WARNING", "Health of redis: unhealthy (Not reachable (ConnectionError))"),
        ("ERROR", "Health: unhealthy"),
    ]
    settings.INFLUXDB_URL = ""
    for _ in range(3):
        assert anyone("GET", "/api/v1/health").status_code == 200
    assert {text for _, text in lines_about_health(caplog)} == {
        "Health of redis: healthy", "Health of influxdb: healthy", "Health: healthy"
    }  # fmt: skip


def test_http_14_ready_says_a_change_once(anyone, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(questions, "postgres", down)
        for _ in range(3):
            assert anyone("GET", "/api/v1/health/ready").status_code == 503
    assert lines_about_health(caplog) == [("ERROR", "Ready: not ready (Not reachable (ConnectionError))")]
    assert anyone("GET", "/api/v1/health/ready").status_code == 200
    assert [text for _, text in lines_about_health(caplog)] == ["Ready: healthy"]


def test_http_14_services_are_looked_at_together_and_not_for_ever(monkeypatch):
    together, counts = [], []

    async def hangs():
        together.append(None)
        try:
            await asyncio.sleep(60)
        finally:
            counts.append(len(together))
            together.pop()

    for name in ("postgres", "redis", "influxdb"):
        monkeypatch.setattr(questions, name, hangs)
    found = asyncio.run(questions.report(limit=0.6))
    assert max(counts) == 3, "not one after another"
    assert found["services"]["postgres"]["message"] == "No answer within 0.6 s"
    assert found["services"]["postgres"]["response_time_ms"] >= 599


def test_influxdb_that_is_configured_and_away(anyone, settings):
    settings.INFLUXDB_URL = "http://127.0.0.1:9"
    answer = anyone("GET", "/api/v1/health")
    assert (answer.status_code, answer.data["status"]) == (200, "degraded")


def test_influxdb_that_is_there(anyone, settings, monkeypatch):
    settings.INFLUXDB_URL = "http://influxdb"
    monkeypatch.setattr(timeseries, "version", lambda: "v2.7.1")
    service = anyone("GET", "/api/v1/health").data["services"]["influxdb"]
    assert service.items() >= {"status": "healthy", "influx_status": "pass", "version": "v2.7.1"}.items()


STANDINGS = {
    "refuses the token": (
        {"reason": "refuses the token (401)", "waiting": 7},
        ("degraded", "InfluxDB refuses the token (401); points wait", 7),
    ),
    "points were dropped": (
        {"dropped": 3, "dropped_since": 1_790_000_000_000},
        ("healthy", "connected; points are missing: run influx_backfill --since 2026-09-21T14:13:20.000Z", 0),
    ),
    "points were refused": (
        {"refused": 1, "refusal": "400 unable to parse hanako@example.com"},
        ("healthy", "connected; points were refused: see the log of the workers", 0),
    ),
    "runs were refused": (
        {"refused": 1, "refused_until": 1_790_000_000_000},
        (
            "healthy",
            "connected; points were refused: see the log of the workers; up to 2026-09-21T14:13:20.000Z InfluxDB is"
            " incomplete",
            0,
        ),
    ),
    "the bucket was made again": (
        {"remade": 1_790_000_000_000, "dropped": 3, "dropped_since": 1_790_000_000_000},
        (
            "degraded",
            "the bucket was made again at 2026-09-21T14:13:20.000Z, and lacks what was before: "
            "run influx_backfill --since start",
            0,
        ),
    ),
    "points were too old": ({"expired": 5}, ("healthy", "connected", 0)),
    "points wait": ({"waiting": 12}, ("healthy", "connected", 12)),
}


@pytest.mark.parametrize("name", STANDINGS)
def test_how_the_way_to_influxdb_is(anyone, settings, monkeypatch, name):
    found, expected = STANDINGS[name]
    settings.INFLUXDB_URL = "http://influxdb"
    monkeypatch.setattr(timeseries, "version", lambda: "v2.7.1")
    monkeypatch.setattr(timeseries, "backlog_status", lambda: timeseries.BacklogStatus(**found))
    answer = anyone("GET", "/api/v1/health")
    service = answer.data["services"]["influxdb"]
    assert (service["status"], service["message"], service["waiting"]) == expected
    assert service["expired"] == found.get("expired", 0)
    assert (answer.status_code, answer.data["status"]) == (200, expected[0])
    assert "hanako" not in answer.content.decode()


def test_influxdb_away_still_says_how_much_waits(anyone, settings, monkeypatch):
    settings.INFLUXDB_URL = "http://127.0.0.1:9"
    monkeypatch.setattr(timeseries, "backlog_status", lambda: timeseries.BacklogStatus(waiting=9))
    service = anyone("GET", "/api/v1/health").data["services"]["influxdb"]
    assert service.items() >= {"status": "unhealthy", "influx_status": "fail", "version": None, "waiting": 9}.items()


@pytest.mark.parametrize(
    ("path", "status"),
    [("simple", "ok"), ("simple/", "ok"), ("ready", "ready"), ("ready/", "ready"), ("live", "alive")],
    ids=lambda value: f"http §14 GET /health/{value} → 200",
)
def test_the_others(anyone, path, status):
    answer = anyone("GET", f"/api/v1/health/{path}")
    assert (answer.status_code, answer.data["status"]) == (200, status)
    assert answer.data.keys() == ({"status", "timestamp"} if status == "ok" else {"status", "timestamp", "message"})


def test_http_14_ready_without_a_database_503(anyone, monkeypatch):
    monkeypatch.setattr(questions, "postgres", down)
    answer = anyone("GET", "/api/v1/health/ready")
    assert answer.status_code == 503
    assert answer.data["detail"].keys() == {"status", "timestamp", "error"}
    assert answer.data["detail"]["status"] == "not_ready"


@pytest.mark.parametrize("path", ["health", "health/simple", "health/live"])
def test_http_14_asks_for_no_token(settings, anyone, path, django_assert_num_queries):
    settings.API_REQUIRE_AUTH = True
    with django_assert_num_queries(0):
        assert anyone("GET", f"/api/v1/{path}", Authorization="Bearer rubbish").status_code == 200


def test_wrong_method_405(anyone):
    answer = anyone("POST", "/api/v1/health")
    assert (answer.status_code, answer.data) == (405, {"detail": "Method Not Allowed"})


def test_http_18_root(anyone):
    answer = anyone("GET", "/", Accept="application/json")
    assert answer.data == {"message": "Welcome to Student Progress Tracker API"}
