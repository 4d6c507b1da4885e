"""Collect the statistics of the whole system: docs/contract/http.md section 15, and `/metrics`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from redis import Redis

from classroom.system import test_event_store
from core.redis import blocking_client
from events import metrics as events_metrics
from events import timeseries
from events.contract.kinds import PRIORITIES
from events.queue import heartbeats, jobs, servers, stream
from lms.models import Session, Student
from realtime import presence
from realtime.messages import timestamp

WORKER_STATES = heartbeats.STATES
ACTIVE = timedelta(minutes=2)  # since a student's last event; the same as on the dashboard
RANGES = {"1h": 3600, "24h": 24 * 3600, "7d": 7 * 24 * 3600}
PROBES = 3  # queries of which the mean is reported


@dataclass(frozen=True, kw_only=True)
class PipelineStats:
    """The state of the event pipeline at one moment."""

    now: float
    waiting: Sequence[stream.Waiting]
    workers: Sequence[dict[str, Any]]
    sockets: dict[str, int]
    points_waiting: int
    failed_jobs: int
    memory: servers.Memory
    replicas: int  # of Redis, that follow it
    test_events_bytes: int

    def queue_sizes(self) -> dict[str, int]:
        """Return the number of waiting entries by priority."""
        return {name: sum(one.entries for one in self.waiting if one.priority == name) for name in PRIORITIES}


def pipeline_stats(*, now: float) -> PipelineStats:
    """Return the current state. Nine round trips to Redis, and in a Cluster two more to each master. Raises RedisError.

    Memory and replicas are those of the master of the event streams that is worst off.
    """
    with stream.connect() as redis:
        waiting = stream.waiting(redis)
        memory = servers.fullest(servers.infos(redis, "memory"))
        replicas = servers.fewest_replicas(servers.infos(redis, "replication"))
    return PipelineStats(
        now=now,
        waiting=waiting,
        workers=heartbeats.heartbeats(),
        sockets=presence.details().by_type,
        points_waiting=timeseries.backlog_status().waiting,
        failed_jobs=jobs.failed_count(),
        memory=memory,
        replicas=replicas,
        test_events_bytes=test_event_store.held(),
    )


def metrics(*, now: datetime) -> dict[str, Any]:
    """Return the response of `GET /admin/metrics`. Two queries; the rest is read from Redis."""
    totals, pipeline = events_metrics.totals(), pipeline_stats(now=now.timestamp())
    students = Student.objects.aggregate(
        total=Count("pk"), active=Count("pk", filter=Q(last_activity_at__gte=now - ACTIVE))
    )
    live = presence.details()
    return {
        "generated_at": timestamp(now),
        "events": {
            "received_total": totals.total("received"),
            "processed_total": totals.total("processed"),
            "failed_total": totals.total("set_aside"),
            "per_minute": round(events_metrics.per_minute("received", now=now.timestamp()), 1),
            "by_type": dict(sorted(totals.by_label("processed").items())),
        },
        "students": students,
        "sessions": {"active": Session.objects.filter(is_active=True).count()},
        "websocket": {"total_connections": live.total, "by_type": live.by_type},
        "queues": pipeline.queue_sizes(),
    }


def performance(*, time_range: str | None, now: datetime) -> dict[str, Any]:
    """Return the response of `GET /admin/performance`; values are null if nothing was measured in that time."""
    seconds = RANGES.get(time_range or "", RANGES["1h"])
    numbers = events_metrics.recent(seconds=seconds, now=now.timestamp())
    api, intake, batches = (numbers.histogram(name) for name in ("api", "intake", "batch"))
    calls = events_metrics.Histogram(
        {
            bucket: api.buckets.get(bucket, 0) + intake.buckets.get(bucket, 0)
            for bucket in {*api.buckets, *intake.buckets}
        },
        api.sum + intake.sum,
    )
    lag = numbers.histogram("lag")
    return {
        "generated_at": timestamp(now),
        "time_range": time_range if time_range in RANGES else "1h",
        "api": {
            "avg_response_ms": _ms(calls.mean),
            "p95_response_ms": _ms(calls.percentile(0.95)),
            "requests_per_minute": round(calls.count / (seconds / 60), 2),
        },
        "processing": {
            "avg_ms": _ms(batches.mean),
            "events_per_second": round(numbers.total("processed") / seconds, 3),
            "p95_lag_ms": _ms(lag.percentile(0.95)),
        },
        "database": {"avg_query_ms": _probe()},
        "system": system_load(),
    }


def worker_status(*, now: datetime) -> dict[str, Any]:
    """Return the response of `GET /admin/worker-status`."""
    pipeline = pipeline_stats(now=now.timestamp())
    workers = [
        {
            "worker_id": beat["worker_id"],
            "status": beat["status"],
            "queues": [name.upper() for name in beat["queues"]],
            "tasks_processed": beat["tasks_processed"],
            "tasks_failed": beat["tasks_failed"],
            "avg_processing_time": beat["avg_processing_time"],
            "current_task": beat["current_task"],
            "last_heartbeat": beat["timestamp"],
            "processed_messages": beat["processed_messages"],
            "uptime_seconds": beat["uptime_seconds"],
            "memory_usage": beat["memory_usage"],
        }
        for beat in sorted(pipeline.workers, key=lambda beat: str(beat["worker_id"]))
    ]
    oldest = [one.oldest for one in pipeline.waiting if one.oldest is not None]
    return {
        "generated_at": timestamp(now),
        "workers": workers,
        "active_workers": sum(worker["status"] in ("idle", "processing") for worker in workers),
        "queue_sizes": {name.upper(): size for name, size in pipeline.queue_sizes().items()},
        "oldest_waiting_seconds": round(max(0.0, now.timestamp() - min(oldest) / 1000), 1) if oldest else 0,
        "failed_jobs": pipeline.failed_jobs,
    }


def uptime_seconds(*, now: datetime) -> int:
    """Return the seconds since this web process started."""
    import psutil

    return round(now.timestamp() - float(psutil.Process().create_time()))


def system_load() -> dict[str, float]:
    """Return this machine's CPU usage, measured for 0.1 s, and its used memory."""
    import psutil

    return {
        "cpu_usage_percent": psutil.cpu_percent(interval=0.1),
        "memory_usage_mb": round((psutil.virtual_memory().total - psutil.virtual_memory().available) / 2**20, 1),
    }


def _probe() -> float:
    """Return the mean time in milliseconds of a query that PostgreSQL answers from memory."""
    with connection.cursor() as cursor:
        begun = time.perf_counter()
        for _ in range(PROBES):
            cursor.execute("SELECT count(*) FROM system_settings")
            cursor.fetchone()
        return round((time.perf_counter() - begun) * 1000 / PROBES, 3)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


@cache
def _redis() -> Redis:
    return blocking_client(timeout=2)
