"""What more worker processes and more stream nodes are worth: durable events a second, and what each event costs.

Systems with 1, 2 and 4 workers run at once and take turns, then systems whose events are in a Valkey Cluster of 1, 2
and 3 masters. So ratios are within one run, and other work on the machine disturbs all alike. Only one of them has
work at a time; the others idle.

Two cores stand for all machines here, so events a second stop growing when the cores are used up. What scales without
the cores is the processor time for 10,000 events: a part whose figure stays flat, whatever the number of processes or
nodes, grows by adding machines.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from statistics import median

from tqdm import tqdm

from benchmarks.durable import STUDENTS, durable, warm_up
from benchmarks.processes import all_cpu_seconds
from benchmarks.rows import Row, shown
from benchmarks.stream_nodes import running_with_stream_nodes
from benchmarks.system import System, running

WORKERS, NODES = (1, 2, 4), (1, 2, 3)
WORKERS_BESIDE_NODES = 2
SHARDS = "12"  # the same for all: on three masters four, five and three, on two masters six each
FLOODS = ((100, 16), (1, STUDENTS))  # events in a post, connections
PARTS = ("web", "workers", "postgres", "valkey")
UNIT = "s of processor per 10,000 events"
Figures = dict[str, list[float]]  # by name, one a round


def scale_out(*, rounds: int, count: int) -> list[Row]:
    """Return all rows. `count` events a flood."""
    loads = [os.getloadavg()[0]]
    steps = tqdm(total=rounds * len(FLOODS) * (len(WORKERS) + len(NODES)), desc="scale-out", file=sys.stderr)

    def step() -> None:
        steps.update()
        loads.append(os.getloadavg()[0])

    rows: list[Row] = []
    for what, numbers, opened in (
        ("workers", WORKERS, lambda number: running(workers=number, settings={"EVENT_SHARDS": SHARDS})),
        ("stream nodes", NODES, _with_nodes),
    ):
        rows += compared(what, numbers, opened, rounds=rounds, count=count, step=step)
    steps.close()
    note = f"{min(loads):.1f} to {max(loads):.1f}, this benchmark included"
    return [*rows, Row(name="load meanwhile", value=median(loads), unit="", note=note)]


def _with_nodes(number: int) -> AbstractContextManager[System]:
    return running_with_stream_nodes(number, workers=WORKERS_BESIDE_NODES, settings={"EVENT_SHARDS": SHARDS})


def compared(
    what: str,
    numbers: Sequence[int],
    opened: Callable[[int], AbstractContextManager[System]],
    *,
    rounds: int,
    count: int,
    step: Callable[[], None],
) -> list[Row]:
    """Let a system of each number of `what` take turns, and return the rows of all."""
    found: dict[tuple[int, int], Figures] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        systems = [(number, stack.enter_context(opened(number))) for number in numbers]
        for _, system in systems:
            warm_up(system=system)
        for turn in range(rounds):
            for size, connections in FLOODS:
                for number, system in systems if turn % 2 == 0 else reversed(systems):
                    tag = f"o{number}r{turn}s{size}"
                    for name, value in flood(system, tag=tag, count=count, size=size, connections=connections).items():
                        found[size, number][name].append(value)
                    step()
    rows: list[Row] = []
    for size, _ in FLOODS:
        rows += rows_of(what, size, {number: found[size, number] for number in numbers})
    return rows


def flood(system: System, *, tag: str, count: int, size: int, connections: int) -> dict[str, float]:
    """Return events a second, seconds of processor for 10,000 events by part, and who used which share of the cores."""
    begun, before = time.monotonic(), all_cpu_seconds()
    measured = durable(system=system, tag=tag, count=count, size=size, connections=connections)
    took, after = time.monotonic() - begun, all_cpu_seconds()
    events = measured[0].value
    found = {"durable": events, "accepted": measured[1].value}
    for row in measured[2:]:
        part = row.name.split(", ")[1]
        found[part] = row.value
    found["machine"] = (after - before) / took
    return found


def rows_of(what: str, size: int, by_number: Mapping[int, Figures]) -> list[Row]:
    """Return the rows of one size of posts: events a second with their ratio to the smallest number, then the costs."""
    first = min(by_number)
    rows = []
    for number, figures in by_number.items():
        named = f"{number} {what if number > 1 else what.removesuffix('s')}, posts of {size}"
        rows += [
            _rate(f"{named}: durable", figures["durable"], by_number[first]["durable"], _limit(figures)),
            _rate(f"{named}: accepted (202)", figures["accepted"], by_number[first]["accepted"], ""),
        ]
        for part in PARTS:
            each = figures[part]
            ratio = median(each) / (median(by_number[first][part]) or 1)
            spread = f"×{ratio:.2f}; {shown(min(each))} to {shown(max(each))}"
            rows.append(Row(name=f"{named}: {part}", value=median(each), unit=UNIT, note=spread))
    return rows


def _rate(name: str, rates: Sequence[float], first: Sequence[float], limit: str) -> Row:
    ratios = [rate / one for rate, one in zip(rates, first, strict=True)]
    note = f"×{median(ratios):.2f} (rounds {min(ratios):.2f} to {max(ratios):.2f})"
    return Row(name=name, value=median(rates), unit="events/s", note=f"{note}; {limit}" if limit else note)


def _limit(figures: Figures) -> str:
    """Say which share of a core each part used while it had work, and the machine in all."""
    rate = median(figures["durable"]) / 10_000
    parts = ", ".join(f"{part} {median(figures[part]) * rate:.2f}" for part in PARTS)
    return f"busy cores: {parts}; with everybody else's work {median(figures['machine']):.2f} of {os.cpu_count()}"
