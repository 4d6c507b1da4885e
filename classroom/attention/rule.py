"""The rule, pure: a lesson and what people have said of it in, ranked concerns out. Explained in docs/attention.md.

Two ideas keep it quiet. Times are counted in minutes in which the class worked, so that a lecture or a break makes
nobody silent. And a concern ends by what the student does, never by a threshold crossed back, so that nobody flickers.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from classroom.attention.signals import Alert, Code, Feedback, Known, Lesson, Run, Signals

MOST_SHOWN = 5

# Three errors in a row are the "significant error" every card shows, and mostly pass; the same one a fourth time, over
# three minutes, is a student who has stopped learning from the message. Four quick presses are impatience, and the
# same one now and then among others is a search.
REPEATS, REPEATS_LAST, REPEATS_SHARE = 4, 3, 0.6
# Different errors are a search, which may be the lesson itself; let it have its time.
STREAK, STREAK_LASTS = 5, 7
# After an error this old nobody is still at it: silence, or they left.
ERROR_GOES_STALE = timedelta(minutes=10)

# Minutes of the working class without a run: reading a long cell takes three or four, a chat five. Who stopped at an
# error has a reason to be stuck; who stopped after a success may be having a coffee.
SILENT_AFTER_ERROR, SILENT_AFTER_SUCCESS = 7, 15
SILENT_BEHIND_AFTER_ERROR, SILENT_BEHIND = 1, 2  # cells that the class is ahead: who has finished may rest
RESTING_LEAD = 3  # cells ahead of the class at the last run: who was so far may rest until long after
GONE = timedelta(minutes=30)  # after that they left the room, and a visit finds an empty chair
STILL_GOING = 3  # of the last so many minutes the class worked in one

# Behind by much, and no new cell while the class worked on: who is slow but steady reaches one in that time.
BEHIND_CELLS, BEHIND_SHARE, NO_NEW_CELL = 4, 0.3, 9
STILL_THERE = timedelta(minutes=6)
ABSENCE = timedelta(minutes=5)  # between two runs: who comes back from one starts anew

# A cell at which so many of those who tried it failed three times is the class's problem, told as such, not one
# student's; until somebody has been at it alone for long.
CLUSTER_SHARE, CLUSTER_LEAST, CLUSTER_MARGIN = 0.4, 3, 0.15
CLUSTER_PATIENCE = timedelta(minutes=12)

LEAST_CELLS = 2  # run in this lesson: who has just come has no lesson to be behind in
LEAST_CLASS = 4  # students with a position: the median of fewer is somebody's, not the class's
AFTER_DISMISSAL = 2  # times the usual number, in the cell where an instructor found that nobody was needed
GAP_GROWN = 3  # further cells behind, since an instructor answered that

RANKS: dict[Code, int] = {"help": 0, "repeated_error": 1, "error_streak": 2, "silent": 3, "behind": 4}


def assess(lesson: Lesson, known: Known, now: datetime) -> list[Alert]:
    """All concerns, the most urgent first: by kind, then who is shown already, then by how long. One a student."""
    found = [Alert(pk, "help", since, minutes=_minutes(now - since)) for pk, since in known.asking.items()]
    for student in lesson.students:
        if student.student_id not in known.asking:
            concern = next(_concerns(lesson, student, known, now), None)
            found += [concern] if concern else []
    return sorted(found, key=lambda c: (RANKS[c.code], c.student_id not in known.shown, c.since, c.student_id))


def _concerns(lesson: Lesson, student: Signals, known: Known, now: datetime) -> Iterator[Alert]:
    answer = known.answers.get(student.student_id)
    is_shown = student.student_id in known.shown
    failures = open_failures(student.tail)
    if failures and _is_the_class(lesson, failures[0].cell, is_shown) and now - failures[-1].at < CLUSTER_PATIENCE:
        return
    if failures:
        yield from _errors(lesson, student, failures, answer, is_shown, now)
    yield from _silence(lesson, student, failures, answer, is_shown, now)
    yield from _behind(lesson, student, answer, now)


def open_failures(tail: Sequence[Run]) -> list[Run]:
    """The failed runs of the cell that holds the student up, newest first: since its last success, if they have not
    gone on to a later cell meanwhile. Going back to earlier cells, to look or to run them again, is no way out. Of
    several such cells the one that failed most."""
    over: set[int] = set()  # cells whose older failures no longer count
    beyond = -1
    failures: dict[int, list[Run]] = {}
    for run in tail:
        if not run.failed:
            over.add(run.cell)
            beyond = max(beyond, -1 if run.position is None else run.position)
        elif run.cell not in over and (run.position is None or beyond <= run.position):
            failures.setdefault(run.cell, []).append(run)
    return max(failures.values(), key=len, default=[])


def _is_the_class(lesson: Lesson, cell: int, is_shown: bool) -> bool:
    standing = lesson.cells.get(cell)
    share = CLUSTER_SHARE + CLUSTER_MARGIN * is_shown
    return standing is not None and standing.struggled >= CLUSTER_LEAST and standing.share >= share


def _errors(
    lesson: Lesson, student: Signals, failures: list[Run], answer: Feedback | None, is_shown: bool, now: datetime
) -> Iterator[Alert]:
    latest = failures[0]
    if now - latest.at > ERROR_GOES_STALE and not is_shown:
        return
    if now - latest.at > GONE:
        return
    cuts = [moment for moment in (student.resolved_at, answer.at if answer else None) if moment]
    fresh = [run for run in failures if not cuts or run.at > max(cuts)]
    unneeded = answer is not None and not answer.was_needed and answer.cell in (None, latest.position)
    times = AFTER_DISMISSAL if unneeded else 1
    same = [run for run in fresh if run.error == latest.error]
    among = sum(run.at >= same[-1].at for run in fresh) if same else 0
    if len(same) >= max(REPEATS * times, REPEATS_SHARE * among) and _worked(lesson, same, now) >= REPEATS_LAST:
        yield _error("repeated_error", student, same, now)
    if len(fresh) >= STREAK * times and _worked(lesson, fresh, now) >= STREAK_LASTS:
        yield _error("error_streak", student, fresh, now)


def _worked(lesson: Lesson, runs: Sequence[Run], now: datetime) -> int:
    """Minutes since the first of these runs in which the class worked, or the student did: a lecture in the middle of
    a search does not make it long, and somebody alone in a room counts too."""
    first, last = minute_of(runs[-1].at), minute_of(now)
    own = {minute_of(run.at) for run in runs}
    worked = sum(1 for minute in lesson.going | own if first < minute <= last)
    return min(worked, _minutes(now - runs[-1].at))


def _error(code: Code, student: Signals, runs: list[Run], now: datetime) -> Alert:
    first, latest = runs[-1], runs[0]
    return Alert(
        student.student_id, code, first.at, cell=latest.position, count=len(runs), error=latest.error_name,
        minutes=_minutes(now - first.at),
    )  # fmt: skip


def _silence(
    lesson: Lesson, student: Signals, failures: list[Run], answer: Feedback | None, is_shown: bool, now: datetime
) -> Iterator[Alert]:
    gap = _gap(lesson, student)
    quiet = _class_minutes(lesson, student.last_run_at, now)
    after, behind = SILENT_AFTER_SUCCESS, SILENT_BEHIND
    if failures and failures[0].at == student.last_run_at:
        after, behind = SILENT_AFTER_ERROR, SILENT_BEHIND_AFTER_ERROR
    if gap is None or gap < behind or quiet < after or now - student.last_run_at > GONE:
        return
    if not is_shown and not _is_going(lesson, now):
        return
    if answer and answer.at >= student.last_run_at:
        return  # the same silence
    if after == SILENT_AFTER_SUCCESS and student.lead >= RESTING_LEAD:
        return
    at_error = failures[0] if after == SILENT_AFTER_ERROR else None
    yield Alert(
        student.student_id, "silent", student.last_run_at, cell=at_error.position if at_error else student.furthest,
        error=at_error.error_name if at_error else "", class_cell=lesson.class_cell,
        minutes=_minutes(now - student.last_run_at),
    )  # fmt: skip


def _behind(lesson: Lesson, student: Signals, answer: Feedback | None, now: datetime) -> Iterator[Alert]:
    gap = _gap(lesson, student)
    if gap is None or lesson.class_cell is None or now - student.last_run_at > STILL_THERE or not student.tail:
        return
    if gap < max(BEHIND_CELLS, BEHIND_SHARE * lesson.class_cell):
        return
    reached = reached_at(student)
    if _class_minutes(lesson, reached, now) < NO_NEW_CELL:
        return
    if answer and (gap < answer.gap + GAP_GROWN or _class_minutes(lesson, answer.at, now) < NO_NEW_CELL):
        return
    yield Alert(
        student.student_id, "behind", reached, cell=student.furthest, class_cell=lesson.class_cell,
        minutes=_minutes(now - reached),
    )  # fmt: skip


def reached_at(student: Signals) -> datetime:
    """When they last got on: came to their furthest cell, made it work, or came back to the room. Of runs that are
    not known, the oldest known one stands for them."""
    reached = student.tail[-1].at
    is_there = has_failed = False
    before = reached
    for run in reversed(student.tail):
        if run.at - before > ABSENCE:
            reached = run.at
        if run.position is not None and run.position == student.furthest:
            if not is_there or (has_failed and not run.failed):
                reached = run.at
            is_there, has_failed = True, run.failed
        before = run.at
    return reached


def gap_of(concern: Alert) -> int:
    return max(0, (concern.class_cell or 0) - (concern.cell or 0)) if concern.class_cell is not None else 0


def _gap(lesson: Lesson, student: Signals) -> int | None:
    """How many cells the class is ahead; None where that cannot be said."""
    if lesson.class_cell is None or student.furthest is None or student.cells_run < LEAST_CELLS:
        return None
    return lesson.class_cell - student.furthest


def _class_minutes(lesson: Lesson, since: datetime, now: datetime) -> int:
    first, last = minute_of(since), minute_of(now)
    return sum(1 for minute in lesson.going if first < minute <= last)


def _is_going(lesson: Lesson, now: datetime) -> bool:
    this = minute_of(now)
    return any(this - back in lesson.going for back in range(STILL_GOING))


def minute_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _minutes(length: timedelta) -> int:
    return max(0, int(length.total_seconds())) // 60
