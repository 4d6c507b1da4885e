"""The attention board as the page and its fragment show it: alerts, help requests, and who is on the way."""

from dataclasses import dataclass
from datetime import datetime

from classroom.attention.alerts import Alert
from classroom.attention.claims import Claim, may_act
from classroom.attention.models import AttentionCase
from classroom.attention.ranking import MAX_SHOWN
from classroom.attention.reason_texts import SYMBOLS, kind_of, reason_of
from classroom.attention.selectors import AttentionState, alert_of, due_alerts, shown_name_of
from classroom.base.classrooms import Classroom
from classroom.base.display import Display
from events.models import HelpRequest
from instructors.models import Instructor


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRequest:
    """An open request for help."""

    request_id: int
    student_id: int
    name: str
    place: int | None  # in the queue, from 1; None if an instructor is on the way
    since: datetime
    notebook: str
    notebook_path: str
    cell: int | None  # counted from 1
    claim: Claim | None
    may_act: bool
    is_mine: bool
    looked_for_at: datetime | None
    snoozed_until: datetime | None
    is_verified: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertEntry:
    """An alert as the page shows it."""

    student_id: int
    name: str
    code: str
    kind: str
    symbol: str
    reason: str
    since: datetime
    claim: Claim | None
    may_act: bool
    is_mine: bool
    is_over: bool  # the student continued while an instructor was on the way
    asking: OpenRequest | None  # if the alert is a help request
    is_firm: bool  # else: worth a look


@dataclass(frozen=True, kw_only=True, slots=True)
class AttentionBoard:
    entries: list[AlertEntry]  # unclaimed; at most MAX_SHOWN: those who need somebody, then those worth a look
    on_the_way: list[AlertEntry]
    queue: list[OpenRequest]  # all open requests
    further: list[OpenRequest]  # those in neither list above: each student is listed once
    waiting: int  # alerts not shown
    watching: int
    class_cell: int | None  # counted from 1
    notebook: str
    as_of: datetime
    claims: dict[int, str]  # student id → name of the instructor who is on the way
    known: list[int]  # ids of the students with an alert or a request, put off or not

    @property
    def needing(self) -> list[AlertEntry]:
        """Return the firm part: who asks, and who very probably needs somebody."""
        return [entry for entry in self.entries if entry.is_firm]

    @property
    def worth_a_look(self) -> list[AlertEntry]:
        return [entry for entry in self.entries if not entry.is_firm]


def board_of(
    classroom: Classroom, state: AttentionState, *, user: Instructor, now: datetime, display: Display
) -> AttentionBoard:
    """Return the board for this user. No query."""
    names = {s.student_id: s.name for s in state.lesson.students}
    rows: list[HelpRequest | AttentionCase] = [*state.help_requests, *state.open_cases]
    names |= {row.student_id: shown_name_of(row) for row in rows}

    queue = _queue(classroom, state, user, now, display)
    asking = {one.student_id: one for one in queue}

    def entry(alert: Alert, *, is_over: bool = False) -> AlertEntry:
        claim = state.claims.get(alert.student_id)
        return AlertEntry(
            student_id=alert.student_id,
            name=display.name(alert.student_id, names.get(alert.student_id, "")),
            code=alert.code,
            kind=kind_of(alert),
            symbol=SYMBOLS[alert.code],
            reason=reason_of(alert),
            since=alert.since,
            claim=claim,
            may_act=may_act(classroom, claim, user),
            is_mine=claim is not None and claim.by_id == user.pk,
            is_over=is_over,
            asking=asking.get(alert.student_id),
            is_firm=alert.is_firm,
        )

    due = due_alerts(state, now)
    shown = [entry(alert) for alert in due[:MAX_SHOWN]]
    claimed = {c.student_id: entry(c) for c in state.alerts if c.student_id in state.claims}
    for case in state.open_cases:
        if case.student_id in state.claims and case.student_id not in claimed:
            claimed[case.student_id] = entry(alert_of(case), is_over=True)
    listed = {one.student_id for one in shown} | set(claimed)
    class_cell = state.lesson.class_cell
    return AttentionBoard(
        entries=shown,
        on_the_way=sorted(
            claimed.values(), key=lambda e: (not e.is_mine, e.claim.at if e.claim else now, e.student_id)
        ),
        queue=queue,
        further=[one for one in queue if one.student_id not in listed],
        waiting=max(0, len(due) - MAX_SHOWN),
        watching=len(state.lesson.students),
        class_cell=None if class_cell is None else class_cell + 1,
        notebook=state.lesson.notebook.rpartition("/")[2],
        as_of=state.as_of,
        claims={student: claim.by for student, claim in state.claims.items()},
        known=sorted({alert.student_id for alert in state.alerts} | {row.student_id for row in rows}),
    )


def _queue(
    classroom: Classroom, state: AttentionState, user: Instructor, now: datetime, display: Display
) -> list[OpenRequest]:
    students = {each.student_id: each for each in state.lesson.students}
    queue: list[OpenRequest] = []
    for help_request in state.queue(now):
        claim = state.claims.get(help_request.student_id)
        path = help_request.notebook_path or ""
        cell = help_request.position  # type: ignore[attr-defined]
        student = students.get(help_request.student_id)
        if cell is None and student is not None and path == state.lesson.notebook:
            cell = student.position
        queue.append(
            OpenRequest(
                request_id=help_request.pk,
                student_id=help_request.student_id,
                name=display.name(help_request.student_id, shown_name_of(help_request)),
                place=None if claim else 1 + sum(one.claim is None for one in queue),
                since=help_request.asked_at,
                notebook=path.rpartition("/")[2],
                notebook_path=path,
                cell=None if cell is None else cell + 1,
                claim=claim,
                may_act=may_act(classroom, claim, user),
                is_mine=claim is not None and claim.by_id == user.pk,
                looked_for_at=state.looked_for_at(help_request),
                snoozed_until=state.request_snoozed_until(help_request, now),
                is_verified=help_request.is_verified,
            )
        )
    return queue
