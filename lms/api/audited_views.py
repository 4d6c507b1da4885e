"""The endpoints of lms that write: noted in the audit log, and told to those whom they concern."""

from collections.abc import Iterable

from django.db.models import Model
from django.urls import re_path

from instructors import audit
from instructors.api.callers import known_caller
from lms.api.assignments import AssignmentsView, AssignmentView
from lms.api.base import ApiView
from lms.api.classes import ClassesView, ClassView
from lms.api.environment_views import AnalysisView
from lms.api.environments import SnapshotsView
from lms.api.submissions import SubmissionsView, SubmissionView
from lms.api.version_branches import BranchesFromView
from lms.api.versions import CommitsView, DirectCommitsView
from lms.api.versions import SnapshotsView as NotebookSnapshotsView
from lms.models import AssignmentSubmission, ClassAssignment
from lms.notices import tell_assignment, tell_grade


class Audited(ApiView):
    def noted(self, action: str, row: Model, *, fields: Iterable[str] = ()) -> None:
        """Which fields were written, never what: a grade or a notebook has no place in the log."""
        audit.record(
            action=action,
            actor=known_caller(self.request),
            request=self.request,
            target_type=row._meta.model_name,
            target_id=row.pk,
            details={"fields": sorted(fields)},
        )


class AuditedClassesView(Audited, ClassesView): ...


class AuditedClassView(Audited, ClassView): ...


class AuditedAssignmentView(Audited, AssignmentView): ...


class ToldAssignmentsView(Audited, AssignmentsView):
    def created(self, assignment: ClassAssignment) -> None:
        tell_assignment(assignment)


class ToldSubmissionsView(Audited, SubmissionsView):
    def graded(self, submission: AssignmentSubmission) -> None:
        tell_grade(submission)


class ToldSubmissionView(Audited, SubmissionView):
    def graded(self, submission: AssignmentSubmission) -> None:
        tell_grade(submission)


class AuditedSnapshotsView(Audited, SnapshotsView): ...


class AuditedAnalysisView(Audited, AnalysisView): ...


class AuditedNotebookSnapshotsView(Audited, NotebookSnapshotsView): ...


class AuditedCommitsView(Audited, CommitsView): ...


class AuditedDirectCommitsView(Audited, DirectCommitsView): ...


class AuditedBranchesView(Audited, BranchesFromView): ...


urlpatterns = [
    re_path(r"^classes/?$", AuditedClassesView.as_view()),
    re_path(r"^classes/(?P<class_id>[^/]+)/?$", AuditedClassView.as_view()),
    re_path(r"^assignments/?$", ToldAssignmentsView.as_view()),
    re_path(r"^assignments/(?P<assignment_id>[^/]+)/?$", AuditedAssignmentView.as_view()),
    re_path(r"^submissions/?$", ToldSubmissionsView.as_view()),
    re_path(r"^submissions/(?P<submission_id>[^/]+)/?$", ToldSubmissionView.as_view()),
    re_path(r"^environment/snapshot/?$", AuditedSnapshotsView.as_view()),
    re_path(r"^environment/analyze/?$", AuditedAnalysisView.as_view()),
    re_path(r"^notebook-version/snapshot/?$", AuditedNotebookSnapshotsView.as_view()),
    re_path(r"^notebook-version/commit/?$", AuditedCommitsView.as_view()),
    re_path(r"^notebook-version/commit-direct/?$", AuditedDirectCommitsView.as_view()),
    re_path(r"^notebook-version/branch/?$", AuditedBranchesView.as_view()),
]
