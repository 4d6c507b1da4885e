"""Classes (docs/contract/http.md section 3)."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import BadRequest, Conflict
from instructors.rest.fields import Name, RawText, RowId
from instructors.rest.openapi import PAGING, documented
from instructors.rest.parameters import change, find_or_404, path_id, validated
from lms.access import User, classes_of, may_make_classes
from lms.api.base import ApiView
from lms.api.fields import PlausibleDateTime
from lms.api.permissions import refuse_unless_taught
from lms.deletion import delete_row
from lms.models import Class

EXAMPLE = {"name": "Introduction to Python", "class_code": "PY-101", "description": "Mondays, second period"}


class ClassResponse(serializers.ModelSerializer[Class]):
    class Meta:
        model = Class
        fields = ["id", "name", "class_code", "description", "is_active", "created_at", "updated_at"]
        read_only_fields = fields


class ClassChanges(serializers.Serializer[Any]):
    name = Name(max_length=255)
    class_code = Name(max_length=100)
    description = RawText(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)


class NewClass(serializers.Serializer[Any]):
    name = Name(max_length=255)
    class_code = Name(max_length=100)
    description = RawText(required=False, allow_null=True)
    instructor_id = RowId(required=False, allow_null=True, help_text="Default: the caller.")
    start_date = PlausibleDateTime(required=False, allow_null=True)
    end_date = PlausibleDateTime(required=False, allow_null=True, whole_day=True)


class ClassesView(ApiView):
    action = "list or create classes"

    @documented(summary="Classes", responses={200: ClassResponse(many=True)}, parameters=PAGING)
    def get(self, request: Request) -> Response:
        return Response(ClassResponse(self.paginate_queryset(classes_of(self.viewer)), many=True).data)

    @documented(
        summary="Create a class",
        request=NewClass,
        responses={201: ClassResponse},
        errors=(400, 404),
        example=EXAMPLE,
    )
    def post(self, request: Request) -> Response:
        """The caller becomes the instructor of the class, if logged in. Only an admin may name another account."""
        if not may_make_classes(self.viewer):
            raise PermissionDenied("Assistants make no classes; ask an instructor")
        fields = validated(NewClass(data=request.data))
        owner = owner_of_new(self.caller, self.viewer, fields.pop("instructor_id", None))
        try:
            with transaction.atomic():
                made = Class.objects.create(instructor_id=owner, **fields)
                self.record_change("class_create", made)
        except IntegrityError:
            raise code_is_taken(fields["class_code"]) from None
        return Response(ClassResponse(made).data, status=201)


class ClassView(ApiView):
    action = "read or change a class"

    @documented(summary="One class", responses={200: ClassResponse}, errors=(404,))
    def get(self, request: Request, class_id: str) -> Response:
        return Response(ClassResponse(self.find(class_id)).data)

    @documented(
        summary="Change a class",
        request=ClassChanges(partial=True),
        responses={200: ClassResponse},
        errors=(400, 404),
        example={"is_active": False},
    )
    def put(self, request: Request, class_id: str) -> Response:
        """Absent keys are not changed. Assistants are refused."""
        found = self.find(class_id)
        refuse_unless_taught(self.viewer, found.pk)
        changes = validated(ClassChanges(data=request.data, partial=True))
        try:
            with transaction.atomic():
                change(found, changes)
                if changes:
                    self.record_change("class_update", found, fields=changes)
        except IntegrityError:
            raise code_is_taken(changes["class_code"]) from None
        return Response(ClassResponse(found).data)

    @documented(summary="Delete a class", responses={200: ClassResponse}, errors=(404, 409))
    def delete(self, request: Request, class_id: str) -> Response:
        """Returns the class as it was. A class that has assignments is not deleted. Assistants are refused."""
        found = self.find(class_id)
        refuse_unless_taught(self.viewer, found.pk)
        deleted = ClassResponse(found).data
        try:
            with transaction.atomic():
                self.record_change("class_delete", found)
                delete_row(found)
        except (ProtectedError, IntegrityError):
            raise Conflict(f"Class with id {deleted['id']} still has assignments") from None
        return Response(deleted)

    def find(self, class_id: str) -> Class:
        return find_or_404(classes_of(self.viewer), path_id(class_id, "class_id"), "Class")


def owner_of_new(caller: User | None, viewer: User, named: int | None) -> int | None:
    """Return the id of the instructor of a new class. Raises NotFound or PermissionDenied."""
    if named is None:
        return caller.pk if caller else None
    if not viewer.is_admin and named != viewer.pk:
        raise PermissionDenied("Not enough permissions")
    if not get_user_model().objects.filter(pk=named, is_active=True).exists():
        raise NotFound(f"Instructor with id {named} not found")
    return named


def code_is_taken(code: str) -> BadRequest:
    return BadRequest(f"Class with code '{code}' already exists")
