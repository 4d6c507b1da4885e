"""The page of one student: their card, the claim, and one part of their records; and the notes about them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, QueryDict

from classroom.attention.claims import Claim, cases_in, claims_of, may_act
from classroom.attention.models import AttentionCase
from classroom.base.classrooms import Classroom
from classroom.base.display import Display
from classroom.base.spans import term_of
from classroom.base.student_cards import Card, card
from classroom.lesson_report.student_lessons import StudentTerm, student_term
from classroom.students.models import StudentNote
from classroom.students.runs import ALL_RUNS, OF_TEXT, Chosen, Timeline, timeline
from core.identity import row_number
from events.models import CellExecution, CellProgress, HelpRequest
from events.student_status import student_rows
from instructors.models import Instructor
from lms.access import assignments_of, classes_of
from lms.due_dates import with_own_due
from lms.models import AssignmentSubmission, Cell, Notebook, Session

PARTS = ("runs", "lessons", "notes", "help", "work")
SESSIONS, SUBMISSIONS, HELP_REQUESTS, SIGNIFICANT, CELLS = 20, 50, 50, 20, 300
MAX_NOTES = 100


@dataclass(frozen=True, kw_only=True)
class PageQuery:
    """The query of the page's URL; invalid values are ignored."""

    part: str = "runs"
    chosen: Chosen = ALL_RUNS
    before: int | None = None
    after: int | None = None  # only runs stored after this one
    edit: int | None = None  # the id of the note to edit

    @classmethod
    def of(cls, query: QueryDict) -> "PageQuery":
        part = query.get("part", "")
        return cls(
            part=part if part in PARTS else "runs",
            chosen=Chosen.of(query),
            before=row_number(query.get("before", "")),
            after=row_number(query.get("after", "")),
            edit=row_number(query.get("edit", "")),
        )

    @property
    def string(self) -> str:
        """The query string to link to, without one-time values."""
        part = "" if self.part == "runs" else urlencode({"part": self.part})
        return self.chosen.query if self.part == "runs" else part


@dataclass(frozen=True, kw_only=True)
class LatestCell:
    """Where the student's latest run was."""

    notebook: str
    cell: int
    number: int | None


@dataclass(frozen=True, kw_only=True)
class Note:
    row: StudentNote
    may_edit: bool
    may_delete: bool


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options of the filter of runs."""

    notebooks: Sequence[Notebook]
    cells: Sequence[Cell]  # of the chosen notebook
    notebook: int | None


@dataclass(frozen=True, kw_only=True)
class StudentPage:
    query: PageQuery
    card: Card
    address: str
    place: LatestCell | None
    help_request: HelpRequest | None
    claim: Claim | None  # of the instructor who is on the way
    note_count: int
    help_count: int
    may_claim: bool  # the student needs somebody, and nobody is on the way
    may_resolve: bool
    timeline: Timeline | None = None
    choice: Choice | None = None
    significant: Sequence[CellProgress] = ()
    notes: Sequence[Note] = ()
    tickets: Sequence[HelpRequest] = ()
    submissions: Sequence[AssignmentSubmission] = ()
    sessions: Sequence[Session] = ()
    term: StudentTerm | None = None


def student_page(
    classroom: Classroom,
    *,
    student_id: int,
    query: PageQuery,
    user: Instructor,
    now: datetime,
    display: Display,
) -> StudentPage:
    """Return the page. Raises Http404 for a student who is not in this classroom.

    Seven queries for the head and at most five for the part; one for the part with `after`.
    """
    rows = student_rows(classroom.students.filter(pk=student_id), scope=classroom.scope, now=now)
    if not rows:
        raise Http404
    if query.part == "lessons" and classroom.class_ref is None:  # all students have no lessons together
        query = replace(query, part="runs")
    facts = _facts(classroom, student_id, user)
    part = _part(classroom, student_id, query, user, now)
    help_request = _help_requests(classroom, student_id).filter(ended_at=None).first()
    claim = claims_of([student_id], scope=classroom.scope, now=now).get(student_id)
    needs_somebody = help_request is not None or facts["has_case"]
    return StudentPage(
        card=card(rows[0], display),
        address=f"{classroom.address}students/{student_id}/",
        place=_place(facts),
        help_request=help_request,
        claim=claim,
        may_claim=needs_somebody and claim is None,
        may_resolve=needs_somebody and may_act(classroom, claim, user),
        note_count=facts["note_count"],
        help_count=facts["help_count"],
        significant=list(_significant(classroom, student_id)),
        **{"query": query, **part},
    )


def _facts(classroom: Classroom, student_id: int, user: Instructor) -> dict[str, Any]:
    """Return the counts, whether a case is open, and the cell of the latest run. One query."""
    notes = notes_of(classroom, student_id=student_id, user=user).order_by().values("student")
    tickets = HelpRequest.objects.filter(classroom.scope.q(), student=student_id).order_by().values("student")
    runs = CellExecution.objects.filter(classroom.scope.q(), ~OF_TEXT, student=OuterRef("pk"))
    latest = runs.order_by("-executed_at", "-pk")[:1]
    cases = AttentionCase.objects.filter(cases_in(classroom.scope), student=OuterRef("pk"), ended_at=None)
    found = classroom.students.filter(pk=student_id).annotate(
        has_case=Exists(cases),
        note_count=Coalesce(Subquery(notes.annotate(n=Count("pk")).values("n")), 0),
        help_count=Coalesce(Subquery(tickets.annotate(n=Count("pk")).values("n")), 0),
        place_cell=Subquery(latest.values("cell")),
        place_notebook=Subquery(latest.values("notebook__name")),
        place_index=Subquery(latest.annotate(at=Coalesce("cell_index", "cell__position")).values("at")),
    )
    names = ("has_case", "note_count", "help_count", "place_cell", "place_notebook", "place_index")
    return dict(found.values(*names)[0])


def _place(facts: dict[str, Any]) -> LatestCell | None:
    if facts["place_cell"] is None:
        return None
    index = facts["place_index"]
    number = index + 1 if index is not None and index >= 0 else None
    return LatestCell(notebook=facts["place_notebook"], cell=facts["place_cell"], number=number)


def _part(classroom: Classroom, student_id: int, query: PageQuery, user: Instructor, now: datetime) -> dict[str, Any]:
    if query.after is not None and query.part != "runs":
        return {}
    if query.after is not None:
        return {"timeline": timeline(classroom.scope, student_id, chosen=query.chosen, after=query.after)}
    if query.part == "lessons":
        return {"term": _term(classroom, student_id, now)}
    if query.part == "notes":
        return {"notes": _notes(classroom, student_id, user)}
    if query.part == "help":
        return {"tickets": list(_help_requests(classroom, student_id).order_by("-asked_at", "-pk")[:HELP_REQUESTS])}
    if query.part == "work":
        sessions = Session.objects.filter(classroom.scope.q(), student=student_id).order_by("-start_time", "-pk")[
            :SESSIONS
        ]
        return {"submissions": _submissions(classroom, student_id, user), "sessions": list(sessions)}
    choice = _choice(classroom, student_id, query.chosen)
    if query.chosen.notebook is not None and all(cell.pk != query.chosen.cell for cell in choice.cells):
        # The user chose another notebook, while the form still contained a cell of the previous one.
        query = replace(query, chosen=replace(query.chosen, cell=None))
    return {
        "query": query,
        "timeline": timeline(classroom.scope, student_id, chosen=query.chosen, before=query.before),
        "choice": choice,
    }


def _term(classroom: Classroom, student_id: int, now: datetime) -> StudentTerm | None:
    """Return the student's lessons in the term of the class; None for all students."""
    span = term_of(classroom, now=now)
    if span is None:
        return None
    joined_at = classroom.students.filter(pk=student_id).values_list("created_at", flat=True)[0]
    return student_term(classroom, student_id, span, joined_at=joined_at, now=now)


def _notes(classroom: Classroom, student_id: int, user: Instructor) -> list[Note]:
    found = notes_of(classroom, student_id=student_id, user=user).select_related("author", "class_ref")[:MAX_NOTES]
    removable = set(removable_notes(classroom, student_id=student_id, user=user).values_list("pk", flat=True))
    return [Note(row=row, may_edit=row.author_id == user.pk, may_delete=row.pk in removable) for row in found]


def _help_requests(classroom: Classroom, student_id: int) -> "QuerySet[HelpRequest]":
    return HelpRequest.objects.filter(classroom.scope.q(), student=student_id).select_related("claimed_by", "ended_by")


def _submissions(classroom: Classroom, student_id: int, user: Instructor) -> list[AssignmentSubmission]:
    """Return the submissions to the assignments of the classroom, newest first, without contents. One query."""
    assignments = assignments_of(user)
    if classroom.class_ref is not None:
        assignments = assignments.filter(class_ref=classroom.class_ref)
    found = with_own_due(AssignmentSubmission.objects.filter(student=student_id, assignment__in=assignments))
    return list(
        found.select_related("assignment__class_ref")
        .defer("notebook_content", "feedback", "assignment__description", "assignment__class_ref__description")
        .order_by("-submitted_at", "-pk")[:SUBMISSIONS]
    )


def _significant(classroom: Classroom, student_id: int) -> "QuerySet[CellProgress]":
    flagged = CellProgress.objects.filter(classroom.scope.q(), student=student_id, is_significant_error=True)
    return (
        flagged.select_related("cell", "notebook")
        .defer("cell__content", "cell__cell_metadata", "notebook__notebook_metadata")
        .order_by("-last_error_at", "-pk")[:SIGNIFICANT]
    )


def _choice(classroom: Classroom, student_id: int, chosen: Chosen) -> Choice:
    """Return the notebooks that the student ran, and the cells of the chosen notebook. At most two queries."""
    ran = CellProgress.objects.filter(classroom.scope.q(), student=student_id)
    notebooks = list(Notebook.objects.filter(pk__in=ran.values("notebook")).only("name", "path").order_by("path"))
    if chosen.notebook is None and chosen.cell is None:
        return Choice(notebooks=notebooks, cells=[], notebook=None)
    mine = Cell.objects.filter(pk__in=ran.values("cell")).only("position", "cell_id", "notebook_id")
    if chosen.notebook is not None:
        mine = mine.filter(notebook=chosen.notebook)
    else:
        mine = mine.filter(notebook__in=Cell.objects.filter(pk__in=[chosen.cell]).values("notebook"))
    cells = list(mine.order_by(F("position").asc(nulls_last=True), "pk")[:CELLS])
    return Choice(notebooks=notebooks, cells=cells, notebook=cells[0].notebook_id if cells else chosen.notebook)


def notes_of(classroom: Classroom, *, student_id: int, user: Instructor) -> "QuerySet[StudentNote]":
    """Return the notes of the class, newest first; on the page of all students, those of no class and of the user's
    classes."""
    notes = StudentNote.objects.filter(student=student_id, deleted_at=None).order_by("-created_at", "-pk")
    if classroom.class_ref is not None:
        return notes.filter(class_ref=classroom.class_ref)
    return notes.filter(Q(class_ref=None) | Q(class_ref__in=classes_of(user)))


def own_notes(classroom: Classroom, *, student_id: int, user: Instructor) -> "QuerySet[StudentNote]":
    """Return the notes that this user may edit."""
    return notes_of(classroom, student_id=student_id, user=user).filter(author=user)


def removable_notes(classroom: Classroom, *, student_id: int, user: Instructor) -> "QuerySet[StudentNote]":
    """Return the notes that this user may delete: admins all, others their own."""
    if user.is_admin:
        return notes_of(classroom, student_id=student_id, user=user)
    return own_notes(classroom, student_id=student_id, user=user)
