"""GET /metrics for Prometheus: the counters of all processes, read from Redis at the scrape, and the backlog.

It answers requests from this machine and those with `METRICS_TOKEN` as Bearer token, others get 404. A request through
a proxy is not from this machine, whatever the proxy's address.
"""

import ipaddress
import secrets
import time
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError

from classroom.system import system_stats
from events import metrics as events_metrics

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
# Name, name in `events.metrics`, label, help text.
COUNTERS = (
    ("cellmonitor_posts", "posts", "status", "Answers of the event intake, by HTTP status."),
    ("cellmonitor_events_received", "received", "", "Events that are safely in the stats."),
    ("cellmonitor_events_processed", "processed", "kind", "Events that are stored, by kind."),
    (
        "cellmonitor_events_set_aside",
        "set_aside",
        "",
        "Events that could not be stored; the administration shows them.",
    ),
    ("cellmonitor_batch_retries", "retries", "", "Batches that found PostgreSQL away and came again."),
    ("cellmonitor_requests", "requests", "kind_and_class", "Requests to the API and to pages, by class of status."),
)
# Name, name in `events.metrics`, smallest and largest bound as powers of two (of a millionth), help text.
HISTOGRAMS = (
    ("cellmonitor_intake_seconds", "intake", 6, 22, "From the first byte of a POST of events to its answer."),
    ("cellmonitor_api_seconds", "api", 9, 24, "Requests to /api/, the intake aside."),
    ("cellmonitor_page_seconds", "page", 9, 24, "Requests to pages and files."),
    ("cellmonitor_batch_seconds", "batch", 9, 25, "From a batch that was read to its acknowledgement."),
    ("cellmonitor_batch_events", "batch_size", 20, 31, "Events in a batch."),
    ("cellmonitor_lag_seconds", "lag", 12, 30, "From the arrival of an event to its broadcast to the screens."),
)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(PipelineCollector())
    if settings.PROMETHEUS_MULTIPROC_DIR:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        own = b""
    else:
        own = generate_latest(REGISTRY)
    return HttpResponse(generate_latest(registry) + own, content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """Return whether the request comes from this machine or has the token."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and settings.METRICS_TOKEN:
        return secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if any(request.META.get(name) for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "").is_loopback
    except ValueError:
        return False


class PipelineCollector:
    """A collector. Without Redis `cellmonitor_up` is 0 and the only metric."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            found = [*counters(events_metrics.totals()), *gauges(system_stats.pipeline_stats(now=time.time()))]
        except (RedisError, OSError):
            found = []
        yield GaugeMetricFamily("cellmonitor_up", "Whether Redis answered this scrape.", value=1 if found else 0)
        yield from found


def counters(numbers: events_metrics.Numbers) -> Iterator[Metric]:
    for name, field, label, meaning in COUNTERS:
        counter = CounterMetricFamily(name, meaning, labels=[label] if label else [])
        values = numbers.by_label(field) or ({} if label else {"": 0})
        for value, number in sorted(values.items()):
            counter.add_metric([value] if label else [], number)
        yield counter
    for name, field, smallest, largest, meaning in HISTOGRAMS:
        histogram = numbers.histogram(field)
        bounds = [power * events_metrics.BUCKETS_PER_DOUBLING for power in range(smallest, largest)]
        buckets = [(f"{events_metrics.top_of(bound):g}", float(histogram.up_to(bound))) for bound in bounds]
        family = HistogramMetricFamily(name, meaning)
        family.add_metric([], [*buckets, ("+Inf", float(histogram.count))], histogram.sum)
        yield family


def gauges(stats: system_stats.PipelineStats) -> Iterator[Metric]:
    """Yield the current state: backlog, workers, sockets and memory."""
    backlog = GaugeMetricFamily("cellmonitor_backlog_entries", "Entries that wait.", labels=["priority", "shard"])
    oldest = GaugeMetricFamily(
        "cellmonitor_backlog_oldest_seconds", "Age of the oldest entry that waits; 0 where none does.",
        labels=["priority", "shard"],
    )  # fmt: skip
    for waiting in stats.waiting:
        labels = [waiting.priority, str(waiting.shard)]
        backlog.add_metric(labels, waiting.entries)
        oldest.add_metric(labels, max(0.0, stats.now - waiting.oldest / 1000) if waiting.oldest else 0.0)
    workers = GaugeMetricFamily("cellmonitor_workers", "Workers that show signs of life, by state.", labels=["status"])
    for status in system_stats.WORKER_STATES:
        workers.add_metric([status], sum(worker["status"] == status for worker in stats.workers))
    sockets = GaugeMetricFamily("cellmonitor_sockets", "Open sockets, by kind.", labels=["kind"])
    for kind, number in stats.sockets.items():
        sockets.add_metric([kind], number)
    yield from (backlog, oldest, workers, sockets)
    yield GaugeMetricFamily("cellmonitor_points_waiting", "Points that wait for InfluxDB.", value=stats.points_waiting)
    used, maximum = stats.memory.used, stats.memory.maximum
    yield GaugeMetricFamily("cellmonitor_redis_memory_bytes", "Memory that Redis uses.", value=used)
    yield GaugeMetricFamily("cellmonitor_redis_memory_limit_bytes", "What it may use; 0: unbounded.", value=maximum)
    yield GaugeMetricFamily("cellmonitor_redis_replicas", "Replicas that follow Redis.", value=stats.replicas)
    yield GaugeMetricFamily(
        "cellmonitor_test_events_bytes", "Bytes that test events hold.", value=stats.test_events_bytes
    )
    yield GaugeMetricFamily("cellmonitor_failed_jobs", "Jobs in rq's failed registries.", value=stats.failed_jobs)
