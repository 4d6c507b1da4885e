"""What a campus needs, computed from measured costs: `python -m benchmarks.campus --write` renews docs/campus.md.

Measured are the processor time an event (posts of one event, the dearest form), the memory of processes, what a
dashboard costs the web process beyond the events, and the bytes a row with its indexes. All else is in ASSUMED, to be
changed.
"""

import argparse
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "results", ROOT / "docs" / "campus.md"
RUN, SOAK = "2026-11-29-against-quick.json", "2026-11-21-soak.json"
BEGIN, END = "<!-- computed by benchmarks/campus.py -->\n", "<!-- end -->\n"
MIB = 1024**2

ASSUMED = {
    "students a class": 100.0,
    "dashboards a class": 2.0,
    "share of students in a lesson at the peak": 0.5,
    "events a second of a student at the peak": 0.2,
    "events of a student in a lesson": 270.0,  # 90 minutes, one each 20 s
    "lessons of a student a term": 30.0,
    "share of a core that is used at the peak": 0.6,
    "price of a core for an hour": 0.04,
    "price of a GB of memory for an hour": 0.005,
    "price of a GB of disk for a month": 0.1,
}
HOURS_A_MONTH, MONTHS_A_TERM = 730, 4
SIZES = (5_000, 50_000, 1_000_000)
# Valkey answers commands in one thread; EVENT_SHARDS is at most 64, and one process reads a shard.
VALKEY_CORES, MAX_WORKERS = 1.0, 64


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Seconds of processor an event and part; a dashboard's seconds an event; MiB a process; bytes a row."""

    event: dict[str, float]
    dashboard: float
    memory: dict[str, float]
    row: float


def measured() -> Costs:
    rows = {row["name"]: row for row in _rows(RUN)}
    parts = ("web", "workers", "postgres", "valkey")
    event = {part: rows[f"posts of 1: {part}"]["value"] / 10_000 for part in parts}
    # The dearest of the three classes that were measured, all with an event a second from each student.
    dashboard = max(_of_dashboard(rows, students, event["web"]) for students in (200, 350, 1000))
    memory = {part: rows[f"peak memory, {part}"]["value"] for part in parts}
    soak = {row["name"]: row["value"] for row in _rows(SOAK)}
    return Costs(
        event=event,
        dashboard=dashboard,
        memory=memory,
        row=soak["database, size"] * MIB / soak["database, rows"],
    )


def _rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RESULTS / name).read_text())["rows"]
    return found


def _of_dashboard(rows: dict[str, dict[str, Any]], students: int, event: float) -> float:
    [name] = [name for name in rows if name.startswith(f"{students} students ×") and name.endswith(": web")]
    number = re.search(r"(\d+) dashboards", name)
    assert number
    return (float(rows[name]["value"]) / 10_000 - event) / int(number[1])


@dataclass(frozen=True, kw_only=True)
class Need:
    """Events a second and busy cores at the peak; whole cores to have; GB; money a month."""

    students: int
    events: float
    busy: dict[str, float]
    cores: int
    memory: float
    storage: float
    money: float


def need(students: int, costs: Costs) -> Need:
    a = ASSUMED
    events = students * a["share of students in a lesson at the peak"] * a["events a second of a student at the peak"]
    busy = {part: events * seconds for part, seconds in costs.event.items()}
    busy["web"] += events * a["dashboards a class"] * costs.dashboard
    processes = {part: math.ceil(used / a["share of a core that is used at the peak"]) for part, used in busy.items()}
    cores = sum(processes.values())
    memory = sum(number * costs.memory[part] for part, number in processes.items()) / 1024
    rows = students * a["lessons of a student a term"] * a["events of a student in a lesson"]
    storage = rows * costs.row / 1e9
    hourly = cores * a["price of a core for an hour"] + memory * a["price of a GB of memory for an hour"]
    money = hourly * HOURS_A_MONTH + storage * a["price of a GB of disk for a month"]
    return Need(students=students, events=events, busy=busy, cores=cores, memory=memory, storage=storage, money=money)


def limits(costs: Costs) -> dict[str, float]:
    """Return the students, in lessons or not, at which a part that cannot be multiplied is full."""
    an_event = need(1, costs).events
    used = ASSUMED["share of a core that is used at the peak"]
    return {
        "Valkey, one core": VALKEY_CORES * used / costs.event["valkey"] / an_event,
        f"{MAX_WORKERS} worker processes (`EVENT_SHARDS`)": MAX_WORKERS * used / costs.event["workers"] / an_event,
        "PostgreSQL, 32 cores": 32 * used / costs.event["postgres"] / an_event,
    }


def tables() -> str:
    costs = measured()
    lines = ["| assumed | |", "|---|---|", *(f"| {name} | {value:,g} |" for name, value in ASSUMED.items()), ""]
    lines += ["| measured | seconds of processor for 10,000 events | MiB a process |", "|---|---|---|"]
    lines += [f"| {part} | {costs.event[part] * 1e4:.2f} | {costs.memory[part]:.0f} |" for part in costs.event]
    lines += [f"| a dashboard, for 10,000 events that it shows | {costs.dashboard * 1e4:.2f} | |", ""]
    lines += [f"A stored event takes {costs.row:,.0f} bytes with its indexes.", ""]
    lines += ["| students | events/s | busy cores: web | workers | PostgreSQL | Valkey | cores to have | memory, GB |"]
    lines[-1] += " disk a term, GB | money a month |"
    lines += ["|---|---|---|---|---|---|---|---|---|---|"]
    for size in SIZES:
        n = need(size, costs)
        parts = " | ".join(f"{n.busy[part]:.2f}" for part in ("web", "workers", "postgres", "valkey"))
        lines.append(
            f"| {size:,} | {n.events:,.0f} | {parts} | {n.cores} | {n.memory:.1f} | {n.storage:,.0f} | {n.money:,.0f} |"
        )
    lines += ["", "| reaches its limit first | at so many students |", "|---|---|"]
    lines += [f"| {name} | {number:,.0f} |" for name, number in sorted(limits(costs).items(), key=lambda item: item[1])]
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/campus.md")
    if parser.parse_args().write:
        PAGE.write_text(renewed(PAGE.read_text()))
    else:
        print(tables())
