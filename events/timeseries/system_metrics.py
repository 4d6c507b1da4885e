"""How the product itself does, as numbers for time series: once a minute, one point of each measurement.

Source: docs/contract/events.md section 6. Prometheus has the same at `/metrics`, with more detail and without InfluxDB;
these are for whoever keeps dashboards in InfluxDB beside those of the lessons.
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


def note(redis: Redis, *, failed_jobs: int, now: float) -> None:
    """How it is now, and what was done in the last whole minute. The points carry their minute, so that a second
    scheduler writes the same ones over; they wait for InfluxDB as those of events do. `now` in seconds since the epoch.
    """
    minute = int(now // 60)
    system = system_metrics(redis, failed_jobs=failed_jobs, now=now)
    timeseries.note_numbers({"system_metrics": system}, tags={"host": heartbeats.HOST}, at=minute * 60)
    done = performance_metrics(minute=minute - 1)
    timeseries.note_numbers({"performance_metrics": done}, tags={}, at=(minute - 1) * 60)


def system_metrics(redis: Redis, *, failed_jobs: int, now: float) -> dict[str, Number]:
    """How it is at this moment. The processor and the memory are of the machine that asks. Eight round trips."""
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
    """What was done in that minute (of the epoch), by all processes; a duration is missing where there was none. One
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
