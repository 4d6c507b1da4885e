"""Measure durable events a second: from the first POST until all events are rows in PostgreSQL."""

import time

from benchmarks.bodies import CELLS
from benchmarks.load import prepared
from benchmarks.processes import cpu_seconds, family
from benchmarks.rows import Row, shown
from benchmarks.system import System

STUDENTS = 200


def durable(*, system: System, tag: str, count: int, size: int, connections: int, cells: int = CELLS) -> list[Row]:
    """`count` events in posts of `size`; with the processor time each part of the system took for 10,000 of them."""
    name = f"durable events, posts of {size}"
    with prepared(
        port=system.port, tag=tag, count=count, size=size, students=STUDENTS, connections=connections, cells=cells
    ) as generator:
        last, before = system.last_row(), cpu_seconds(system.pid, *system.beside)
        sent = generator.go()
    stored = system.wait_for_rows(after=last, count=count)
    after = cpu_seconds(system.pid, *system.beside)
    retried = f"; {sent.answers['503']} answers were 503" if "503" in sent.answers else ""
    note = f"{count:,} events of 1 KB, {STUDENTS} students, {connections} connections{retried}"
    rows = [
        Row(name=name, value=count / (stored - sent.first), unit="events/s", note=note),
        Row(
            name=f"accepted (202), posts of {size}",
            value=count / (sent.last - sent.first),
            unit="events/s",
            note=f"the generator itself took {shown(sent.cpu / (sent.last - sent.first) * 100)} % of a core",
        ),
    ]
    for group in sorted(after):
        took = (after[group] - before.get(group, 0.0)) / count * 10_000
        rows.append(Row(name=f"processor, {group}, posts of {size}", value=took, unit="s per 10,000 events"))
    return rows


def memory(*, system: System) -> list[Row]:
    """Return the peak memory of the largest process of each group."""
    peaks: dict[str, list[float]] = {}
    for process in family(system.pid):
        peaks.setdefault(process.group, []).append(process.peak)
    return [
        Row(
            name=f"peak memory, {group}", value=max(found), unit="MiB", note=f"largest of {len(found)}, shared included"
        )
        for group, found in sorted(peaks.items())
    ]


def warm_up(*, system: System) -> None:
    """Connections, plans and caches as they are in the middle of a lesson."""
    tag = f"warm{int(time.time())}"
    with prepared(port=system.port, tag=tag, count=2_000, size=20, students=STUDENTS, connections=8) as generator:
        last = system.last_row()
        generator.go()
    system.wait_for_rows(after=last, count=2_000)
