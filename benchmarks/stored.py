"""What events and pages cost with many stored executions: `python -m benchmarks stored --stored 10000000`.

Two systems run at once, one that is filled step by step and one that stays empty. Floods of events go to both in turns,
so that whatever else runs disturbs both alike; pages are opened on the filled one.
"""

import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

from tqdm import tqdm

from benchmarks.compare import Task, flood, ratio, take_turns
from benchmarks.curves import Curve, draw
from benchmarks.durable import STUDENTS, durable, warm_up
from benchmarks.pages import CELLS, class_of_students, look, remember
from benchmarks.rows import Row
from benchmarks.system import System, running

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "growth-stored.svg"
STEPS = (100, 10, 3, 1)  # parts of the rows at which is measured: with ten million, 100,000 to ten million
FLOODS = ("posts of 100", "posts of 1")
PAGES = ("live page", "cell map", "student page")
OVERVIEWS = ("overview API, 1 h", "overview API, 7 d")


def stored_against_none(*, stored: int, rounds: int, workers: int, count: int) -> list[Row]:
    """Return rows for each step and draw the image. What is measured of events is the median with so many stored rows;
    its note has that of the empty system meanwhile, and their ratio."""
    counts = [stored // part for part in STEPS]
    tasks = [flood(count=count, size=100, connections=16), flood(count=count, size=1, connections=STUDENTS)]
    costs: dict[str, list[float]] = {name: [] for name in FLOODS}
    times: dict[str, list[float]] = {name: [] for name in (*PAGES, *OVERVIEWS)}
    rows: list[Row] = []
    steps = tqdm(total=len(counts) * (2 + rounds * len(tasks) * 2), desc="stored", unit="step", file=sys.stderr)
    with running(workers=workers, logins=True) as empty, running(workers=workers, logins=True) as filled:
        for system in (empty, filled):
            warm_up(system=system)
        durable(system=filled, tag="fill", count=24_000, size=100, connections=16, cells=CELLS)
        class_id, present = class_of_students(filled)
        for number in counts:
            remember(filled, class_id=class_id, count=max(number - present, 0))
            present = max(number, present)
            steps.update()
            found = in_turns(empty, filled, tasks=tasks, rounds=rounds, tag=f"s{number}", steps=steps)
            rows += [named(row, stored=number) for row in found]
            for name in FLOODS:
                costs[name].append(share(found, f"{name}: all"))
            opened = look(filled, class_id=class_id, stored=number)
            rows += [named(row, stored=number) for row in opened]
            for name in times:
                times[name] += [row.value for row in opened if row.name == f"{name}, p95"]
            steps.update()
    steps.close()
    draw(
        PICTURE,
        [
            Curve("Processor of an event", "× of an empty system", "stored executions", counts, costs),
            Curve("Opening a page, p95", "ms", "stored executions", counts, {name: times[name] for name in PAGES}),
            Curve("The same, API", "ms", "stored executions", counts, {name: times[name] for name in OVERVIEWS}),
        ],
    )
    return rows


def in_turns(
    empty: System, filled: System, *, tasks: list[Task], rounds: int, tag: str, steps: "tqdm[None]"
) -> list[Row]:
    """Return a row for each number of the tasks, measured on both systems in so many rounds."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"before": [], "after": []})
    units: dict[str, str] = {}
    for number in range(rounds):
        take_turns(empty, filled, tasks=tasks, number=number, tag=f"{tag}r", found=found, units=units, steps=steps)
    return [
        Row(name=row.name, value=row.value, unit=row.unit, note=row.note.replace("before", "empty", 1))
        for row in (ratio(name, units[name], values) for name, values in found.items())
    ] + [
        Row(name=f"{name}, × of empty", value=median(values["after"]) / median(values["before"]), unit="")
        for name, values in found.items()
        if name.endswith(": all")
    ]


def named(row: Row, *, stored: int) -> Row:
    return Row(name=f"{stored:,} stored: {row.name}", value=row.value, unit=row.unit, note=row.note)


def share(rows: list[Row], name: str) -> float:
    """Return how many times what the empty system takes."""
    return next(row.value for row in rows if row.name == f"{name}, × of empty")
