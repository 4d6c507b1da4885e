"""Check the services concurrently, each for at most two seconds (docs/contract/http.md section 14)."""

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

from classroom.system import test_event_store
from core.redis import async_client, short_timeout_client
from events import timeseries
from events.queue import heartbeats, servers, stream
from realtime import presence
from realtime.broadcast import OUTSIDE_CHANNEL
from realtime.messages import timestamp

TIMEOUT = 2.0  # seconds for a service to answer
logger = logging.getLogger(__name__)

# Lessons do not work if one of these is unhealthy. InfluxDB is optional.
REQUIRED = {"postgres", "redis", "websocket", "worker"}
# Seconds that the oldest event may wait.
MAX_WAIT_WITHOUT_WORKERS, MAX_WAIT = 15, 60
NEARLY_FULL = 0.7  # of Redis' memory; from 1 - servers.RESERVE on the intake responds with 503
MIB = 1024 * 1024
WRITTEN = "health:written"  # string; tests whether Redis accepts a write; expires

Service = dict[str, Any]


class _Changes:
    """The states that this process logged last, so that only changes are logged, not every poll."""

    def __init__(self) -> None:
        self.logged: dict[str, str] = {}

    def log(self, subject: str, status: str, details: str, *, level: int) -> None:
        if self.logged.get(subject, "healthy") != status:
            logger.log(level, "%s: %s%s", subject, status, f" ({details})" if details else "")
        self.logged[subject] = status


changes = _Changes()


async def report(*, limit: float = TIMEOUT) -> dict[str, Any]:
    """Return the health of all services; `status` is `healthy`, `degraded` or `unhealthy`."""
    checks = {"postgres": postgres, "redis": redis, "influxdb": influxdb, "websocket": websocket, "worker": worker}
    limits = {"postgres": limit * _servers()}
    found = await asyncio.gather(*(_timed(check, limits.get(name, limit)) for name, check in checks.items()))
    services = dict(zip(checks, found, strict=True))
    healthy = {name for name, service in services.items() if service["status"] == "healthy"}
    status = _status(services)
    _log_changes(status, services)
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
    """Return `unhealthy` if a required service is unhealthy, else `degraded` if any service is not healthy."""
    if any(services[name]["status"] == "unhealthy" for name in REQUIRED):
        return "unhealthy"
    return "healthy" if all(service["status"] == "healthy" for service in services.values()) else "degraded"


def _log_changes(status: str, services: dict[str, Service]) -> None:
    """Log the services, and the overall status, that changed. The messages name no person."""
    for name, service in services.items():
        state = service["status"]
        changes.log(f"Health of {name}", state, "" if state == "healthy" else service["message"], level=logging.WARNING)
    changes.log("Health", status, "", level=logging.ERROR if status == "unhealthy" else logging.WARNING)


async def is_ready() -> bool:
    """Return whether PostgreSQL answers."""
    found = await _timed(postgres, TIMEOUT * _servers())
    ready = bool(found["status"] == "healthy")
    changes.log("Ready", "healthy" if ready else "not ready", "" if ready else found["message"], level=logging.ERROR)
    return ready


async def _timed(check: Callable[[], Awaitable[Service]], limit: float) -> Service:
    """Run a check and add its duration. An exception or a timeout is reported as `unhealthy`."""
    begun = time.perf_counter()
    try:
        found = await asyncio.wait_for(check(), limit)
    except TimeoutError:
        found = {"status": "unhealthy", "message": f"No answer within {limit:g} s"}
    except Exception as error:
        found = {"status": "unhealthy", "message": f"Not reachable ({type(error).__name__})"}
    measured = round((time.perf_counter() - begun) * 1000, 2)
    return {"response_time_ms": measured, **found}


def _servers() -> int:
    """Return how many servers of PostgreSQL are tried, one after the other, at most two: one of them may be dead."""
    return min(2, 1 + str(connection.settings_dict["HOST"]).count(","))


async def postgres() -> Service:
    """Open a connection of its own: the pool may be exhausted by requests that wait for a slow server."""
    params = connection.get_connection_params()
    for name in ("cursor_factory", "context"):  # Django's settings of the synchronous connection
        params.pop(name, None)
    params["connect_timeout"] = 2
    async with await psycopg.AsyncConnection.connect(**params) as link:
        await link.execute("SELECT 1")
    return {"status": "healthy", "message": "connected"}


async def redis() -> Service:
    """Ping Redis and write to it: with full memory or a full disk it answers pings but accepts no events.

    `subscribed` says whether any process subscribes to the external channel. If the event streams have a Redis of their
    own, memory, replicas and role are its, and both must be well.
    """
    async with async_client(connect_timeout=TIMEOUT) as link:
        ping = await link.ping()
        counted = await link.pubsub_numsub(OUTSIDE_CHANNEL)
        memory = servers.Memory.read(await link.info("memory"))
        replication = await link.info("replication")
        test_events = int(await link.get(test_event_store.BYTES) or 0)
        refusal = ""
        try:
            await link.set(WRITTEN, 1, ex=60)
        except ResponseError as error:
            refusal = _code(error)
    state = _of_memory(memory, refusal)
    replications = [replication]
    if stream.has_own_redis():
        streams, memory, replications = await asyncio.to_thread(_event_streams)
        if state["status"] == "healthy" or streams["status"] == "unhealthy":
            state = streams
    replicas = servers.fewest_replicas(replications)
    return {
        **_of_replicas(replicas, state),
        "role": replications[0]["role"],
        "replicas": replicas,
        "masters": len(replications),
        "ping_response": bool(ping),
        "subscribed": any(number > 0 for _, number in counted),
        "memory_bytes": memory.used,
        "memory_limit_bytes": memory.maximum,
        "test_events_bytes": test_events,
    }


def _event_streams() -> tuple[Service, servers.Memory, list[dict[str, Any]]]:
    """Return the state of the Redis of the event streams, the memory of its fullest server, and INFO's section
    `replication` of each. Write to each shard, as a part of a Cluster may be away."""
    with short_timeout_client(timeout=TIMEOUT, url=stream.url()) as link:
        refusals = servers.refusals(link)
        memory = servers.fullest(servers.infos(link, "memory"))
        return _of_memory(memory, _code(refusals[0]) if refusals else ""), memory, servers.infos(link, "replication")


def _code(error: Exception) -> str:
    """Return the error code of a refused write, such as OOM, MISCONF or READONLY."""
    return "OOM" if isinstance(error, OutOfMemoryError) else str(error).partition(" ")[0][:20]


def _of_memory(memory: servers.Memory, refusal: str) -> Service:
    """Return the status of Redis; `refusal` is the error code of the write, such as OOM, MISCONF or READONLY."""
    used = f"{memory.used // MIB} of {memory.maximum // MIB} MiB are used"
    if refusal == "OOM" or memory.is_full:
        return {"status": "unhealthy", "message": f"Redis' memory is full, and events are refused: {used}"}
    if refusal:
        return {"status": "unhealthy", "message": f"Redis refuses writes ({refusal}): its log says why"}
    if memory.share >= NEARLY_FULL:
        return {"status": "degraded", "message": f"Redis' memory is nearly full: {used}"}
    return {"status": "healthy", "message": "connected"}


def _of_replicas(replicas: int, state: Service) -> Service:
    """Add what is wrong with the number of replicas that have everything, if nothing else is."""
    wanted = settings.EVENT_REPLICAS
    if replicas >= wanted or state["status"] == "unhealthy":
        return state
    message = f"{replicas} replicas of Redis follow, and EVENT_REPLICAS wants {wanted}: events are refused"
    return {"status": "unhealthy", "message": message}


async def influxdb() -> Service:
    if not timeseries.is_configured():
        status = {"status": "healthy", "message": "disabled", "response_time_ms": 0}
        return {**status, "influx_status": "disabled", "version": None}
    # The client is synchronous: its calls run in threads.
    version, backlog = await asyncio.gather(
        asyncio.to_thread(timeseries.version), asyncio.to_thread(timeseries.backlog_status), return_exceptions=True
    )
    service: Service = {"status": "healthy", "message": "connected", "influx_status": "pass", "version": version}
    if isinstance(version, BaseException):
        message = f"Not reachable ({type(version).__name__})"
        service = {"status": "unhealthy", "message": message, "influx_status": "fail", "version": None}
    # The backlog is unknown while Redis is not reachable, which its own check reports.
    return service if isinstance(backlog, BaseException) else _with_backlog(service, backlog)


def _with_backlog(service: Service, backlog: timeseries.BacklogStatus) -> Service:
    """Add the state of the backlog of points to the state of the server.

    Error texts of the server are left out: they may quote a student. Missing points do not degrade the service, because
    pages read such times from PostgreSQL.
    """
    if service["status"] == "healthy":
        if backlog.reason:
            service |= {"status": "degraded", "message": f"InfluxDB {backlog.reason}; points wait"}
        elif backlog.remade is not None:
            service |= {
                "status": "degraded",
                "message": f"the bucket was made again at {_moment(backlog.remade)}, and lacks what was before: "
                "run influx_backfill --since start",
            }
        elif backlog.dropped_since is not None:
            since = _moment(backlog.dropped_since)
            service["message"] = f"connected; points are missing: run influx_backfill --since {since}"
        elif backlog.refused:
            service["message"] = "connected; points were refused: see the log of the workers"
            if backlog.refused_until is not None:
                service["message"] += f"; up to {_moment(backlog.refused_until)} InfluxDB is incomplete"
    counts = {name: getattr(backlog, name) for name in ("waiting", "dropped", "refused", "expired")}
    return {**service, **counts}


def _moment(ms: int) -> str:
    return timestamp(datetime.fromtimestamp(ms / 1000, UTC))


async def websocket() -> Service:
    now = await sync_to_async(presence.details, thread_sensitive=False)()
    return {"status": "healthy", "message": "running", "total_connections": now.total, "rooms": len(now.rooms)}


async def worker() -> Service:
    """Check the age of the oldest waiting event: missing workers are a fault only if events wait.

    So the web is healthy before the first worker has started, which may wait for that.
    """
    beats, oldest = await asyncio.to_thread(_workers)
    active = sum(beat["status"] in ("idle", "processing") for beat in beats)
    waited = 0.0 if oldest is None else max(0.0, time.time() - oldest / 1000)
    service: Service = {"status": "healthy", "message": "running" if active else "none", "active_workers": active}
    if waited > (MAX_WAIT if active else MAX_WAIT_WITHOUT_WORKERS):
        workers = f"{active} workers run" if active else "no worker runs"
        service |= {
            "status": "unhealthy" if not active else "degraded",
            "message": f"Events wait since {waited:.0f} s; {workers}",
        }
    return service


def _workers() -> tuple[list[dict[str, Any]], int | None]:
    with stream.connect() as link:
        return heartbeats.heartbeats(), stream.oldest_waiting(link)
