"""Who needs attention now, who asks for help, and who is on the way: one board for the page and its fragment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, Subquery

from events.claims import CLAIM_LASTS
from events.models import HelpRequest
from instructors.attention.memory import lesson_of
from instructors.attention.rule import MOST_SHOWN, assess, gap_of
from instructors.attention.signals import Answer, Concern, Known, Lesson
from instructors.attention.words import SYMBOLS, kind_of, reason_of
from instructors.display import PLAIN, Display
from instructors.models import AttentionCase, Instructor
from instructors.queries.classroom import Room
from lms.models import Cell

ANSWERS_LAST = timedelta(hours=12)  # a lesson, and the one after lunch


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    by_id: int
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """An open request for help."""

    ticket_id: int
    student_id: int
    name: str
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    entries: list[Entry]  # that nobody goes to yet; at most MOST_SHOWN
    on_the_way: list[Entry]
    queue: list[Asking]
    waiting: int  # concerns behind those shown
    watching: int
    class_cell: int | None  # counted from 1
    notebook: str
    as_of: datetime
    claims: dict[int, str]  # student → who goes


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What there is to show, before anybody's words or names: a room's concerns and what people did about them."""

    lesson: Lesson
    as_of: datetime
    tickets: list[HelpRequest]
    open_cases: list[AttentionCase]  # in whatever room
    notes: dict[int, list[AttentionCase]]  # about tickets, by ticket
    concerns: list[Concern]
    claims: dict[int, Claim]

    def snoozed_until(self, concern: Concern, now: datetime) -> datetime | None:
        """Until when this concern is to stay away; None where it is due, or is about something else by now."""
        if concern.code == "help":
            found = [self.note_until(t, now) for t in self.tickets if t.student_id == concern.student_id]
            return found[0] if found else None
        for case in self.open_cases:
            same = case.evidence.get("cell") == concern.cell or concern.code == case.code
            if case.student_id == concern.student_id and case.snoozed_until and case.snoozed_until > now and same:
                return case.snoozed_until
        return None

    def note_until(self, ticket: HelpRequest, now: datetime) -> datetime | None:
        until = [n.snoozed_until for n in self.notes.get(ticket.pk, []) if n.snoozed_until and n.snoozed_until > now]
        return max(until, default=None)

    def looked_for_at(self, ticket: HelpRequest) -> datetime | None:
        vain = AttentionCase.Outcome.NOT_FOUND
        return max(
            (n.ended_at for n in self.notes.get(ticket.pk, []) if n.outcome == vain and n.ended_at), default=None
        )


def situation_of(room: Room, *, now: datetime) -> Situation:
    """Four queries; two of them at most once a second and process, whoever asks."""
    class_id = room.class_ref.pk if room.class_ref else None
    lesson, as_of = lesson_of(class_id, room.students, now)
    tickets = _tickets(room)
    cases = _cases(room, now)
    open_cases = [case for case in cases if case.ended_at is None]
    known = Known(
        asking={ticket.student_id: ticket.asked_at for ticket in tickets},
        shown=frozenset(case.student_id for case in open_cases if case.class_ref_id == class_id),
        answers=_answers(cases),
    )
    notes: dict[int, list[AttentionCase]] = {}
    for case in cases:
        if case.code == "help":
            notes.setdefault(case.evidence.get("ticket", 0), []).append(case)
    return Situation(
        lesson=lesson,
        as_of=as_of,
        tickets=tickets,
        open_cases=open_cases,
        notes=notes,
        concerns=assess(lesson, known, now),
        claims=_claims([*tickets, *open_cases], now),
    )


def board_of(room: Room, situation: Situation, *, user: Instructor, now: datetime, display: Display = PLAIN) -> Board:
    """No query."""
    names = {s.student_id: s.name for s in situation.lesson.students}
    names |= {ticket.student_id: ticket.student.display_name for ticket in situation.tickets}
    names |= {case.student_id: case.student.display_name for case in situation.open_cases}

    def entry(concern: Concern, *, is_over: bool = False) -> Entry:
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
            may_act=may_act(room, claim, user),
            is_mine=claim is not None and claim.by_id == user.pk,
            is_over=is_over,
        )

    due = [c for c in situation.concerns if c.student_id not in situation.claims]
    due = [c for c in due if situation.snoozed_until(c, now) is None]
    going = {c.student_id: entry(c) for c in situation.concerns if c.student_id in situation.claims}
    for case in situation.open_cases:
        if case.student_id in situation.claims and case.student_id not in going:
            going[case.student_id] = entry(concern_of(case), is_over=True)
    class_cell = situation.lesson.class_cell
    return Board(
        entries=[entry(concern) for concern in due[:MOST_SHOWN]],
        on_the_way=sorted(going.values(), key=lambda e: (not e.is_mine, e.claim.at if e.claim else now, e.student_id)),
        queue=_queue(room, situation, user, now, display),
        waiting=max(0, len(due) - MOST_SHOWN),
        watching=len(situation.lesson.students),
        class_cell=None if class_cell is None else class_cell + 1,
        notebook=situation.lesson.notebook.rpartition("/")[2],
        as_of=situation.as_of,
        claims={student: claim.by for student, claim in situation.claims.items()},
    )


def may_act(room: Room, claim: Claim | None, user: Instructor) -> bool:
    """What somebody is on the way to is theirs: they, a teacher of the class and admins change it."""
    return claim is None or claim.by_id == user.pk or room.may_teach


def shown_concerns(situation: Situation, now: datetime) -> list[Concern]:
    """Those on the screen for the first time or still, whoever looks."""
    due = [c for c in situation.concerns if c.student_id not in situation.claims]
    return [c for c in due if situation.snoozed_until(c, now) is None][:MOST_SHOWN]


def concern_of(case: AttentionCase) -> Concern:
    """The concern that a case was opened for."""
    kept = case.evidence
    return Concern(
        student_id=case.student_id,
        code=case.code if case.code in SYMBOLS else "silent",  # type: ignore[arg-type]
        since=datetime.fromisoformat(kept["since"]) if kept.get("since") else case.opened_at,
        cell=kept.get("cell"),
        count=kept.get("count") or 0,
        error=kept.get("error") or "",
        class_cell=kept.get("class_cell"),
        minutes=kept.get("minutes") or 0,
    )


def _tickets(room: Room) -> list[HelpRequest]:
    place = Cell.objects.filter(notebook__path=OuterRef("notebook_path"), cell_id=OuterRef("cell_id"))
    asking = HelpRequest.objects.filter(student__in=room.students.order_by().values("pk"), ended_at=None)
    return list(
        asking.select_related("student", "claimed_by")
        .annotate(position=Subquery(place.values("position")[:1]))
        .order_by("asked_at", "pk")
    )


def _cases(room: Room, now: datetime) -> list[AttentionCase]:
    """Open ones, and those that people ended lately."""
    lately = Q(ended_at__gt=now - ANSWERS_LAST, ended_by__isnull=False)
    cases = AttentionCase.objects.filter(Q(ended_at=None) | lately, student__in=room.students.order_by().values("pk"))
    return list(cases.select_related("student", "claimed_by").order_by("pk"))


def _answers(cases: Iterable[AttentionCase]) -> dict[int, Answer]:
    answers: dict[int, Answer] = {}
    for case in cases:
        if case.ended_at is None or case.outcome is None:
            continue
        known = answers.get(case.student_id)
        if known is None or case.ended_at >= known.at:
            concern = concern_of(case)
            was_needed = case.outcome != AttentionCase.Outcome.DISMISSED
            answers[case.student_id] = Answer(
                case.ended_at, concern.code, was_needed, cell=concern.cell, gap=gap_of(concern)
            )
    return answers


def _claims(held: Iterable[HelpRequest | AttentionCase], now: datetime) -> dict[int, Claim]:
    return {
        one.student_id: Claim(by_id=one.claimed_by.pk, by=one.claimed_by.name, at=one.claimed_at)
        for one in held
        if one.claimed_by and one.claimed_at and now - one.claimed_at <= CLAIM_LASTS
    }


def _queue(room: Room, situation: Situation, user: Instructor, now: datetime, display: Display) -> list[Asking]:
    """Who waits longest comes first; who was looked for in vain, or is snoozed, comes after the others."""
    places = {s.student_id: s for s in situation.lesson.students}
    queue = []
    for ticket in situation.tickets:
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
                name=display.name(ticket.student_id, ticket.student.display_name),
                since=ticket.asked_at,
                notebook=path.rpartition("/")[2],
                notebook_path=path,
                cell=None if cell is None else cell + 1,
                claim=claim,
                may_act=may_act(room, claim, user),
                is_mine=claim is not None and claim.by_id == user.pk,
                looked_for_at=situation.looked_for_at(ticket),
                snoozed_until=situation.note_until(ticket, now),
            )
        )
    return sorted(queue, key=lambda a: (a.snoozed_until is not None, a.looked_for_at or a.since, a.ticket_id))
