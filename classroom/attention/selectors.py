"""What there is to show in a room, before anybody's words or names: concerns, and what people did about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, Subquery

from classroom.attention.claims import Claim, cases_in, claims_in
from classroom.attention.lesson_cache import lesson_of
from classroom.attention.models import AttentionCase
from classroom.attention.reason_texts import SYMBOLS
from classroom.attention.rule import MOST_SHOWN, assess, gap_of
from classroom.attention.signals import Alert, Feedback, Known, Lesson
from classroom.base.classrooms import Classroom, name_in
from core.identity import display_name
from events.models import HelpRequest
from lms.models import Cell

ANSWERS_LAST = timedelta(hours=12)  # a lesson, and the one after lunch


@dataclass(frozen=True, kw_only=True)
class AttentionState:
    lesson: Lesson
    as_of: datetime
    tickets: list[HelpRequest]
    open_cases: list[AttentionCase]  # in whatever room
    notes: dict[int, list[AttentionCase]]  # about tickets, by ticket
    concerns: list[Alert]
    claims: dict[int, Claim]

    def snoozed_until(self, concern: Alert, now: datetime) -> datetime | None:
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

    def queue(self, now: datetime) -> list[HelpRequest]:
        """Who waits longest comes first; who was looked for in vain, or is snoozed, comes after the others."""

        def turn(ticket: HelpRequest) -> tuple[bool, datetime, int]:
            return (
                self.note_until(ticket, now) is not None,
                self.looked_for_at(ticket) or ticket.asked_at,
                ticket.pk,
            )

        return sorted(self.tickets, key=turn)

    def looked_for_at(self, ticket: HelpRequest) -> datetime | None:
        vain = AttentionCase.Outcome.NOT_FOUND
        return max(
            (n.ended_at for n in self.notes.get(ticket.pk, []) if n.outcome == vain and n.ended_at), default=None
        )


def attention_state(classroom: Classroom, *, now: datetime) -> AttentionState:
    """Four queries; two of them at most once a second and process, whoever asks."""
    class_id = classroom.class_ref.pk if classroom.class_ref else None
    lesson, as_of = lesson_of(class_id, classroom.students, classroom.scope, now)
    tickets = _tickets(classroom)
    cases = _cases(classroom, now)
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
    return AttentionState(
        lesson=lesson,
        as_of=as_of,
        tickets=tickets,
        open_cases=open_cases,
        notes=notes,
        concerns=assess(lesson, known, now),
        claims=claims_in([*tickets, *open_cases], now=now),
    )


def due_alerts(situation: AttentionState, now: datetime) -> list[Alert]:
    """Those that nobody goes to and that are not to stay away: the first of them are shown, whoever looks. Who asks
    comes first, in the order of the queue."""
    free = [concern for concern in situation.concerns if concern.student_id not in situation.claims]
    due = [concern for concern in free if situation.snoozed_until(concern, now) is None]
    places = {ticket.student_id: place for place, ticket in enumerate(situation.queue(now))}
    return sorted(due, key=lambda concern: places[concern.student_id] if concern.code == "help" else len(places))


def shown_alerts(situation: AttentionState, now: datetime) -> list[Alert]:
    return due_alerts(situation, now)[:MOST_SHOWN]


def alert_of(case: AttentionCase) -> Alert:
    """The concern that a case was opened for."""
    kept = case.evidence
    return Alert(
        student_id=case.student_id,
        code=case.code if case.code in SYMBOLS else "silent",  # type: ignore[arg-type]
        since=datetime.fromisoformat(kept["since"]) if kept.get("since") else case.opened_at,
        cell=kept.get("cell"),
        count=kept.get("count") or 0,
        error=kept.get("error") or "",
        class_cell=kept.get("class_cell"),
        minutes=kept.get("minutes") or 0,
    )


def called_in_room(row: HelpRequest | AttentionCase) -> str:
    """The name to show for the student of a row of a `Situation`."""
    return display_name(row.called, row.student.email)  # type: ignore[union-attr]


def _tickets(classroom: Classroom) -> list[HelpRequest]:
    place = Cell.objects.filter(notebook__path=OuterRef("notebook_path"), cell_id=OuterRef("cell_id"))
    asking = HelpRequest.objects.filter(
        classroom.scope.q(), student__in=classroom.students.order_by().values("pk"), ended_at=None
    )
    return list(
        asking.select_related("student", "claimed_by")
        .annotate(position=Subquery(place.values("position")[:1]), called=name_in(classroom))
        .order_by("asked_at", "pk")
    )


def _cases(classroom: Classroom, now: datetime) -> list[AttentionCase]:
    """Open ones, and those that people ended lately."""
    lately = Q(ended_at__gt=now - ANSWERS_LAST, ended_by__isnull=False)
    of_room = cases_in(classroom.scope)
    cases = AttentionCase.objects.filter(
        of_room, Q(ended_at=None) | lately, student__in=classroom.students.order_by().values("pk")
    )
    return list(cases.select_related("student", "claimed_by").annotate(called=name_in(classroom)).order_by("pk"))


def _answers(cases: Iterable[AttentionCase]) -> dict[int, Feedback]:
    answers: dict[int, Feedback] = {}
    for case in cases:
        if case.ended_at is None or case.outcome is None:
            continue
        known = answers.get(case.student_id)
        if known is None or case.ended_at >= known.at:
            concern = alert_of(case)
            was_needed = case.outcome != AttentionCase.Outcome.DISMISSED
            answers[case.student_id] = Feedback(
                case.ended_at, concern.code, was_needed, cell=concern.cell, gap=gap_of(concern)
            )
    return answers
