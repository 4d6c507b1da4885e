"""Measure the limits of the machine in the same run, as a reference for the other results."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.load import prepared
from benchmarks.rows import Row
from benchmarks.system import ROOT, System, answers, free_port


def copy(*, system: System, prefix: str) -> list[Row]:
    """PostgreSQL's fastest way in: the rows the system has stored, into a table of the same shape and indexes."""
    with system.connect() as database:
        select = "SELECT * FROM cell_executions WHERE event_id LIKE '" + prefix + "-%'"
        with database.cursor().copy(f"COPY ({select}) TO STDOUT") as out:
            rows = [bytes(chunk) for chunk in out]
        database.execute("CREATE TABLE benchmark_copy (LIKE cell_executions INCLUDING ALL)")
        try:
            begun = time.monotonic()
            with database.cursor().copy("COPY benchmark_copy FROM STDIN") as into:
                for first in range(0, len(rows), 1000):
                    into.write(b"".join(rows[first : first + 1000]))
            took = time.monotonic() - begun
        finally:
            database.execute("DROP TABLE benchmark_copy")
    note = f"{len(rows):,} of the same rows, same indexes, no foreign keys, one COPY"
    return [Row(name="limit: COPY into PostgreSQL", value=len(rows) / took, unit="rows/s", note=note)]


def bare(*, tag: str, count: int, size: int, connections: int) -> list[Row]:
    """The web server alone: an application that reads the body and answers 202."""
    with _bare_server() as port:
        for attempt in ("warm", tag):
            with prepared(
                port=port, tag=attempt, count=count, size=size, students=200, connections=connections
            ) as generator:
                sent = generator.go()
    note = "bare ASGI application on uvicorn, the same posts"
    value = count / (sent.last - sent.first)
    return [Row(name=f"limit: bare 202, posts of {size}", value=value, unit="events/s", note=note)]


@contextmanager
def _bare_server() -> Iterator[int]:
    port = free_port()
    options = [
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen([sys.executable, "-m", "uvicorn", "benchmarks.bare:application", *options], cwd=ROOT)
    try:
        deadline = time.monotonic() + 20
        while not answers(port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the bare server did not come up")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()
