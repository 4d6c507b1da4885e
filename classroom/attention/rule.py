"""The rule of the attention board: ranked alerts from a lesson and the instructors' feedback. Pure functions.

Two ideas prevent false alerts. Times are counted in minutes in which the class worked, so that a lecture or a break
does not count as silence. And an alert ends by what the student does, not by falling below a threshold, so that alerts
do not flicker. Explained in docs/attention.md.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from classroom.attention.signals import Alert, Code, Feedback, Known, Lesson, Run, Signals

MAX_SHOWN = 5

# Three consecutive errors are the "significant error" of the student card, and usually pass. The same error a fourth
# time, over three minutes, means that the student no longer learns from the message. Four quick presses are impatience;
# the same error now and then between others is a search.
REPEATS, REPEATS_LAST, REPEATS_SHARE = 4, 3, 0.6
# Different errors are a search, which may be the exercise itself: allow more time.
CONSECUTIVE, CONSECUTIVE_LASTS = 5, 7
# After an error this old the student no longer works on it: they are silent, or left.
ERROR_GOES_STALE = timedelta(minutes=10)

# Active minutes of the class without a run: reading a long cell takes three or four, a chat five. A student who stopped
# at an error is probably stuck; one who stopped after a success may be having a break.
SILENT_AFTER_ERROR, SILENT_AFTER_SUCCESS = 7, 15
SILENT_BEHIND_AFTER_ERROR, SILENT_BEHIND = 1, 2  # cells that the class is ahead: a student who has finished may rest
RESTING_LEAD = 3  # cells ahead of the class at the last run: such a student may rest for long
GONE = timedelta(minutes=30)  # the student has left by then
STILL_ACTIVE = 3  # the class worked in one of the last 3 minutes

# Far behind, and no new cell while the class worked: a slow but steady student reaches one in that time.
BEHIND_CELLS, BEHIND_SHARE, NO_NEW_CELL = 4, 0.3, 9
STILL_THERE = timedelta(minutes=6)
ABSENCE = timedelta(minutes=5)  # between two runs; a student who comes back starts anew

# A cell at which this share of those who tried it failed three times is a problem of the class and shown as an error
# cluster, not as an alert about a student; until a student has been at it for long.
CLUSTER_SHARE, MIN_CLUSTER, CLUSTER_MARGIN = 0.4, 3, 0.15
CLUSTER_TIMEOUT = timedelta(minutes=12)

MIN_CELLS_RUN = 2  # run in this lesson: a student who has just arrived is not behind
MIN_CLASS = 4  # students with a position: the median of fewer does not describe the class
AFTER_DISMISSAL = 2  # times the usual number, in the cell where an instructor dismissed an alert
GAP_GROWN = 3  # further cells behind since the feedback of an instructor

RANKS: dict[Code, int] = {"help": 0, "repeated_error": 1, "error_streak": 2, "silent": 3, "behind": 4}


def assess(lesson: Lesson, known: Known, now: datetime) -> list[Alert]:
    """Return all alerts, at most one per student: by kind, then those shown already, then the oldest."""
    found = [Alert(pk, "help", since, minutes=_minutes(now - since)) for pk, since in known.asking.items()]
    for student in lesson.students:
        if student.student_id not in known.asking:
            alert = next(_alerts(lesson, student, known, now), None)
            found += [alert] if alert else []
    return sorted(found, key=lambda c: (RANKS[c.code], c.student_id not in known.shown, c.since, c.student_id))


def _alerts(lesson: Lesson, student: Signals, known: Known, now: datetime) -> Iterator[Alert]:
    feedback = known.feedback.get(student.student_id)
    is_shown = student.student_id in known.shown
    failures = open_failures(student.tail)
    if failures and _is_class_problem(lesson, failures[0].cell, is_shown) and now - failures[-1].at < CLUSTER_TIMEOUT:
        return
    if failures:
        yield from _error_alerts(lesson, student, failures, feedback, is_shown, now)
    yield from _silent_alerts(lesson, student, failures, feedback, is_shown, now)
    yield from _behind_alerts(lesson, student, feedback, now)


def open_failures(tail: Sequence[Run]) -> list[Run]:
    """Return the failed runs of the cell at which the student is stuck, newest first.

    These are the failures since the cell's last success, unless the student has succeeded at a later cell since then.
    Running earlier cells again changes nothing. Of several such cells, the one that failed most often counts.
    """
    passed: set[int] = set()  # cells whose older failures no longer count
    furthest = -1
    failures: dict[int, list[Run]] = {}
    for run in tail:
        if not run.failed:
            passed.add(run.cell)
            furthest = max(furthest, -1 if run.position is None else run.position)
        elif run.cell not in passed and (run.position is None or furthest <= run.position):
            failures.setdefault(run.cell, []).append(run)
    return max(failures.values(), key=len, default=[])


def _is_class_problem(lesson: Lesson, cell: int, is_shown: bool) -> bool:
    stats = lesson.cells.get(cell)
    share = CLUSTER_SHARE + CLUSTER_MARGIN * is_shown
    return stats is not None and stats.struggled >= MIN_CLUSTER and stats.share >= share


def _error_alerts(
    lesson: Lesson, student: Signals, failures: list[Run], feedback: Feedback | None, is_shown: bool, now: datetime
) -> Iterator[Alert]:
    latest = failures[0]
    if now - latest.at > ERROR_GOES_STALE and not is_shown:
        return
    if now - latest.at > GONE:
        return
    cuts = [moment for moment in (student.resolved_at, feedback.at if feedback else None) if moment]
    recent = [run for run in failures if not cuts or run.at > max(cuts)]
    was_dismissed = feedback is not None and not feedback.was_needed and feedback.cell in (None, latest.position)
    times = AFTER_DISMISSAL if was_dismissed else 1
    same = [run for run in recent if run.error == latest.error]
    between = sum(run.at >= same[-1].at for run in recent) if same else 0
    is_repeated = len(same) >= max(REPEATS * times, REPEATS_SHARE * between)
    if is_repeated and _worked_minutes(lesson, same, now) >= REPEATS_LAST:
        yield _error("repeated_error", student, same, now)
    if len(recent) >= CONSECUTIVE * times and _worked_minutes(lesson, recent, now) >= CONSECUTIVE_LASTS:
        yield _error("error_streak", student, recent, now)


def _worked_minutes(lesson: Lesson, runs: Sequence[Run], now: datetime) -> int:
    """Return the number of minutes since the first of these runs in which the class or the student worked.

    A lecture in the meantime does not count; a student working alone does.
    """
    first, last = minute_of(runs[-1].at), minute_of(now)
    own = {minute_of(run.at) for run in runs}
    worked = sum(1 for minute in lesson.active_minutes | own if first < minute <= last)
    return min(worked, _minutes(now - runs[-1].at))


def _error(code: Code, student: Signals, runs: list[Run], now: datetime) -> Alert:
    first, latest = runs[-1], runs[0]
    return Alert(
        student.student_id, code, first.at, cell=latest.position, count=len(runs), error=latest.error_name,
        minutes=_minutes(now - first.at),
    )  # fmt: skip


def _silent_alerts(
    lesson: Lesson, student: Signals, failures: list[Run], feedback: Feedback | None, is_shown: bool, now: datetime
) -> Iterator[Alert]:
    gap = _gap(lesson, student)
    quiet = _class_minutes(lesson, student.last_run_at, now)
    after, behind = SILENT_AFTER_SUCCESS, SILENT_BEHIND
    if failures and failures[0].at == student.last_run_at:
        after, behind = SILENT_AFTER_ERROR, SILENT_BEHIND_AFTER_ERROR
    if gap is None or gap < behind or quiet < after or now - student.last_run_at > GONE:
        return
    if not is_shown and not _is_active(lesson, now):
        return
    if feedback and feedback.at >= student.last_run_at:
        return  # feedback on the same silence
    if after == SILENT_AFTER_SUCCESS and student.lead >= RESTING_LEAD:
        return
    at_error = failures[0] if after == SILENT_AFTER_ERROR else None
    yield Alert(
        student.student_id, "silent", student.last_run_at, cell=at_error.position if at_error else student.furthest,
        error=at_error.error_name if at_error else "", class_cell=lesson.class_cell,
        minutes=_minutes(now - student.last_run_at),
    )  # fmt: skip


def _behind_alerts(lesson: Lesson, student: Signals, feedback: Feedback | None, now: datetime) -> Iterator[Alert]:
    gap = _gap(lesson, student)
    if gap is None or lesson.class_cell is None or now - student.last_run_at > STILL_THERE or not student.tail:
        return
    if gap < max(BEHIND_CELLS, BEHIND_SHARE * lesson.class_cell):
        return
    reached = reached_at(student)
    if _class_minutes(lesson, reached, now) < NO_NEW_CELL:
        return
    if feedback and (gap < feedback.gap + GAP_GROWN or _class_minutes(lesson, feedback.at, now) < NO_NEW_CELL):
        return
    yield Alert(
        student.student_id, "behind", reached, cell=student.furthest, class_cell=lesson.class_cell,
        minutes=_minutes(now - reached),
    )  # fmt: skip


def reached_at(student: Signals) -> datetime:
    """Return when the student last made progress: reached their furthest cell, made it work, or came back from an
    absence. At the earliest the oldest known run."""
    reached = student.tail[-1].at
    has_reached = has_failed = False
    before = reached
    for run in reversed(student.tail):
        if run.at - before > ABSENCE:
            reached = run.at
        if run.position is not None and run.position == student.furthest:
            if not has_reached or (has_failed and not run.failed):
                reached = run.at
            has_reached, has_failed = True, run.failed
        before = run.at
    return reached


def gap_of(alert: Alert) -> int:
    return max(0, (alert.class_cell or 0) - (alert.cell or 0)) if alert.class_cell is not None else 0


def _gap(lesson: Lesson, student: Signals) -> int | None:
    """Return how many cells the class is ahead; None if unknown."""
    if lesson.class_cell is None or student.furthest is None or student.cells_run < MIN_CELLS_RUN:
        return None
    return lesson.class_cell - student.furthest


def _class_minutes(lesson: Lesson, since: datetime, now: datetime) -> int:
    first, last = minute_of(since), minute_of(now)
    return sum(1 for minute in lesson.active_minutes if first < minute <= last)


def _is_active(lesson: Lesson, now: datetime) -> bool:
    this = minute_of(now)
    return any(this - back in lesson.active_minutes for back in range(STILL_ACTIVE))


def minute_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _minutes(length: timedelta) -> int:
    return max(0, int(length.total_seconds())) // 60
