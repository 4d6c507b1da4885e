"""What events cost with many stored executions, against none: `python -m benchmarks stored --stored 10000000`.

Two systems run at once, one filled and one empty, and take turns, so that whatever else runs disturbs both alike.
"""

import sys
from collections import defaultdict

from tqdm import tqdm

from benchmarks.compare import Measured, flood, ratio
from benchmarks.durable import STUDENTS, durable, warm_up
from benchmarks.pages import class_of_students, remember
from benchmarks.rows import Row
from benchmarks.system import System, running


def stored_against_none(*, stored: int, rounds: int, workers: int, count: int) -> list[Row]:
    """Return a row for each number: the median with so many stored rows; the note has that of the empty system."""
    tasks = [flood(count=count, size=100, connections=16), flood(count=count, size=1, connections=STUDENTS)]
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"before": [], "after": []})
    units: dict[str, str] = {}
    steps = tqdm(total=1 + rounds * len(tasks) * 2, desc="stored and empty", unit="step", file=sys.stderr)
    with running(workers=workers) as empty, running(workers=workers) as filled:
        for system in (empty, filled):
            warm_up(system=system)
        fill(filled, stored=stored)
        steps.update()
        for number in range(rounds):
            pair = [("before", empty), ("after", filled)]
            for task_number, task in enumerate(tasks):
                for which, system in pair if (number + task_number) % 2 == 0 else reversed(pair):
                    measured: Measured = task(system, f"s{number}t{task_number}")
                    for name, (value, unit) in measured.items():
                        found[name][which].append(value)
                        units[name] = unit
                    steps.update()
    steps.close()
    rows = [ratio(name, units[name], values) for name, values in found.items() if all(values.values())]
    return [Row(name=f"{stored:,} stored: {row.name}", value=row.value, unit=row.unit, note=row.note) for row in rows]


def fill(system: System, *, stored: int) -> None:
    """Store so many executions of a class of 200, and nothing else."""
    durable(system=system, tag="fill", count=20_000, size=100, connections=16)
    class_id, present = class_of_students(system)
    remember(system, class_id=class_id, count=max(stored - present, 0))
