"""GET /metrics: who may read it, and that what it says is what was counted."""

import time

import pytest
from django.conf import settings as django_settings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from events import metrics as events_metrics
from tests.events.conftest import event, event_pipeline  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted(redis):
    events_metrics.tally.take()


def scrape(**extra) -> dict[tuple[str, tuple], float]:
    answer = Client().get("/metrics", **extra)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, tuple(sorted(s.labels.values()))): s.value for family in families for s in family.samples}


def test_numbers_of_the_pipeline(event_pipeline):  # noqa: F811
    event_pipeline.post(event(), event("help"), event("something_new"))
    event_pipeline.append(event())
    events_metrics.count("posts", "202", 2)
    events_metrics.flush(now=time.time())
    found = scrape()
    assert found["cellmonitor_up", ()] == 1
    assert found["cellmonitor_posts_total", ("202",)] == 2
    assert found["cellmonitor_events_processed_total", ("help",)] == 1
    assert found["cellmonitor_events_processed_total", ("other",)] == 1
    assert found["cellmonitor_batch_seconds_count", ()] >= 1
    assert found["cellmonitor_lag_seconds_count", ()] == 3
    assert found["cellmonitor_lag_seconds_bucket", ("+Inf",)] == 3
    waiting = {labels: value for (name, labels), value in found.items() if name == "cellmonitor_backlog_entries"}
    assert sum(waiting.values()) == 1
    assert all(len(labels) == 2 for labels in waiting)  # priority and shard
    oldest = [value for (name, _), value in found.items() if name == "cellmonitor_backlog_oldest_seconds"]
    assert 0 < max(oldest) < 60
    assert found["cellmonitor_workers", ("processing",)] == 0
    assert found["cellmonitor_sockets", ("dashboard",)] == 0
    assert found["cellmonitor_points_waiting", ()] == 0
    assert found["cellmonitor_redis_memory_bytes", ()] > 100_000
    assert found["cellmonitor_redis_memory_limit_bytes", ()] > 100_000_000
    assert found["cellmonitor_redis_replicas", ()] == 0
    assert found["cellmonitor_test_events_bytes", ()] == 0


def test_buckets_are_cumulative_and_exact():
    for seconds in (0.001, 0.003, 0.1, 5.0):
        events_metrics.observe("api", seconds)
    events_metrics.flush(now=time.time())
    found = scrape()
    buckets = {
        float(labels[0]): value for (name, labels), value in found.items() if name == "cellmonitor_api_seconds_bucket"
    }
    assert buckets[0.001024] == 1
    assert buckets[0.004096] == 2
    assert buckets[float("inf")] == 4
    assert list(buckets.values()) == sorted(buckets.values())
    assert found["cellmonitor_api_seconds_sum", ()] == pytest.approx(5.104)


@pytest.mark.parametrize("address", ["192.0.2.7", "", "no address"])
def test_strangers_find_nothing(address):
    assert Client().get("/metrics", REMOTE_ADDR=address).status_code == 404


@pytest.mark.parametrize("name", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"])
def test_what_came_through_a_proxy_is_not_from_this_machine(name):
    assert Client().get("/metrics", **{name: "127.0.0.1"}).status_code == 404


def test_a_token_opens_it_from_anywhere(settings):
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer ", **far).status_code == 404
    settings.METRICS_TOKEN = "a secret for the monitor"
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer a secret for the monitor", **far).status_code == 200
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer a guess", **far).status_code == 404
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer 推測", **far).status_code == 404
    assert Client().get("/metrics", **far).status_code == 404


def test_only_reading():
    assert Client().post("/metrics").status_code == 405


def test_without_redis_it_says_so(monkeypatch):
    def away():
        raise ConnectionError

    monkeypatch.setattr(events_metrics, "totals", away)
    found = scrape()
    assert found["cellmonitor_up", ()] == 0
    assert not any(name.startswith("cellmonitor_posts") for name, _ in found)


def test_what_is_counted_while_redis_is_away_is_kept(redis, monkeypatch):
    events_metrics.count("posts", "202")
    nowhere = Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(events_metrics, "_redis", lambda: nowhere)
        with pytest.raises(Exception, match="refused"):
            events_metrics.flush(now=time.time())
    events_metrics.flush(now=time.time())
    assert events_metrics.totals().total("posts") == 1


def test_every_window_expires_and_only_the_totals_stay(redis):
    events_metrics.count("posts", "202")
    events_metrics.flush(now=time.time())
    keys = [key.decode() for key in redis.keys("measures:*")]
    assert len(keys) == 3
    assert [key for key in keys if redis.ttl(key) == -1] == [events_metrics.TOTAL]


def test_percentiles_are_within_a_tenth():
    for number in range(1, 1001):
        events_metrics.observe("api", number / 1000)
    now = time.time()
    events_metrics.flush(now=now)
    found = events_metrics.recent(seconds=3600, now=now).histogram("api")
    assert found.percentile(0.5) == pytest.approx(0.5, rel=0.1)
    assert found.percentile(0.95) == pytest.approx(0.95, rel=0.1)
    assert found.mean == pytest.approx(0.5005)
    assert events_metrics.recent(seconds=86_400, now=now).histogram("api").count == 1000
    assert events_metrics.recent(seconds=3600, now=now + 7300).histogram("api").count == 0


def test_it_is_served_beside_the_api():
    assert django_settings.ROOT_URLCONF == "config.urls"
    assert Client().get("/api/v1/metrics").status_code == 404
