"""Management of instructors' accounts (docs/contract/http.md section 8). Deleting one deactivates the account.

Admins manage all accounts, and every account may change its own name. With INSTRUCTORS_MANAGE_ACCOUNTS instructors
manage each other, but no admin, and not their own role.
"""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from core.validators import MAX_BIGINT
from instructors import audit, hashing
from instructors.api.callers import account_of, refuse_unless
from instructors.api.fields import Address, InstructorResponse, NewPassword, Role, check_password_rules
from instructors.models import Instructor
from instructors.permissions import may_manage, may_manage_accounts
from instructors.rest.exceptions import BadRequest
from instructors.rest.fields import Text
from instructors.rest.openapi import PAGING, documented
from instructors.rest.parameters import path_id, query_boolean, validated
from instructors.rest.permissions import LoginRequired
from instructors.rest.views import ApiView
from instructors.roles import ADMIN, INSTRUCTOR

IS_ACTIVE = OpenApiParameter("is_active", bool, description="Only those that are switched on, or off.")


class InstructorCreate(serializers.Serializer[Any]):
    email = Address(max_length=255)
    name = Text(max_length=255)
    password = NewPassword()
    role = Role(default=INSTRUCTOR)


class InstructorUpdate(serializers.Serializer[Any]):
    name = Text(max_length=255, required=False)
    role = Role(required=False)
    is_active = serializers.BooleanField(required=False)


class InstructorDeleted(InstructorResponse):
    message = serializers.CharField()


def find_instructor(instructor_id: str) -> Instructor:
    """Return the account with this id. Raises Unprocessable if it is no integer, NotFound if no account has it."""
    pk = path_id(instructor_id, "instructor_id")
    found = Instructor.objects.filter(pk=pk).first() if abs(pk) <= MAX_BIGINT else None
    if found is None:
        raise NotFound("Instructor not found")
    return found


class InstructorListView(ApiView):
    permission_classes = (LoginRequired,)
    action = "manage instructors"

    @documented(summary="Instructors", responses={200: InstructorResponse(many=True)}, parameters=[*PAGING, IS_ACTIVE])
    def get(self, request: Request) -> Response:
        rows = Instructor.objects.order_by("pk")
        is_active = query_boolean(request, "is_active", None)
        if is_active is not None:
            rows = rows.filter(is_active=is_active)
        return Response(InstructorResponse(self.paginate_queryset(rows), many=True).data)

    @documented(
        summary="Create an instructor", request=InstructorCreate, responses={201: InstructorResponse}, errors=(400,)
    )
    def post(self, request: Request) -> Response:
        """Create an account. Only an admin may create an admin."""
        caller = account_of(request)
        refuse_unless(may_manage_accounts(caller))
        sent = validated(InstructorCreate(data=request.data))
        unsaved = Instructor(email=sent["email"], name=sent["name"])
        check_password_rules(sent["password"], account=unsaved, field="password")
        refuse_unless(sent["role"] != ADMIN or caller.is_admin)
        try:
            with hashing.hash_ahead(sent["password"]), transaction.atomic():
                made = Instructor.objects.create_user(
                    sent["email"], sent["password"], name=sent["name"], role=sent["role"]
                )
                _record(request, "instructor_create", made, {"role": made.role})
        except IntegrityError:
            raise BadRequest("Email already registered") from None
        return Response(InstructorResponse(made).data, status=201)


class InstructorView(ApiView):
    permission_classes = (LoginRequired,)
    action = "manage instructors"

    @documented(summary="An instructor", responses={200: InstructorResponse}, errors=(404,))
    def get(self, request: Request, instructor_id: str) -> Response:
        return Response(InstructorResponse(find_instructor(instructor_id)).data)

    @documented(
        summary="Change an instructor", request=InstructorUpdate, responses={200: InstructorResponse}, errors=(404,)
    )
    def put(self, request: Request, instructor_id: str) -> Response:
        """Change the fields that are sent. Every account may change its own name. A value that is sent unchanged needs
        no right to change it."""
        found = find_instructor(instructor_id)
        sent = validated(InstructorUpdate(data=request.data))
        refuse_unless(_may_change(account_of(request), found, sent))
        if sent:
            with transaction.atomic():
                _change(found, sent)
                _record(request, "instructor_update", found, {"fields": sorted(sent)})
        return Response(InstructorResponse(found).data)

    @documented(summary="Switch an instructor off", responses={200: InstructorDeleted}, errors=(400, 404))
    def delete(self, request: Request, instructor_id: str) -> Response:
        """Deactivate the account. It is not deleted, but can no longer log in."""
        caller = account_of(request)
        found = find_instructor(instructor_id)
        if found.pk == caller.pk:
            raise BadRequest("Cannot delete yourself")
        refuse_unless(may_manage(caller, found))
        with transaction.atomic():
            _change(found, {"is_active": False})
            _record(request, "instructor_delete", found, {})
        return Response({**InstructorResponse(found).data, "message": "Instructor successfully deleted"})


def _may_change(caller: Instructor, account: Instructor, sent: dict[str, Any]) -> bool:
    """Return whether the caller may change the account as requested."""
    if caller.is_admin:
        return True
    changes = {name for name, value in sent.items() if value != getattr(account, name)}
    if account.pk == caller.pk:
        return changes <= {"name"}
    return may_manage(caller, account) and not ("role" in changes and sent["role"] == ADMIN)


def _change(account: Instructor, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(account, name, value)
    account.updated_at = timezone.now()
    account.save(update_fields=[*fields, "updated_at"])


def _record(request: Request, action: str, account: Instructor, details: dict[str, Any]) -> None:
    audit.record(action, account, actor=account_of(request), request=request, details=details)
