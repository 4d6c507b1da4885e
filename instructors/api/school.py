"""Classes, assignments and submissions: lms's endpoints, told to those whom a write concerns."""

from django.urls import re_path

from instructors.api.grading import tell_assignment, tell_grade
from lms.api.assignments import AssignmentsView, AssignmentView
from lms.api.classes import ClassesView, ClassView
from lms.api.submissions import SubmissionsView, SubmissionView
from lms.models import AssignmentSubmission, ClassAssignment


class ToldAssignmentsView(AssignmentsView):
    def created(self, assignment: ClassAssignment) -> None:
        tell_assignment(assignment)


class ToldSubmissionsView(SubmissionsView):
    def graded(self, submission: AssignmentSubmission) -> None:
        tell_grade(submission)


class ToldSubmissionView(SubmissionView):
    def graded(self, submission: AssignmentSubmission) -> None:
        tell_grade(submission)


urlpatterns = [
    re_path(r"^classes/?$", ClassesView.as_view()),
    re_path(r"^classes/(?P<class_id>[^/]+)/?$", ClassView.as_view()),
    re_path(r"^assignments/?$", ToldAssignmentsView.as_view()),
    re_path(r"^assignments/(?P<assignment_id>[^/]+)/?$", AssignmentView.as_view()),
    re_path(r"^submissions/?$", ToldSubmissionsView.as_view()),
    re_path(r"^submissions/(?P<submission_id>[^/]+)/?$", ToldSubmissionView.as_view()),
]
