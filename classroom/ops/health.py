"""How the services are: each looked at on its own, all at once, none longer than two seconds (http.md section 14)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from redis.exceptions import OutOfMemoryError, ResponseError

from classroom.dashboard.connections import connections
from classroom.ops import test_event_store
from core.redis import async_client
from events import timeseries
from events.queue import heartbeats, stream
from realtime.broadcast import OUTSIDE_CHANNEL
from realtime.messages import timestamp

LIMIT = 2.0  # seconds a service has to answer
logger = logging.getLogger(__name__)

# Where one of these is unhealthy, lessons do not work. InfluxDB is optional: without it nothing is missing to anybody.
NEEDED = {"postgres", "redis", "websocket", "worker"}
# Seconds that the oldest event may wait.
LONG_WITHOUT, LONG_WITH_WORKERS = 15, 60
NEARLY_FULL = 0.7  # of Redis' memory; from 1 - stream.RESERVE on the intake answers 503
MIB = 1024 * 1024
WRITTEN = "health:written"  # string; whether Redis takes a write; expires

Service = dict[str, Any]


class _Changes:
    """What this process logged last, so that a change is one line of the log, and a poll is none."""

    def __init__(self) -> None:
        self.logged: dict[str, str] = {}

    def note(self, subject: str, status: str, details: str, *, level: int) -> None:
        if self.logged.get(subject, "healthy") != status:
            logger.log(level, "%s: %s%s", subject, status, f" ({details})" if details else "")
        self.logged[subject] = status


changes = _Changes()


async def report(*, limit: float = LIMIT) -> dict[str, Any]:
    """The whole answer; `status` is `healthy`, `degraded` or `unhealthy`."""
    checks = {"postgres": postgres, "redis": redis, "influxdb": influxdb, "websocket": websocket, "worker": worker}
    found = await asyncio.gather(*(_timed(check, limit) for check in checks.values()))
    services = dict(zip(checks, found, strict=True))
    healthy = {name for name, service in services.items() if service["status"] == "healthy"}
    status = _status(services)
    _note(status, services)
    return {
        "status": status,
        "timestamp": timestamp(),
        "services": services,
        "details": {
            "total_services": len(services),
            "healthy_services": len(healthy),
            "api_version": settings.PROJECT_VERSION,
            "environment": "development" if settings.DEBUG else "production",
            "websocket_connections": services["websocket"].get("total_connections", 0),
            "websocket_rooms": services["websocket"].get("rooms", 0),
        },
    }


def _status(services: dict[str, Service]) -> str:
    """`unhealthy` where something that is needed is; `degraded` where anything else is not as it should be."""
    if any(services[name]["status"] == "unhealthy" for name in NEEDED):
        return "unhealthy"
    return "healthy" if all(service["status"] == "healthy" for service in services.values()) else "degraded"


def _note(status: str, services: dict[str, Service]) -> None:
    """A line where a service, or all together, changed. The messages name no person."""
    for name, service in services.items():
        about = service["status"]
        changes.note(
            f"Health of {name}", about, "" if about == "healthy" else service["message"], level=logging.WARNING
        )
    changes.note("Health", status, "", level=logging.ERROR if status == "unhealthy" else logging.WARNING)


async def is_ready(*, limit: float = LIMIT) -> bool:
    found = await _timed(postgres, limit)
    ready = bool(found["status"] == "healthy")
    changes.note("Ready", "healthy" if ready else "not ready", "" if ready else found["message"], level=logging.ERROR)
    return ready


async def _timed(check: Callable[[], Awaitable[Service]], limit: float) -> Service:
    """What the check says, and how long it took. Whatever goes wrong in it is the service's state, not ours."""
    begun = time.perf_counter()
    try:
        found = await asyncio.wait_for(check(), limit)
    except TimeoutError:
        found = {"status": "unhealthy", "message": f"No answer within {limit:g} s"}
    except Exception as error:
        found = {"status": "unhealthy", "message": f"Not reachable ({type(error).__name__})"}
    measured = round((time.perf_counter() - begun) * 1000, 2)
    return {"response_time_ms": measured, **found}


async def postgres() -> Service:
    """A connection of its own: one of the pool's would wait for the very requests that wait for the server."""
    params = connection.get_connection_params()
    for name in ("cursor_factory", "context"):  # what makes the synchronous connection Django's
        params.pop(name, None)
    params["connect_timeout"] = 2
    async with await psycopg.AsyncConnection.connect(**params) as link:
        await link.execute("SELECT 1")
    return {"status": "healthy", "message": "connected"}


async def redis() -> Service:
    """`subscribed`: whether any process listens to the public channel. It writes too: with its memory or its disk full
    it still answers a ping, and takes no event."""
    async with async_client(connect_timeout=LIMIT) as link:
        ping = await link.ping()
        counted = await link.pubsub_numsub(OUTSIDE_CHANNEL)
        memory = stream.Memory.read(await link.info("memory"))
        test_events = int(await link.get(test_event_store.BYTES) or 0)
        refusal = ""
        try:
            await link.set(WRITTEN, 1, ex=60)
        except ResponseError as error:
            refusal = "OOM" if isinstance(error, OutOfMemoryError) else str(error).partition(" ")[0][:20]
    return {
        **_of_memory(memory, refusal),
        "ping_response": bool(ping),
        "subscribed": any(number > 0 for _, number in counted),
        "memory_bytes": memory.used,
        "memory_limit_bytes": memory.most,
        "test_events_bytes": test_events,
    }


def _of_memory(memory: stream.Memory, refusal: str) -> Service:
    """`refusal` is the code with which a write was refused, as in OOM, MISCONF or READONLY."""
    used = f"{memory.used // MIB} of {memory.most // MIB} MiB are used"
    if refusal == "OOM" or memory.is_full:
        return {"status": "unhealthy", "message": f"Redis' memory is full, and events are refused: {used}"}
    if refusal:
        return {"status": "unhealthy", "message": f"Redis refuses writes ({refusal}): its log says why"}
    if memory.share >= NEARLY_FULL:
        return {"status": "degraded", "message": f"Redis' memory is nearly full: {used}"}
    return {"status": "healthy", "message": "connected"}


async def influxdb() -> Service:
    if not timeseries.is_configured():
        service = {"status": "healthy", "message": "disabled", "response_time_ms": 0}
        return {**service, "influx_status": "disabled", "version": None}
    # Its client is synchronous; threads of their own, so that it holds up nothing else.
    version, standing = await asyncio.gather(
        asyncio.to_thread(timeseries.version), asyncio.to_thread(timeseries.backlog_status), return_exceptions=True
    )
    told: Service = {"status": "healthy", "message": "connected", "influx_status": "pass", "version": version}
    if isinstance(version, BaseException):
        message = f"Not reachable ({type(version).__name__})"
        told = {"status": "unhealthy", "message": message, "influx_status": "fail", "version": None}
    # While Redis is away nobody knows what waits, and its own check says so.
    return told if isinstance(standing, BaseException) else _with_standing(told, standing)


def _with_standing(told: Service, standing: timeseries.BacklogStatus) -> Service:
    """What the server says of itself, and what we know of the way to it. No reason of the server's is repeated here:
    it may quote a student. Points that are missing make nothing worse for anybody but whoever reads InfluxDB: pages are
    answered by PostgreSQL about such times."""
    if told["status"] == "healthy":
        if standing.reason:
            told |= {"status": "degraded", "message": f"InfluxDB {standing.reason}; points wait"}
        elif standing.remade is not None:
            told |= {
                "status": "degraded",
                "message": f"the bucket was made again at {_moment(standing.remade)}, and lacks what was before: "
                "run influx_backfill --since start",
            }
        elif standing.dropped_since is not None:
            since = _moment(standing.dropped_since)
            told["message"] = f"connected; points are missing: run influx_backfill --since {since}"
        elif standing.refused:
            told["message"] = "connected; points were refused: see the log of the workers"
            if standing.refused_until is not None:
                told["message"] += f"; up to {_moment(standing.refused_until)} InfluxDB is incomplete"
    counts = {name: getattr(standing, name) for name in ("waiting", "dropped", "refused", "expired")}
    return {**told, **counts}


def _moment(ms: int) -> str:
    return timestamp(datetime.fromtimestamp(ms / 1000, UTC))


async def websocket() -> Service:
    now = await sync_to_async(connections, thread_sensitive=False)()
    return {"status": "healthy", "message": "running", "total_connections": now.total, "rooms": len(now.rooms)}


async def worker() -> Service:
    """Judged by the work: that no worker runs is a fault once events wait for one. So the web is healthy before the
    first worker has started, which may be waiting for that."""
    beats, oldest = await asyncio.to_thread(_workers)
    active = sum(beat["status"] in ("idle", "processing") for beat in beats)
    waited = 0.0 if oldest is None else max(0.0, time.time() - oldest / 1000)
    service: Service = {"status": "healthy", "message": "running" if active else "none", "active_workers": active}
    if waited > (LONG_WITH_WORKERS if active else LONG_WITHOUT):
        who = f"{active} workers run" if active else "no worker runs"
        service |= {
            "status": "unhealthy" if not active else "degraded",
            "message": f"Events wait since {waited:.0f} s; {who}",
        }
    return service


def _workers() -> tuple[list[dict[str, Any]], int | None]:
    with stream.connect() as link:
        return heartbeats.heartbeats(), stream.oldest_waiting(link)
