"""What a student's JupyterLab needs to know, with the key of the class or a token of its own (http.md section 5a).

Classmates share the key, so a request with the key returns only the student's id, which a submission needs.
"""

from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.attention.help_status import help_of_student
from classroom.questions.api import MyQuestions
from classroom.questions.selectors import switches_of
from instructors.rest.exceptions import Unprocessable
from instructors.rest.openapi import documented, text_filter
from instructors.rest.parameters import query_text
from lms.access import assignments_of, classes_of, students_of, students_seen_by, submissions_of, with_email
from lms.api.assignments import set_own_due
from lms.api.base import ApiView
from lms.api.permissions import ClassKeyRequired
from lms.api.tokens import MyClass
from lms.client_terms import terms
from lms.credential_holders import StudentTokenHolder
from lms.models import AssignmentStarter, AssignmentSubmission, ClassAssignment, RubricItem, Student
from lms.rubrics import ticked_items
from lms.submissions import is_graded, latest


class MyAssignment(serializers.ModelSerializer[ClassAssignment]):
    notebook_path = serializers.CharField(source="notebook.path", read_only=True)
    submitted_at = serializers.SerializerMethodField(
        help_text="Null with a class key: when a student handed in is no classmate's matter."
    )

    class Meta:
        model = ClassAssignment
        fields = ["id", "title", "notebook_path", "due_date", "submitted_at"]
        read_only_fields = fields

    def get_submitted_at(self, assignment: ClassAssignment) -> datetime | None:
        """Return None: a class key does not prove which student the caller is."""
        return None


class Me(serializers.Serializer[Any]):
    student_id = serializers.IntegerField()
    classes = MyClass(many=True)
    assignments = MyAssignment(many=True)


# --- With a student token: the same, and what is the student's own --------------------------------------------------


class DescribedClass(MyClass):
    class Meta(MyClass.Meta):
        fields = [*MyClass.Meta.fields, "description"]
        read_only_fields = fields


class TickedItem(serializers.Serializer[Any]):
    text = serializers.CharField()
    points = serializers.FloatField(help_text="May be negative.")


class OwnAssignment(MyAssignment):
    """An assignment, and the student's own submissions to it: by assignment, `context["submissions"]` has the
    newest, `context["attempts"]` their number, and `context["ticked"]` by submission the ticked items of the rubric."""

    has_starter = serializers.BooleanField(read_only=True)
    attempts = serializers.SerializerMethodField(help_text="How often it was handed in.")
    grade = serializers.SerializerMethodField(help_text="Of the newest submission.")
    feedback = serializers.SerializerMethodField(help_text="Of the newest submission.")
    status = serializers.SerializerMethodField(help_text="Of the newest submission.")
    rubric = serializers.SerializerMethodField(help_text="What was ticked in the newest submission, once it is graded.")

    class Meta(MyAssignment.Meta):
        own = ["description", "points", "has_starter", "attempts", "grade", "feedback", "status", "rubric"]
        fields = [*MyAssignment.Meta.fields, *own]
        read_only_fields = fields

    def get_submitted_at(self, assignment: ClassAssignment) -> datetime | None:
        found = self._newest(assignment)
        return found.submitted_at if found else None

    def get_attempts(self, assignment: ClassAssignment) -> int:
        attempts: dict[int, int] = self.context["attempts"]
        return attempts.get(assignment.pk, 0)

    def get_grade(self, assignment: ClassAssignment) -> float | None:
        found = self._newest(assignment)
        return found.grade if found else None

    def get_feedback(self, assignment: ClassAssignment) -> str | None:
        found = self._newest(assignment)
        return found.feedback if found else None

    def get_status(self, assignment: ClassAssignment) -> str | None:
        found = self._newest(assignment)
        return found.status if found else None

    @extend_schema_field(TickedItem(many=True))
    def get_rubric(self, assignment: ClassAssignment) -> list[dict[str, Any]]:
        found = self._newest(assignment)
        if found is None or not is_graded(found):
            return []
        ticked: dict[int, list[RubricItem]] = self.context["ticked"]
        return [{"text": item.text, "points": item.points} for item in ticked[found.pk]]

    def _newest(self, assignment: ClassAssignment) -> AssignmentSubmission | None:
        submissions: dict[int, AssignmentSubmission] = self.context["submissions"]
        return submissions.get(assignment.pk)


class MyName(serializers.Serializer[Any]):
    name = serializers.CharField(allow_null=True)
    team = serializers.CharField(allow_null=True)


class MySeat(serializers.Serializer[Any]):
    room = serializers.CharField()
    seat = serializers.CharField()


class MyHelp(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["off", "asked", "coming", "not_found", "answered"])
    place = serializers.IntegerField(allow_null=True, help_text="In the queue, from 1.")
    of = serializers.IntegerField(allow_null=True, help_text="How many are in the queue.")
    since = serializers.DateTimeField(allow_null=True, help_text="When they asked, or were helped.")
    by_name = serializers.CharField(allow_null=True, help_text="Who is on the way, or helped.")
    seats = MySeat(many=True, help_text="Where they sit, while they ask: one seat in each room of the class.")


class ClientTerms(serializers.Serializer[Any]):
    max_output = serializers.IntegerField(help_text="Bytes of output of one run.")
    max_source = serializers.IntegerField(help_text="Bytes of the code of one run.")
    consent_text = serializers.CharField(help_text="What a student agrees to, in the language of the request.")
    retention_days = serializers.IntegerField(allow_null=True, help_text="Null: for ever.")
    min_version = serializers.CharField(help_text="The oldest version of the extension that may send.")
    wheel_url = serializers.CharField(allow_null=True, help_text="Where to install the extension from.")


class OwnMe(Me):
    classes = DescribedClass(many=True)
    assignments = OwnAssignment(many=True)
    student = MyName()
    help = MyHelp()
    questions = MyQuestions(help_text="“Are you stuck?”: whether the class asks, and may ask this student.")
    client = ClientTerms()


ANSWER = PolymorphicProxySerializer("MeAnswer", [Me, OwnMe], None)


class MeView(ApiView):
    action = "tell what a student has to do"
    permission_classes = (ClassKeyRequired,)
    key_methods = token_methods = frozenset({"GET"})

    @documented(
        summary="A student's ids and assignments",
        responses={200: ANSWER},
        errors=(404,),
        parameters=[text_filter("email", "The student's address. Required with a class key.")],
    )
    def get(self, request: Request) -> Response:
        """Only the class of the key or token. For other classes of the student, send theirs. A class key does not prove
        which student the caller is: what is the student's own comes with a student token alone, and so does the later
        `due_date` of an extension."""
        data: dict[str, Any] = {
            "student_id": self.student(request).pk,
            "classes": classes_of(self.viewer),
            "assignments": list(
                assignments_of(self.viewer).select_related("notebook").annotate(has_starter=HAS_STARTER)
            ),
        }
        set_own_due(data["assignments"], self.holder)
        if not isinstance(self.holder, StudentTokenHolder):
            return Response(Me(data).data)
        data |= {"student": own_name(self.holder), "help": my_help(self.holder), "client": terms(request)}
        data |= {"questions": switches_of(self.holder)}
        return Response(OwnMe(data, context=own_submissions(self.holder)).data)

    def student(self, request: Request) -> Student:
        """Return the student of the token, or the one of the query. Raises Unprocessable, NotFound."""
        found = students_of(self.viewer)
        if not isinstance(self.holder, StudentTokenHolder):
            email = query_text(request, "email")
            if not email:
                raise Unprocessable(["query", "email"], "Field required", "missing")
            found = with_email(found, email)
        student = found.first()
        if student is None:
            raise NotFound("Student not found")
        return student


HAS_STARTER = Exists(AssignmentStarter.objects.filter(assignment=OuterRef("pk")))


def own_submissions(holder: StudentTokenHolder) -> dict[str, Any]:
    """Return the context of `OwnAssignment`. Two queries, three if rubrics were used."""
    mine = submissions_of(holder)
    counts = mine.order_by().values_list("assignment").annotate(Count("pk"))
    newest = {row.assignment_id: row for row in latest(mine).defer("notebook_content")}
    return {"submissions": newest, "attempts": dict(counts), "ticked": ticked_items(newest.values())}


def own_name(holder: StudentTokenHolder) -> dict[str, str | None]:
    """Return name and team of the student as the class sees them. One query."""
    found = students_seen_by(holder).select_related("team").first()
    if found is None:
        return {"name": None, "team": None}
    return {"name": found.name, "team": found.team.team_name if found.team else None}


def my_help(holder: StudentTokenHolder) -> dict[str, Any]:
    return help_of_student(holder.student_id, holder.class_id, now=timezone.now()).data
