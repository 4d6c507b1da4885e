"""Saved comments for grading: of an assignment, for all who grade it, or of one teacher, in all their classes."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from instructors import audit
from instructors.models import Instructor
from lms.models import ClassAssignment, SavedComment

OF_ASSIGNMENT, OF_TEACHER = "assignment", "teacher"
MOST = 100  # comments of one assignment, and of one teacher


class TooManyComments(Exception):
    """The assignment or the teacher has MOST comments. Nothing was written."""


def comments_for(assignment: ClassAssignment, teacher: Instructor) -> QuerySet[SavedComment]:
    """Return the comments that this teacher may use for this assignment: those of the assignment, and their own."""
    return SavedComment.objects.filter(Q(assignment=assignment) | Q(author=teacher)).order_by("author", "pk")


def keep_comment(
    text: str, *, of: str, assignment: ClassAssignment, by: Instructor, request: HttpRequest
) -> SavedComment:
    """Keep a comment; one that is kept already is returned. `of` is OF_ASSIGNMENT or OF_TEACHER. Raises
    TooManyComments."""
    owner = {"assignment": assignment, "author": None} if of == OF_ASSIGNMENT else {"assignment": None, "author": by}
    with transaction.atomic():
        same = SavedComment.objects.filter(**owner)
        found = same.filter(text=text).first()
        if found is not None:
            return found
        if same.count() >= MOST:
            raise TooManyComments
        made = SavedComment.objects.create(text=text, **owner)
        _record("comment_keep", made, by=by, request=request)
    return made


def delete_comment(comment: SavedComment, *, by: Instructor, request: HttpRequest) -> None:
    with transaction.atomic():
        _record("comment_delete", comment, by=by, request=request)
        comment.delete()


def _record(action: str, comment: SavedComment, *, by: Instructor, request: HttpRequest) -> None:
    audit.record(action, comment, actor=by, request=request)
