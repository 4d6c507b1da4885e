"""Select the notebooks of a class and their versions: submissions, commits and starters.

A version has a reference: `s12` is submission 12, `c0a1b…` a commit, `t3` the starter of assignment 3.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Count, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext

from classroom.assignments.selectors import assignments_in
from classroom.assignments.submissions import find_submission, hash_of
from classroom.base.classrooms import Classroom, name_in
from classroom.base.display import Display
from core.identity import visible
from lms.models import AssignmentStarter, AssignmentSubmission, Notebook, NotebookHistory, NotebookVersion

MAX_ENTRIES = 300
REFERENCE = re.compile(r"s[0-9]{1,18}|t[0-9]{1,18}|c[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class VersionEntry:
    """A line of a history."""

    ref: str
    kind: str  # submission, commit or starter
    when: datetime
    who: str  # empty if unknown
    what: str
    submission_id: int | None = None
    student_id: int | None = None

    @property
    def label(self) -> str:
        return f"{self.what} · {self.who}" if self.who else self.what


@dataclass(frozen=True, kw_only=True)
class NotebookPage:
    notebook: Notebook
    entries: list[VersionEntry]  # newest first
    starters: list[VersionEntry]
    total: int

    @property
    def is_cut(self) -> bool:
        return self.total > len(self.entries)

    @property
    def choices(self) -> list[VersionEntry]:
        return [*self.entries, *self.starters]

    @cached_property
    def old_ref(self) -> str:
        """Return the version that is compared with the newest by default: the starter, else the one before."""
        before = self.starters[:1] or self.entries[1:2] or self.entries[:1]
        return before[0].ref if before else ""

    @property
    def new_ref(self) -> str:
        return self.entries[0].ref if self.entries else self.old_ref


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version with its content."""

    entry: VersionEntry
    content: object
    sha256: str


def notebook_list(classroom: Classroom) -> QuerySet[Notebook]:
    """Return the notebooks that are assignments of the class or have versions in it, the last changed first.

    Annotated with `hand_ins`, `commits` and `last_at`. One query.
    """
    handed_in = _submissions(classroom).filter(assignment__notebook=OuterRef("pk")).order_by()
    committed = _versions(classroom).filter(history__notebook=OuterRef("pk")).order_by()
    hand_ins = handed_in.values("assignment__notebook").annotate(n=Count("pk"), last=Max("submitted_at"))
    commits = committed.values("history__notebook").annotate(n=Count("pk"), last=Max("created_at"))
    histories = NotebookHistory.objects.filter(class_ref=classroom.class_ref)
    of_class = Q(pk__in=assignments_in(classroom).values("notebook")) | Q(pk__in=histories.values("notebook"))
    found = Notebook.objects.filter(of_class).defer("notebook_metadata")
    return found.annotate(
        hand_ins=Coalesce(Subquery(hand_ins.values("n"), output_field=IntegerField()), 0),
        commits=Coalesce(Subquery(commits.values("n"), output_field=IntegerField()), 0),
        last_at=Greatest(Subquery(hand_ins.values("last")), Subquery(commits.values("last"))),
    ).order_by(Coalesce("last_at", "created_at").desc(), "path")


def find_notebook(classroom: Classroom, notebook_id: int) -> Notebook:
    """Return the notebook; raise Http404 if it is not in the class's list. One query."""
    return get_object_or_404(notebook_list(classroom), pk=notebook_id)


def notebook_page(classroom: Classroom, notebook_id: int, *, display: Display) -> NotebookPage:
    """Return a notebook with its newest MAX_ENTRIES versions. Five queries for any number of versions."""
    notebook = find_notebook(classroom, notebook_id)
    submissions = _submissions(classroom).filter(assignment__notebook=notebook).order_by("-submitted_at", "-pk")
    versions = _versions(classroom).filter(history__notebook=notebook).order_by("-pk")
    with_names = (
        submissions.select_related("student", "assignment")
        .annotate(called=name_in(classroom))
        .defer("notebook_content")
    )
    shown = [_of_submission(each, display) for each in with_names[:MAX_ENTRIES]]
    shown += [_of_commit(each, display) for each in versions.select_related("branch")[:MAX_ENTRIES]]
    shown.sort(key=lambda entry: entry.when, reverse=True)
    starters = AssignmentStarter.objects.filter(assignment__in=assignments_in(classroom), assignment__notebook=notebook)
    return NotebookPage(
        notebook=notebook,
        entries=shown[:MAX_ENTRIES],
        starters=[_of_starter(each) for each in starters.select_related("assignment").defer("content")],
        total=submissions.count() + versions.count(),
    )


def find_version(classroom: Classroom, notebook_id: int, ref: str, *, display: Display) -> Version:
    """Return the version; raise Http404 if it does not belong to this class and notebook. One query."""
    if not REFERENCE.fullmatch(ref):
        raise Http404
    if ref[0] == "s":
        found = find_submission(classroom, int(ref[1:]), with_content=True)
        if found.assignment.notebook_id != notebook_id or found.notebook_content is None:
            raise Http404
        return Version(entry=_of_submission(found, display), content=found.notebook_content, sha256=hash_of(found))
    if ref[0] == "t":
        starters = AssignmentStarter.objects.filter(
            assignment__in=assignments_in(classroom).filter(notebook=notebook_id)
        )
        starter = get_object_or_404(starters.select_related("assignment"), assignment=int(ref[1:]))
        return Version(entry=_of_starter(starter), content=starter.content, sha256=starter.content_sha256)
    rows = _versions(classroom).filter(history__notebook=notebook_id).select_related("branch", "snapshot__stored")
    version = get_object_or_404(rows, version_id=ref[1:])
    stored = version.snapshot.stored
    return Version(entry=_of_commit(version, display), content=stored.content, sha256=stored.sha256)


def _submissions(classroom: Classroom) -> QuerySet[AssignmentSubmission]:
    return AssignmentSubmission.objects.filter(
        assignment__class_ref=classroom.class_ref, notebook_content__isnull=False
    )


def _versions(classroom: Classroom) -> QuerySet[NotebookVersion]:
    return NotebookVersion.objects.filter(history__class_ref=classroom.class_ref)


def _of_submission(row: AssignmentSubmission, display: Display) -> VersionEntry:
    return VersionEntry(
        ref=f"s{row.pk}",
        kind="submission",
        when=row.submitted_at,
        who=display.name(row.student_id, visible(row.called) or row.student.email),  # type: ignore[attr-defined]
        what=row.assignment.title,
        submission_id=row.pk,
        student_id=row.student_id,
    )


def _of_commit(row: NotebookVersion, display: Display) -> VersionEntry:
    """Return the entry of a commit. A projector view omits its author, which is unverified and may be a student."""
    return VersionEntry(
        ref=f"c{row.version_id}",
        kind="commit",
        when=row.created_at,
        who="" if display.projector or row.author_name == "anonymous" else row.author_name or "",
        what=f"{row.version_number} {row.commit_message}",
    )


def _of_starter(row: AssignmentStarter) -> VersionEntry:
    what = gettext("Starter of %(assignment)s") % {"assignment": row.assignment.title}
    return VersionEntry(ref=f"t{row.assignment_id}", kind="starter", when=row.uploaded_at, who="", what=what)
