"""`python -m benchmarks`: run all benchmarks and print one table."""

import argparse
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from benchmarks import limits
from benchmarks.attention import attention
from benchmarks.calibration import CALIBRATION, draw_calibration
from benchmarks.compare import compare
from benchmarks.durable import STUDENTS, durable, memory, warm_up
from benchmarks.latency import latency
from benchmarks.pages import CELLS, pages
from benchmarks.prediction import REPORT as UNSEEN
from benchmarks.prediction import fit, prediction
from benchmarks.report import machine, save, table
from benchmarks.rows import Row, medians
from benchmarks.scale_out import scale_out
from benchmarks.scaling import PICTURE, scaling
from benchmarks.start import start
from benchmarks.stored import PICTURE as STORED_PICTURE
from benchmarks.stored import stored_against_none
from benchmarks.system import System, running


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """The sizes of a run."""

    repetitions: int = 3
    hundreds: int = 60_000  # events in posts of 100
    singles: int = 60_000  # events in posts of 1
    seconds: int = 20  # of a class at one event a second and student
    stored: int = 1_000_000  # executions in the database when pages are opened


CLASSES = ((200, 10), (350, 30), (1_000, 10))  # students, and open dashboards
QUICK = Sizes(repetitions=1, hundreds=10_000, singles=4_000, seconds=6, stored=100_000)


def measure(*, sizes: Sizes, workers: int, connections: int) -> list[Row]:
    """Return all rows. The machine's limits are measured too, because only ratios within a run are comparable."""
    steps = tqdm(total=2 + len(CLASSES) + 4 * sizes.repetitions, desc="benchmarks", unit="step", file=sys.stderr)
    rows = start(workers=workers)
    with running(workers=workers) as system:
        warm_up(system=system)
        steps.update()
        for size, count, lines in floods(sizes, connections):
            runs = []
            for number in range(sizes.repetitions):
                tag = f"b{size}r{number}"
                runs.append(durable(system=system, tag=tag, count=count, size=size, connections=lines))
                steps.update()
            rows += medians(runs)
        for students, dashboards in CLASSES:
            tag = f"live{students}"
            rows += latency(system=system, tag=tag, students=students, seconds=sizes.seconds, dashboards=dashboards)
            steps.update()
        rows += memory(system=system)
        rows += copies(system=system, repetitions=sizes.repetitions)
    with running(workers=workers, logins=True) as system:
        durable(system=system, tag="pages", count=sizes.hundreds, size=100, connections=connections, cells=CELLS)
        rows += pages(system=system, stored=sizes.stored)
        steps.update()
    for size, count, lines in floods(sizes, connections):
        runs = []
        for number in range(sizes.repetitions):
            runs.append(limits.bare(tag=f"l{number}", count=count, size=size, connections=lines))
            steps.update()
        rows += medians(runs)
    steps.close()
    return rows + shares(rows)


def floods(sizes: Sizes, connections: int) -> list[tuple[int, int, int]]:
    """Return (events in a POST, events, connections). Single events come from a class with a connection per student."""
    return [(100, sizes.hundreds, connections), (1, sizes.singles, STUDENTS)]


def copies(*, system: System, repetitions: int) -> list[Row]:
    return medians([limits.copy(system=system, prefix=f"b100r{number}") for number in range(repetitions)])


def shares(rows: list[Row]) -> list[Row]:
    """Return the results relative to the machine's limits, to compare machines."""
    value = {row.name: row.value for row in rows}
    pairs = [
        ("durable events, posts of 100", "limit: COPY into PostgreSQL"),
        ("durable events, posts of 100", "limit: bare 202, posts of 100"),
        ("durable events, posts of 1", "limit: bare 202, posts of 1"),
    ]
    return [
        Row(
            name=f"share of {limit.removeprefix('limit: ')}",
            value=value[reached] / value[limit] * 100,
            unit="%",
            note=reached,
        )
        for reached, limit in pairs
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["attention", "prediction", "scale-out", "scaling", "stored"],
        help="only this one (default: everything else)",
    )
    parser.add_argument("--fit", action="store_true", help="prediction: print the weights that fit")
    parser.add_argument("--quick", action="store_true", help="one repetition of everything, smaller")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="compare with this older checkout, in turns")
    parser.add_argument(
        "--rounds", type=int, default=3, help="with --against, scale-out and stored (default %(default)s)"
    )
    parser.add_argument(
        "--stored", type=int, default=10_000_000, help="stored: executions in the database (default %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="rq workers (default %(default)s)")
    parser.add_argument(
        "--connections",
        type=int,
        default=16,
        help="of the load generator for posts of 100 (default %(default)s); for posts of 1 it has one a student",
    )
    given = parser.parse_args()
    about, begun = machine(), datetime.now().astimezone()
    if given.what == "attention":
        rows, bins = attention(quick=given.quick)
        print(table(rows))
        draw_calibration(bins)
        print(f"\nWritten to {save(rows, moment=begun, about=about, options=vars(given))} and {CALIBRATION}")
        return
    if given.what == "prediction":
        if given.fit:
            print(fit())
            return
        rows = prediction(seeds=UNSEEN, quick=given.quick)
        print(table(rows))
        print(f"\nWritten to {save(rows, moment=begun, about=about, options=vars(given))}")
        return
    if given.what == "scale-out":
        rows = scale_out(rounds=1 if given.quick else given.rounds, count=5_000 if given.quick else 20_000)
        print(table(rows))
        print(f"\nWritten to {save(rows, moment=begun, about=about, options=vars(given))}")
        return
    if given.what == "scaling":
        rows = scaling()
        print(table(rows))
        print(f"\nWritten to {save(rows, moment=begun, about=about, options=vars(given))} and {PICTURE}")
        return
    if given.what == "stored":
        count = (QUICK if given.quick else Sizes()).hundreds
        rows = stored_against_none(stored=given.stored, rounds=given.rounds, workers=given.workers, count=count)
        print(table(rows))
        print(f"\nWritten to {save(rows, moment=begun, about=about, options=vars(given))} and {STORED_PICTURE}")
        return
    if given.against:
        sizes = QUICK if given.quick else Sizes()
        rows = compare(
            before=given.against.resolve(), rounds=given.rounds, workers=given.workers,
            count=sizes.singles, seconds=sizes.seconds, classes=CLASSES,
        )  # fmt: skip
        options = {**vars(given), "what": "against", "against": "another checkout"}
        print(table(rows))
        print(f"\nWritten to {save(rows, moment=begun, about=about, options=options)}")
        return
    rows = measure(sizes=QUICK if given.quick else Sizes(), workers=given.workers, connections=given.connections)
    print(table(rows))
    print(f"\nWritten to {save(rows, moment=begun, about=about, options=vars(given))}")


if __name__ == "__main__":
    main()
