"""Measure memory of each process, memory and keys of Redis, connections and size of PostgreSQL."""

from collections import defaultdict
from typing import Any, cast

import psutil
import psycopg
from redis import Redis

from benchmarks.system import System

MIB = 1024 * 1024
STREAMS = ("events:*", "points:waiting", "rq:queue:*")
Numbers = dict[str, float]


def memory(root: int) -> dict[str, Numbers]:
    """MiB by process: rss counts shared pages in full, pss in shares, uss those that would be free without it.

    PostgreSQL's processes, which come and go, are one: the sum of their pss and uss, and how many there are.
    """
    found: dict[str, Numbers] = {}
    backends: Numbers = defaultdict(float)
    for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
        try:
            info, name = process.memory_full_info(), process.name()
            part = process.environ().get("PART", name)
        except psutil.Error:
            continue  # it has ended
        numbers = {"rss": info.rss / MIB, "pss": info.pss / MIB, "uss": info.uss / MIB}
        if name == "postgres":
            backends = {"pss": backends["pss"] + numbers["pss"], "uss": backends["uss"] + numbers["uss"],
                        "count": backends.get("count", 0) + 1}  # fmt: skip
            backends = defaultdict(float, backends)
        else:
            found["supervisor" if process.pid == root else part] = numbers
    found["postgres"] = dict(backends)
    return dict(sorted(found.items()))


def redis_state(redis: Redis) -> Numbers:
    """Memory and append-only file in MiB, keys, entries of streams and jobs in queues, clients."""
    info = redis.info()
    waiting = 0
    for pattern in STREAMS:
        for key in redis.scan_iter(match=pattern, count=1000):
            kind = cast(bytes, redis.type(key))
            waiting += redis.xlen(key) if kind == b"stream" else 0
            waiting += redis.llen(key) if kind == b"list" else 0
    return {
        "used": info["used_memory"] / MIB,
        "resident": info["used_memory_rss"] / MIB,
        "keys": redis.dbsize(),
        "waiting": waiting,
        "clients": info["connected_clients"],
        "file": info.get("aof_current_size", 0) / MIB,
    }


def database_state(database: "psycopg.Connection[Any]") -> Numbers:
    """Connections of clients, this one included; size in MiB; rows of `cell_executions`."""
    row = database.execute(
        """SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                  pg_database_size(current_database()) / 1048576.0,
                  (SELECT count(*) FROM cell_executions)"""
    ).fetchone()
    assert row is not None
    connections, size, rows = row
    return {"connections": int(connections), "size": float(size), "rows": int(rows)}


def look(*, system: System, redis: Redis, database: "psycopg.Connection[Any]") -> dict[str, Any]:
    return {"memory": memory(system.pid), "redis": redis_state(redis), "database": database_state(database)}
