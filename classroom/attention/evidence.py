"""The evidence that a student is stuck: plain measures of what they did, and of the class meanwhile. Pure functions.

Time is counted in what the class did: *class runs* are runs, *class cells* new cells that work, for each of those
present. Nothing of it passes during a lecture or a break, and a hard cell makes nobody slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from classroom.attention.history import CellOfClass, CellWork, ClassWork, Run, Work, is_unusual, work_of

RECENT = 600.0  # seconds: the last ten minutes
TRIES = 8  # the latest runs, to see how the code changes
CLUSTER_SHARE = 0.4  # of classmates who failed three times at a cell: it is the class's problem
CLUSTER_TIMEOUT = 720.0  # seconds; who is still at it then has one of their own
LATEST = 20  # runs to look for failing cells in
OLD = 900.0
SMALL, LARGE = 0.15, 0.3  # of a change
NOTHING = CellOfClass()


@dataclass(slots=True)
class Evidence:
    """Measures of one student at one moment."""

    silence: float = 0.0  # class runs since the last run
    silent_minutes: float = 0.0
    last_failed: bool = False
    tries: int = 0  # runs since a new cell worked
    failures: int = 0  # of these
    stalled: float = 0.0  # class cells since a new cell worked
    stalled_runs: float = 0.0  # class runs since then
    recent: int = 0  # runs of the last ten minutes
    recent_failures: int = 0
    recent_solved: int = 0  # new cells that worked
    recent_cells: int = 0  # different cells
    again: int = 0  # runs of cells that had worked before
    at_cell: float = 0.0  # class runs since the student came to the current cell
    went_back: int = 0  # to an earlier cell, in the latest tries
    same_error: int = 0  # the latest error, how often before at its cell
    errors: int = 0  # different ones
    unchanged: int = 0  # tries with the same code as the one before
    small: int = 0  # with a small change
    large: int = 0
    cell_failures: int = 0  # at the cell that fails most
    class_failures: float = 0.0  # there, of a classmate
    class_solved_share: float = 0.0  # of the classmates who tried that cell
    class_struggled_share: float = 0.0
    open_cells: int = 0  # that failed last
    other_output: int = 0  # runs of a cell whose output is not the class's
    other_outputs: int = 0  # cells with such outputs
    restarts: int = 0  # runs of all cells in a go
    aborted: int = 0
    shared: float = 0.0  # the share of those present who tried the current cell
    behind: float = 0.0  # cells that work, fewer than the median's
    solved: int = 0
    minutes: float = 0.0  # since the student's first run
    # What the sentences say.
    cell: CellWork | None = None  # the failing one, else the current one
    error_name: str = ""
    since: float = 0.0  # when the trouble began


def evidence_of(work: Work, class_: ClassWork, *, since: float = 0.0) -> Evidence:
    """Return the evidence about a student who has run something; of what came after `since`, when somebody answered."""
    found, now, whole = Evidence(), class_.now, work
    if since:
        work = work_of([run for run in work.runs if run.at > since])
        if not work.runs:
            found.silence, found.silent_minutes = class_.runs_since(since), (now - since) / 60
            found.solved, found.since = len(whole.solved_at), since
            return found
    runs = work.runs
    last = runs[-1]
    done = work.done or runs
    current = done[-1]
    reached = work.solved_at[-1] if work.solved_at else runs[0].at - 1
    found.silence, found.silent_minutes = class_.runs_since(last.at), (now - last.at) / 60
    found.last_failed = last.failed
    found.stalled, found.stalled_runs = class_.solved_since(reached), class_.runs_since(reached)
    found.solved, found.behind = len(whole.solved_at), class_.solved_median - len(whole.solved_at)
    found.recent_solved = sum(moment > now - RECENT for moment in work.solved_at[-TRIES:])
    found.minutes = (now - runs[0].at) / 60
    found.shared = class_.cells.get(current.cell, NOTHING).tried / class_.present
    _recent(found, runs, reached, now)
    found.again = found.recent - found.recent_failures - found.recent_solved
    _path(found, work.done, class_)
    _changes(found, work.done, now)
    _failing(found, work, class_, current)
    _outputs(found, work, class_, now)
    found.since = reached if found.tries else last.at
    return found


def is_class_problem(found: Evidence, now: float) -> bool:
    """Return whether the student fails where much of the class fails: the teacher tells all of them at once."""
    if found.cell is None or not found.cell.open_failures:
        return False
    return found.class_struggled_share >= CLUSTER_SHARE and now - found.cell.open_since < CLUSTER_TIMEOUT


def _recent(found: Evidence, runs: Sequence[Run], reached: float, now: float) -> None:
    seen: set[int | str] = set()
    after = now
    burst = 0
    for run in reversed(runs):
        if run.at <= now - RECENT and run.at <= reached:
            break
        is_recent = run.at > now - RECENT
        if is_recent:
            # Many cells within seconds of each other: "run all", after a restart or not.
            burst = burst + 1 if after - run.at < 3 else 0
            found.restarts += burst == 3
            after = run.at
        if run.aborted:
            found.aborted += is_recent
            continue
        if run.at > reached:
            found.tries += 1
            found.failures += run.failed
        if is_recent:
            found.recent += 1
            found.recent_failures += run.failed
            seen.add(run.cell)
    found.recent_cells = len(seen)


def _path(found: Evidence, runs: Sequence[Run], class_: ClassWork) -> None:
    """Tell how long the student is at one cell, and how often they went back to an earlier one."""
    arrived = class_.now
    for run in reversed(runs):
        if run.cell != runs[-1].cell:
            break
        arrived = run.at
    found.at_cell = class_.runs_since(arrived)
    for before, run in pairwise(runs[-TRIES:]):
        if before.notebook == run.notebook and before.position is not None and run.position is not None:
            found.went_back += run.position < before.position


def _changes(found: Evidence, runs: Sequence[Run], now: float) -> None:
    """Count small and large changes among the latest tries."""
    tries = [run.change for run in runs[-TRIES:] if run.change is not None and run.at > now - OLD]
    for change in tries:
        if change == 0:
            found.unchanged += 1
        elif change < SMALL:
            found.small += 1
        elif change >= LARGE:
            found.large += 1


def _failing(found: Evidence, work: Work, class_: ClassWork, current: Run) -> None:
    """Describe the cell that fails most among those run lately, or the current one; and the errors."""
    found.cell = work.cells[current.cell]
    worst, most = None, 0
    for key in dict.fromkeys(run.cell for run in reversed(work.done[-LATEST:])):
        cell = work.cells[key]
        if cell.open_failures:
            found.open_cells += 1
            if cell.failures > most:
                worst, most = key, cell.failures
    errors = [run for run in work.done[-LATEST:] if run.failed and run.at > class_.now - OLD]
    if errors:
        latest = errors[-1]
        found.same_error = sum(run.error == latest.error and run.cell == latest.cell for run in errors) - 1
        found.errors = len({run.error for run in errors})
        found.error_name = latest.error_name
    if worst is None:
        return
    found.cell, found.cell_failures = work.cells[worst], most
    of_class = class_.cells.get(worst, NOTHING)
    others = of_class.tried - 1
    found.class_failures = (of_class.failures - most + 1) / (others + 1)
    found.class_solved_share = (of_class.solved + 0.5) / (others + 1)
    found.class_struggled_share = (of_class.struggled - (most >= 3)) / (others + 3)


def _outputs(found: Evidence, work: Work, class_: ClassWork, now: float) -> None:
    """Count outputs of the latest cells that are not what the class got there."""
    seen: set[int | str] = set()
    latest = work.done[-TRIES:]
    for run in reversed(latest):
        if run.at < now - OLD:
            break
        if run.failed or run.cell in seen:
            continue
        seen.add(run.cell)
        if is_unusual(work.cells[run.cell].output, class_.cells.get(run.cell, NOTHING)):
            found.other_outputs += 1
            found.other_output += sum(one.cell == run.cell for one in latest)
