"""The rule that the model replaced, as a baseline: thresholds on errors in a row, silence and cells behind.

What it read from the database is read from the runs of a simulated lesson here. Nobody answers its alerts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_low

from classroom.attention.history import Run

REPEATS, REPEATS_LAST, REPEATS_SHARE = 4, 3, 0.6
CONSECUTIVE, CONSECUTIVE_LASTS = 5, 7
ERROR_GOES_STALE, GONE = 600.0, 1800.0
SILENT_AFTER_ERROR, SILENT_AFTER_SUCCESS = 7, 15
SILENT_BEHIND_AFTER_ERROR, SILENT_BEHIND, RESTING_LEAD = 1, 2, 3
STILL_ACTIVE = 3
BEHIND_CELLS, BEHIND_SHARE, NO_NEW_CELL = 4, 0.3, 9
STILL_THERE, ABSENCE = 360.0, 300.0
CLUSTER_SHARE, MIN_CLUSTER, CLUSTER_MARGIN, CLUSTER_TIMEOUT = 0.4, 3, 0.15, 720.0
MIN_CELLS_RUN, MIN_CLASS = 2, 4
LESSON, PRESENT, TAIL, STRUGGLE = 3600.0, 900.0, 20, 3
ACTIVE_SHARE, MIN_ACTIVE = 0.08, 2
RANKS = {"repeated_error": 1, "error_streak": 2, "silent": 3, "behind": 4}


@dataclass(slots=True)
class _Student:
    last_at: float
    tail: list[Run]  # newest first
    reached: dict[int | str, tuple[int, float]] = field(default_factory=dict)  # cell of the class's notebook
    cells_run: int = 0
    furthest: int | None = None
    lead: int = 0


@dataclass(slots=True)
class _Lesson:
    students: dict[int, _Student]
    shares: Mapping[int | str, tuple[int, float]]  # by cell: how many struggled, and their share
    class_cell: int | None
    active: frozenset[int]


def alerts(histories: Mapping[int, Sequence[Run]], shown: set[int], now: float) -> list[tuple[int, str]]:
    """Return students and kinds, most urgent first."""
    lesson = _observe(histories, now)
    found = []
    for number, student in lesson.students.items():
        first = next(_alerts(lesson, student, number in shown, now), None)
        if first:
            found.append((RANKS[first[0]], number not in shown, first[1], number, first[0]))
    return [(number, kind) for _, _, _, number, kind in sorted(found)]


def _observe(histories: Mapping[int, Sequence[Run]], now: float) -> _Lesson:
    here = {number: runs for number, runs in histories.items() if runs and now - runs[-1].at < LESSON}
    books = Counter(runs[-1].notebook for runs in here.values() if now - runs[-1].at < PRESENT)
    book = books.most_common(1)[0][0] if books else None
    students: dict[int, _Student] = {}
    tried: Counter[int | str] = Counter()
    struggled: Counter[int | str] = Counter()
    minutes: Counter[int] = Counter()
    for number, runs in here.items():
        failures: Counter[int | str] = Counter()
        one = _Student(runs[-1].at, [run for run in runs[-TAIL:] if not run.aborted][::-1])
        for run in runs:
            if run.notebook == book and not run.aborted and now - run.at < LESSON:
                one.reached[run.cell] = (run.position or 0, run.at)
                failures[run.cell] += run.failed
        minutes.update({int(at) // 60 for _, at in one.reached.values()} | {int(one.last_at) // 60})
        one.cells_run = len(one.reached)
        one.furthest = max((position for position, _ in one.reached.values()), default=None)
        tried.update(one.reached.keys())
        struggled.update(cell for cell, count in failures.items() if count >= STRUGGLE)
        students[number] = one
    present = [one for one in students.values() if now - one.last_at < PRESENT]
    known = [one.furthest for one in present if one.furthest is not None]
    class_cell = median_low(known) if len(known) >= MIN_CLASS else None
    for one in students.values():
        if class_cell is not None and one.furthest is not None and one.furthest < class_cell:
            one.lead = _lead(one, students, now)
    least = max(MIN_ACTIVE, ACTIVE_SHARE * len(present))
    shares = {cell: (count, count / tried[cell]) for cell, count in struggled.items()}
    return _Lesson(students, shares, class_cell, frozenset(m for m, count in minutes.items() if count >= least))


def _lead(one: _Student, students: Mapping[int, _Student], now: float) -> int:
    if not 300 <= now - one.last_at <= GONE or one.furthest is None:
        return 0
    reached = [
        max((position for position, at in other.reached.values() if at <= one.last_at + 60), default=None)
        for other in students.values()
    ]
    known = [position for position in reached if position is not None]
    return one.furthest - median_low(known) if known else 0


def _alerts(lesson: _Lesson, student: _Student, is_shown: bool, now: float) -> Iterator[tuple[str, float]]:
    failures = _open_failures(student.tail)
    if failures:
        count, share = lesson.shares.get(failures[0].cell, (0, 0.0))
        is_cluster = count >= MIN_CLUSTER and share >= CLUSTER_SHARE + CLUSTER_MARGIN * is_shown
        if is_cluster and now - failures[-1].at < CLUSTER_TIMEOUT:
            return
        yield from _errors(lesson, failures, is_shown, now)
    yield from _silence(lesson, student, failures, is_shown, now)
    yield from _behind(lesson, student, now)


def _open_failures(tail: Sequence[Run]) -> list[Run]:
    passed: set[int | str] = set()
    furthest = -1
    failures: dict[int | str, list[Run]] = {}
    for run in tail:
        if not run.failed:
            passed.add(run.cell)
            furthest = max(furthest, -1 if run.position is None else run.position)
        elif run.cell not in passed and (run.position is None or furthest <= run.position):
            failures.setdefault(run.cell, []).append(run)
    return max(failures.values(), key=len, default=[])


def _errors(lesson: _Lesson, failures: list[Run], is_shown: bool, now: float) -> Iterator[tuple[str, float]]:
    latest = failures[0]
    if (now - latest.at > ERROR_GOES_STALE and not is_shown) or now - latest.at > GONE:
        return
    same = [run for run in failures if run.error == latest.error]
    between = sum(run.at >= same[-1].at for run in failures)
    if len(same) >= max(REPEATS, REPEATS_SHARE * between) and _worked(lesson, same, now) >= REPEATS_LAST:
        yield "repeated_error", same[-1].at
    if len(failures) >= CONSECUTIVE and _worked(lesson, failures, now) >= CONSECUTIVE_LASTS:
        yield "error_streak", failures[-1].at


def _worked(lesson: _Lesson, runs: Sequence[Run], now: float) -> int:
    first, last = int(runs[-1].at) // 60, int(now) // 60
    own = {int(run.at) // 60 for run in runs}
    worked = sum(1 for minute in lesson.active | own if first < minute <= last)
    return min(worked, int(now - runs[-1].at) // 60)


def _silence(
    lesson: _Lesson, student: _Student, failures: list[Run], is_shown: bool, now: float
) -> Iterator[tuple[str, float]]:
    gap, quiet = _gap(lesson, student), _class_minutes(lesson, student.last_at, now)
    after, behind = SILENT_AFTER_SUCCESS, SILENT_BEHIND
    if failures and failures[0].at == student.last_at:
        after, behind = SILENT_AFTER_ERROR, SILENT_BEHIND_AFTER_ERROR
    if gap is None or gap < behind or quiet < after or now - student.last_at > GONE:
        return
    if not is_shown and not any(int(now) // 60 - back in lesson.active for back in range(STILL_ACTIVE)):
        return
    if after == SILENT_AFTER_ERROR or student.lead < RESTING_LEAD:
        yield "silent", student.last_at


def _behind(lesson: _Lesson, student: _Student, now: float) -> Iterator[tuple[str, float]]:
    gap = _gap(lesson, student)
    if gap is None or lesson.class_cell is None or now - student.last_at > STILL_THERE or not student.tail:
        return
    reached = _reached_at(student)
    is_far = gap >= max(BEHIND_CELLS, BEHIND_SHARE * lesson.class_cell)
    if is_far and _class_minutes(lesson, reached, now) >= NO_NEW_CELL:
        yield "behind", reached


def _reached_at(student: _Student) -> float:
    reached = before = student.tail[-1].at
    has_reached = has_failed = False
    for run in reversed(student.tail):
        if run.at - before > ABSENCE:
            reached = run.at
        if run.position is not None and run.position == student.furthest:
            if not has_reached or (has_failed and not run.failed):
                reached = run.at
            has_reached, has_failed = True, run.failed
        before = run.at
    return reached


def _gap(lesson: _Lesson, student: _Student) -> int | None:
    if lesson.class_cell is None or student.furthest is None or student.cells_run < MIN_CELLS_RUN:
        return None
    return lesson.class_cell - student.furthest


def _class_minutes(lesson: _Lesson, since: float, now: float) -> int:
    return sum(1 for minute in lesson.active if int(since) // 60 < minute <= int(now) // 60)
