"""One student: who, how they stand, and what they ran, newest first."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Left, Length
from django.shortcuts import get_object_or_404

from events.models import CellExecution, CellProgress, HelpRequest
from events.standing import student_rows
from instructors.display import PLAIN, Display
from instructors.queries.cards import Card, card
from instructors.queries.classroom import Room
from lms.models import Session

RUNS_A_PAGE = 50
SESSIONS = 10
# Characters of a text that the page shows: one runaway loop must not make a page of megabytes.
LONGEST_TEXT = 6_000


@dataclass(frozen=True, kw_only=True)
class StudentPage:
    card: Card
    help_request: HelpRequest | None
    sessions: list[Session]
    significant: list[CellProgress]
    runs: list[CellExecution]
    older: int | None


def student_page(
    room: Room, *, student_id: int, before: int | None, now: datetime, display: Display = PLAIN
) -> StudentPage:
    """404 for a student who is not of this room. Seven queries, eight on the pages of older runs."""
    student = get_object_or_404(room.students, pk=student_id)
    runs = _runs(student_id, before=before)
    return StudentPage(
        card=card(student_rows(room.students.filter(pk=student_id), now=now)[0], display),
        help_request=HelpRequest.objects.filter(student=student, ended_at=None).select_related("claimed_by").first(),
        sessions=list(Session.objects.filter(student=student).order_by("-start_time", "-pk")[:SESSIONS]),
        significant=list(
            CellProgress.objects.filter(student=student, is_significant_error=True)
            .select_related("cell", "notebook")
            .defer("cell__content", "cell__cell_metadata", "notebook__notebook_metadata")
            .order_by("-last_error_at", "-pk")[:20]
        ),
        runs=runs[:RUNS_A_PAGE],
        older=runs[RUNS_A_PAGE - 1].pk if len(runs) > RUNS_A_PAGE else None,
    )


def _runs(student_id: int, *, before: int | None) -> list[CellExecution]:
    """A page and one row more, by the index of a student's latest runs; an offset would read all that it skips."""
    runs: QuerySet[CellExecution] = CellExecution.objects.filter(student_id=student_id)
    if before is not None:
        last = get_object_or_404(runs.only("executed_at"), pk=before)
        earlier = Q(executed_at__lt=last.executed_at) | Q(executed_at=last.executed_at, pk__lt=last.pk)
        runs = runs.filter(earlier, executed_at__lte=last.executed_at)
    return list(
        runs.select_related("notebook", "cell")
        .defer("output", "code_content", "error_message", "cell__content", "cell__cell_metadata")
        .defer("notebook__notebook_metadata")
        .annotate(**_shown("output"), **_shown("code_content"), **_shown("error_message"))
        .order_by("-executed_at", "-pk")[: RUNS_A_PAGE + 1]
    )


def _shown(column: str) -> dict[str, Left | Length]:
    name = column.partition("_")[0]
    return {f"{name}_shown": Left(column, LONGEST_TEXT), f"{name}_length": Length(column)}
