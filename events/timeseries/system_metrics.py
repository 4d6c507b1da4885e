"""System metrics as time series: one point of each measurement a minute, for dashboards in InfluxDB.

Source: docs/contract/events.md section 6. Prometheus has them in more detail at `/metrics`, without InfluxDB.
"""

from collections import Counter

import psutil
from redis import Redis

from events import metrics as events_metrics
from events import timeseries
from events.contract.kinds import PRIORITIES
from events.queue import heartbeats, stream
from events.timeseries import Number
from realtime import presence

SOCKETS = ("student", "instructor", "dashboard", "admin")


def record(redis: Redis, *, failed_jobs: int, now: float) -> None:
    """Buffer a point of the current state and one of the last whole minute. `now` is in seconds since the epoch.

    The timestamps are whole minutes, so that a second scheduler overwrites the same points.
    """
    minute = int(now // 60)
    system = system_metrics(redis, failed_jobs=failed_jobs, now=now)
    timeseries.write_numbers({"system_metrics": system}, tags={"host": heartbeats.HOST}, at=minute * 60)
    done = performance_metrics(minute=minute - 1)
    timeseries.write_numbers({"performance_metrics": done}, tags={}, at=(minute - 1) * 60)


def system_metrics(redis: Redis, *, failed_jobs: int, now: float) -> dict[str, Number]:
    """Return the current state. Processor and memory are those of this machine. Eight round trips."""
    waits = stream.waiting(redis)
    oldest = [one.oldest for one in waits if one.oldest is not None]
    workers = Counter(beat["status"] for beat in heartbeats.heartbeats())
    sockets = presence.details().by_type
    memory = psutil.virtual_memory()
    return {
        "cpu_usage_percent": float(psutil.cpu_percent(interval=0.1)),
        "memory_usage_mb": round((memory.total - memory.available) / 2**20, 1),
        **{f"workers_{state}": workers[state] for state in heartbeats.STATES},
        **{f"waiting_{name}": sum(one.entries for one in waits if one.priority == name) for name in PRIORITIES},
        "oldest_waiting_seconds": max(0.0, now - min(oldest) / 1000) if oldest else 0.0,
        "points_waiting": timeseries.backlog_status().waiting,
        **{f"sockets_{kind}": sockets.get(kind, 0) for kind in SOCKETS},
        "failed_jobs": failed_jobs,
    }


def performance_metrics(*, minute: int) -> dict[str, Number]:
    """Return the numbers of a minute (since the epoch) of all processes, without durations that were not observed. One
    round trip."""
    numbers = events_metrics.of_minute(minute)
    found: dict[str, Number] = {
        "posts": numbers.total("posts"),
        "requests": numbers.total("requests"),
        "events_received": numbers.total("received"),
        "events_processed": numbers.total("processed"),
        "events_set_aside": numbers.total("set_aside"),
        "batch_retries": numbers.total("retries"),
    }
    for name in ("intake", "api", "page", "batch", "lag"):
        histogram = numbers.histogram(name)
        if histogram.mean is not None:
            found[f"{name}_avg_ms"] = round(histogram.mean * 1000, 3)
            found[f"{name}_p95_ms"] = round((histogram.percentile(0.95) or 0.0) * 1000, 3)
    return found
