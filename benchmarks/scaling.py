"""How cost grows: with students, with stored executions, with workers. Rows for a table, and four curves.

Each curve is of one run of the system, so its points can be compared with each other; see benchmarks/README.md.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.curves import Curve, draw
from benchmarks.durable import durable, warm_up
from benchmarks.latency import latency
from benchmarks.pages import CELLS, class_of_students, look, remember
from benchmarks.rows import Row, medians
from benchmarks.system import running

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "growth.svg"
CLASSES = (50, 100, 200, 400, 600, 800)  # students, each with an event a second
STORED = (30_000, 100_000, 300_000, 1_000_000)  # executions
WORKERS = (1, 2, 3, 4)
PAGES = ("live page", "overview API, 1 h", "overview API, 7 d")
DASHBOARDS, SECONDS, COUNT, REPETITIONS = 10, 12, 60_000, 3


def scaling() -> list[Row]:
    """Return all rows, and draw the image."""
    students, stored, workers = with_students(), with_stored(), with_workers()
    draw(
        PICTURE,
        [
            Curve("Processor of the whole system", "% of a core", "students", CLASSES, {
                "10 dashboards": values(students, "the whole system")}),
            Curve("POST → dashboard, p95", "ms", "students", CLASSES, {
                "10 dashboards": values(students, "POST → socket, p95")}),
            Curve("Opening a page, p50", "ms", "stored executions", STORED, {
                name: values(stored, f"{name}, p50") for name in PAGES}),
            Curve("Durable events a second", "events/s", "workers", WORKERS, {
                "posts of 100": values(workers, "durable events, posts of 100")}),
        ],
    )  # fmt: skip
    return students + stored + workers


def values(rows: Sequence[Row], name: str) -> list[float]:
    return [row.value for row in rows if name in row.name]


def with_students() -> list[Row]:
    rows: list[Row] = []
    with running(workers=2) as system:
        warm_up(system=system)
        for students in CLASSES:
            found = latency(
                system=system, tag=f"s{students}", students=students, seconds=SECONDS, dashboards=DASHBOARDS
            )
            rows += [row for row in found if any(part in row.name for part in ("p95", "whole system"))]
    return rows


def with_stored() -> list[Row]:
    rows: list[Row] = []
    with running(workers=2, logins=True) as system:
        durable(system=system, tag="past", count=STORED[0], size=100, connections=16, cells=CELLS)
        class_id, present = class_of_students(system)
        for stored in STORED:
            remember(system, class_id=class_id, count=max(stored - present, 0))
            present = max(stored, present)
            rows += [row for row in look(system, class_id=class_id, stored=stored) if "p50" in row.name]
    return rows


def with_workers() -> list[Row]:
    rows: list[Row] = []
    for workers in WORKERS:
        with running(workers=workers) as system:
            warm_up(system=system)
            found = medians(
                [
                    durable(system=system, tag=f"w{number}", count=COUNT, size=100, connections=16)
                    for number in range(REPETITIONS)
                ]
            )
        took = sum(row.value for row in found if row.name.startswith("processor"))
        note = f"{workers} workers; {took:.2f} s of processor for 10,000 events"
        rows.append(Row(name=found[0].name, value=found[0].value, unit=found[0].unit, note=note))
    return rows
