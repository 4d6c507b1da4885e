"""Collect the report of a lesson: its cells, errors, help requests, hints, and absent students."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Count, Exists, OuterRef, Q

from classroom.base.classrooms import BY_READING, Classroom
from classroom.base.display import PLAIN, Display
from classroom.errors.models import Hint
from classroom.lesson_report.cells import CellFacts, cells_of, hardest
from classroom.lesson_report.errors import SharedError, shared_errors
from classroom.lesson_report.help import Help, help_in
from classroom.lesson_report.lessons import Lesson
from classroom.lesson_report.places import Places, places_in
from classroom.lesson_report.struggles import MAX_NAMED, Struggle, struggled_silently
from events.counted_runs import COUNTED
from events.models import CellExecution, NotebookAccess, StudentEvent
from lms.models import StudentClass

MAX_HINTS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class HintFacts:
    """A hint to `told` students, of whom `after` ran the cell again by the end of the lesson, `helped` with success."""

    text: str
    sent_by: str
    sent_at: datetime
    number: str
    notebook: str
    told: int
    after: int
    helped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    student_id: int
    name: str
    email: str


@dataclass(frozen=True, kw_only=True)
class LessonReport:
    lesson: Lesson
    present: int  # students with a run
    enrolled: int
    runs: int
    errors: int
    cells: list[CellFacts]  # in the order of the notebook
    struggling: list[Struggle]
    help: Help
    shared: list[SharedError]
    hints: list[HintFacts]
    absent: list[Absent]

    @cached_property
    def hardest(self) -> list[CellFacts]:
        return hardest(self.cells)

    @cached_property
    def timed(self) -> list[CellFacts]:
        """Return the cells whose times are known."""
        return [cell for cell in self.cells if cell.times]

    @property
    def struggled_most(self) -> list[Struggle]:
        return self.struggling[:MAX_NAMED]

    @property
    def struggled_less(self) -> list[Struggle]:
        return self.struggling[MAX_NAMED:]

    @property
    def error_share(self) -> float | None:
        return self.errors / self.runs if self.runs else None


def lesson_report(classroom: Classroom, lesson: Lesson, *, now: datetime, display: Display = PLAIN) -> LessonReport:
    """Return the report of a lesson. Eleven queries for any number of students; they read the lesson's runs by time."""
    students = list(classroom.students.order_by().values_list("pk", flat=True))
    ran = CellExecution.objects.filter(
        classroom.scope.q(), executed_at__gte=lesson.since, executed_at__lt=lesson.until, student__in=students
    ).filter(COUNTED)
    figures = ran.aggregate(
        present=Count("student", distinct=True), runs=Count("pk"), errors=Count("pk", filter=Q(status="error"))
    )
    places = places_in(students, lesson, scope=classroom.scope)
    return LessonReport(
        lesson=lesson,
        enrolled=len(students),
        cells=cells_of(students, lesson, scope=classroom.scope, places=places),
        struggling=struggled_silently(classroom, students, lesson, places=places, display=display),
        help=help_in(students, lesson, scope=classroom.scope, now=now),
        shared=shared_errors(students, lesson, scope=classroom.scope, places=places, display=display),
        hints=_hints(classroom, lesson, places),
        absent=_absent(classroom, lesson, display),
        **figures,
    )


def _hints(classroom: Classroom, lesson: Lesson, places: Places) -> list[HintFacts]:
    """Return the hints of the lesson, oldest first. One query."""
    later = CellExecution.objects.filter(
        classroom.scope.q(),
        student=OuterRef("sent_to__student"),
        cell=OuterRef("cell"),
        executed_at__gt=OuterRef("sent_at"),
        executed_at__lt=lesson.until,
    ).filter(COUNTED)
    sent = Hint.objects.filter(class_ref=classroom.class_ref, sent_at__gte=lesson.since, sent_at__lt=lesson.until)
    rows = (
        sent.annotate(
            told=Count("sent_to"),
            after=Count("sent_to", filter=Q(Exists(later))),
            helped=Count("sent_to", filter=Q(Exists(later.filter(status="success")))),
        )
        .select_related("sent_by", "cell", "notebook")
        .defer("cell__content", "cell__cell_metadata", "notebook__notebook_metadata")
        .order_by("sent_at", "pk")[:MAX_HINTS]
    )
    return [
        HintFacts(
            text=hint.text,
            sent_by=hint.sent_by.name if hint.sent_by else "",
            sent_at=hint.sent_at,
            number=places.number(hint.cell_id, hint.cell.position),
            notebook=hint.notebook.name,
            told=hint.told,
            after=hint.after,
            helped=hint.helped,
        )
        for hint in rows
    ]


def _absent(classroom: Classroom, lesson: Lesson, display: Display) -> list[Absent]:
    """Return the students without any event in the lesson, except those who joined after it. One query."""
    since, until = lesson.since, lesson.until
    scope, student = classroom.scope.q(), OuterRef("pk")
    runs = CellExecution.objects.filter(scope, student=student, executed_at__gte=since, executed_at__lt=until)
    opened = NotebookAccess.objects.filter(scope, student=student, accessed_at__gte=since, accessed_at__lt=until)
    events = StudentEvent.objects.filter(scope, student=student, occurred_at__gte=since, occurred_at__lt=until)
    enrolments = StudentClass.objects.filter(class_ref=classroom.class_ref, role="student", joined_at__lt=until)
    enrolled = classroom.students.filter(pk__in=enrolments.values("student"))
    missing = enrolled.filter(~Exists(runs), ~Exists(opened), ~Exists(events)).order_by(*BY_READING)
    return [
        Absent(
            student_id=student.pk,
            name=display.name(student.pk, student.display_name),
            email=display.email(student.email),
        )
        for student in missing
    ]
