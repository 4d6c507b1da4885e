"""Compare the processor time and memory of two checkouts: both run at once, each its own system, and take turns.

On a shared machine only this is a comparison: whatever else runs there disturbs both alike, in each round.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from tqdm import tqdm

from benchmarks.durable import STUDENTS, durable, memory, warm_up
from benchmarks.latency import latency
from benchmarks.processes import cpu_seconds
from benchmarks.rows import Row, shown
from benchmarks.system import System, running

PARTS = ("web", "workers", "postgres", "valkey")
Measured = dict[str, tuple[float, str]]  # value and unit by name
Task = Callable[[System, str], Measured]


def compare(
    *, before: Path, rounds: int, workers: int, count: int, seconds: int, classes: tuple[tuple[int, int], ...]
) -> list[Row]:
    """Return a row for each number: the median of this checkout; the note has that of `before` and their ratio."""
    tasks: list[Task] = [flood(count=count, size=100, connections=16), flood(count=count, size=1, connections=STUDENTS)]
    tasks += [lesson(students=students, dashboards=dashboards, seconds=seconds) for students, dashboards in classes]
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"before": [], "after": []})
    units: dict[str, str] = {}
    loads = [os.getloadavg()[0]]
    steps = tqdm(total=rounds * len(tasks) * 2, desc="before and after", unit="step", file=sys.stderr)
    with running(workers=workers, root=before) as old, running(workers=workers) as new:
        for system in (old, new):
            warm_up(system=system)
        for number in range(rounds):
            take_turns(old, new, tasks=tasks, number=number, tag="c", found=found, units=units, steps=steps)
            loads.append(os.getloadavg()[0])
        for which, system in (("before", old), ("after", new)):
            for row in memory(system=system):
                found[row.name][which].append(row.value)
                units[row.name] = row.unit
    steps.close()
    rows = [ratio(name, units[name], values) for name, values in found.items() if all(values.values())]
    rows.append(Row(name="load meanwhile", value=median(loads), unit="", note=f"{min(loads):.1f} to {max(loads):.1f}"))
    return rows


def take_turns(
    before: System,
    after: System,
    *,
    tasks: Sequence[Task],
    number: int,
    tag: str,
    found: dict[str, dict[str, list[float]]],
    units: dict[str, str],
    steps: "tqdm[None]",
) -> None:
    """Run round `number`: each task on both systems, which begin in turns; add what they measured to `found`."""
    pair = [("before", before), ("after", after)]
    for task_number, task in enumerate(tasks):
        for which, system in pair if (number + task_number) % 2 == 0 else reversed(pair):
            for name, (value, unit) in task(system, f"{tag}{number}t{task_number}").items():
                found[name][which].append(value)
                units[name] = unit
            steps.update()


def ratio(name: str, unit: str, values: dict[str, list[float]]) -> Row:
    before, after = median(values["before"]), median(values["after"])
    note = f"before {shown(before)}" + (f", ×{after / before:.2f}" if before else "")
    if len(values["after"]) > 1:
        each = ", ".join(f"{shown(b)} → {shown(a)}" for b, a in zip(values["before"], values["after"], strict=True))
        note += f"; rounds {each}"
    return Row(name=name, value=after, unit=unit, note=note)


def flood(*, count: int, size: int, connections: int) -> Task:
    def run(system: System, tag: str) -> Measured:
        begun = cpu_seconds(system.pid)
        rows = durable(system=system, tag=tag, count=count, size=size, connections=connections)
        of = f"posts of {size}"
        return {of: (rows[0].value, "durable events/s")} | _spent(system, begun, events=count, of=of)

    return run


def lesson(*, students: int, dashboards: int, seconds: int) -> Task:
    def run(system: System, tag: str) -> Measured:
        begun = cpu_seconds(system.pid)
        rows = latency(system=system, tag=tag, students=students, seconds=seconds, dashboards=dashboards)
        found = {row.name: (row.value, row.unit) for row in rows if "p95" in row.name or "whole system" in row.name}
        of = f"{students} students × 1 event/s, {dashboards} dashboards"
        return found | _spent(system, begun, events=students * seconds, of=of)

    return run


def _spent(system: System, begun: dict[str, float], *, events: int, of: str) -> Measured:
    """Return the processor time since `begun` for 10,000 events; what ended or started meanwhile is left out."""
    now = cpu_seconds(system.pid)
    parts = {part: (now[part] - begun[part]) / events * 10_000 for part in PARTS}
    unit = "s of processor per 10,000 events"
    return {f"{of}: all": (sum(parts.values()), unit)} | {f"{of}: {part}": (took, unit) for part, took in parts.items()}
