"""Who needs attention now, who asks for help, and who is on the way: one board for the page and its fragment."""

from dataclasses import dataclass
from datetime import datetime

from classroom.attention.claims import Claim
from classroom.attention.models import AttentionCase
from classroom.attention.reason_texts import SYMBOLS, kind_of, reason_of
from classroom.attention.rule import MOST_SHOWN
from classroom.attention.selectors import AttentionState, alert_of, called_in_room, due_alerts
from classroom.attention.signals import Alert
from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display
from events.models import HelpRequest
from instructors.models import Instructor


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """An open request for help."""

    ticket_id: int
    student_id: int
    name: str
    place: int | None  # in the queue, from 1; None where somebody is on the way
    since: datetime
    notebook: str
    notebook_path: str
    cell: int | None  # counted from 1
    claim: Claim | None
    may_act: bool
    is_mine: bool
    looked_for_at: datetime | None
    snoozed_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A concern as the page shows it."""

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
    is_over: bool  # the student got on while somebody was on the way
    asking: Asking | None  # where the concern is a request for help


@dataclass(frozen=True, kw_only=True, slots=True)
class AttentionBoard:
    entries: list[Entry]  # that nobody goes to yet; at most MOST_SHOWN
    on_the_way: list[Entry]
    queue: list[Asking]  # all open requests
    further: list[Asking]  # those of them that stand in neither list above: one student, one place to act
    waiting: int  # concerns behind those shown
    watching: int
    class_cell: int | None  # counted from 1
    notebook: str
    as_of: datetime
    claims: dict[int, str]  # student → who goes


def board_of(
    classroom: Classroom, situation: AttentionState, *, user: Instructor, now: datetime, display: Display = PLAIN
) -> AttentionBoard:
    """No query."""
    names = {s.student_id: s.name for s in situation.lesson.students}
    rows: list[HelpRequest | AttentionCase] = [*situation.tickets, *situation.open_cases]
    names |= {row.student_id: called_in_room(row) for row in rows}

    queue = _queue(classroom, situation, user, now, display)
    asking = {one.student_id: one for one in queue}

    def entry(concern: Alert, *, is_over: bool = False) -> Entry:
        claim = situation.claims.get(concern.student_id)
        return Entry(
            student_id=concern.student_id,
            name=display.name(concern.student_id, names.get(concern.student_id, "")),
            code=concern.code,
            kind=kind_of(concern),
            symbol=SYMBOLS[concern.code],
            reason=reason_of(concern),
            since=concern.since,
            claim=claim,
            may_act=may_act(classroom, claim, user),
            is_mine=claim is not None and claim.by_id == user.pk,
            is_over=is_over,
            asking=asking.get(concern.student_id),
        )

    due = due_alerts(situation, now)
    shown = [entry(concern) for concern in due[:MOST_SHOWN]]
    going = {c.student_id: entry(c) for c in situation.concerns if c.student_id in situation.claims}
    for case in situation.open_cases:
        if case.student_id in situation.claims and case.student_id not in going:
            going[case.student_id] = entry(alert_of(case), is_over=True)
    above = {one.student_id for one in shown} | set(going)
    class_cell = situation.lesson.class_cell
    return AttentionBoard(
        entries=shown,
        on_the_way=sorted(going.values(), key=lambda e: (not e.is_mine, e.claim.at if e.claim else now, e.student_id)),
        queue=queue,
        further=[one for one in queue if one.student_id not in above],
        waiting=max(0, len(due) - MOST_SHOWN),
        watching=len(situation.lesson.students),
        class_cell=None if class_cell is None else class_cell + 1,
        notebook=situation.lesson.notebook.rpartition("/")[2],
        as_of=situation.as_of,
        claims={student: claim.by for student, claim in situation.claims.items()},
    )


def may_act(classroom: Classroom, claim: Claim | None, user: Instructor) -> bool:
    """What somebody is on the way to is theirs: they, a teacher of the class and admins change it."""
    return claim is None or claim.by_id == user.pk or classroom.may_teach


def _queue(
    classroom: Classroom, situation: AttentionState, user: Instructor, now: datetime, display: Display
) -> list[Asking]:
    places = {s.student_id: s for s in situation.lesson.students}
    queue: list[Asking] = []
    for ticket in situation.queue(now):
        claim = situation.claims.get(ticket.student_id)
        path = ticket.notebook_path or ""
        cell = ticket.position  # type: ignore[attr-defined]
        student = places.get(ticket.student_id)
        if cell is None and student is not None and path == situation.lesson.notebook:
            cell = student.tail[0].position if student.tail else student.furthest
        queue.append(
            Asking(
                ticket_id=ticket.pk,
                student_id=ticket.student_id,
                name=display.name(ticket.student_id, called_in_room(ticket)),
                place=None if claim else 1 + sum(one.claim is None for one in queue),
                since=ticket.asked_at,
                notebook=path.rpartition("/")[2],
                notebook_path=path,
                cell=None if cell is None else cell + 1,
                claim=claim,
                may_act=may_act(classroom, claim, user),
                is_mine=claim is not None and claim.by_id == user.pk,
                looked_for_at=situation.looked_for_at(ticket),
                snoozed_until=situation.note_until(ticket, now),
            )
        )
    return queue
