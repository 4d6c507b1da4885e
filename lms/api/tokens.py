"""Tokens of students' devices (docs/contract/http.md section 5b).

A device that waits proves only that it knows the class's key or code, which classmates share. It learns nothing about
the student but the number, which a class key reveals too (`classroom.inbox.me`).
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from core.identity import EMAIL_LENGTH, is_identity
from instructors import audit
from instructors.lockout import client_of
from instructors.rest.exceptions import Unprocessable
from instructors.rest.fields import Name, RowId, Text
from instructors.rest.openapi import documented
from instructors.rest.parameters import find_or_404, validated
from instructors.throttles import count_failure, refuse_stranger_after_failures, remember_client
from lms import class_codes, student_tokens
from lms.api.authentication import NOT_ACTIVE
from lms.api.base import ApiView
from lms.api.permissions import StudentTokenRequired, holder_of
from lms.credential_holders import StudentTokenHolder
from lms.models import Class, StudentClass, StudentToken
from lms.models.tokens import CLIENT_LENGTH, DEVICE_LENGTH

WRONG_CODE = "Unknown or expired class code"
EXAMPLE = {
    "class_code": "K7QF-2M9X",
    "userId": "student001@example.com",
    "userName": "Hanako Yamada",
    "device": "hanako-laptop",
    "client": "cell-monitor-lab/0.1.0",
}


class MyClass(serializers.ModelSerializer[Class]):
    class Meta:
        model = Class
        fields = ["id", "name", "class_code"]
        read_only_fields = fields


class NewToken(serializers.Serializer[Any]):
    class_code = Text(required=False, allow_blank=True, help_text="In place of a class key, in any case.")
    userId = Name(max_length=EMAIL_LENGTH, help_text="The student's address, as in events.")
    userName = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    teamName = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    device = Text(required=False, allow_null=True, allow_blank=True, max_length=DEVICE_LENGTH)
    client = Text(required=False, allow_null=True, allow_blank=True, max_length=CLIENT_LENGTH)


class Confirmation(serializers.Serializer[Any]):
    id = RowId(help_text="The number of the device that waits.")


class TokenStudent(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    team = serializers.CharField(allow_null=True)


class Device(serializers.ModelSerializer[StudentToken]):
    status = serializers.ChoiceField(["active", "waiting"], read_only=True)
    is_this = serializers.SerializerMethodField(help_text="The device that asks.")

    class Meta:
        model = StudentToken
        fields = ["id", "device", "client", "created_at", "last_used_at", "status", "check_number", "is_this"]
        read_only_fields = fields

    def get_is_this(self, row: StudentToken) -> bool:
        return bool(row.pk == self.context.get("this"))


class TokenAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["active", "waiting"])
    check_number = serializers.CharField(help_text="Two digits, to compare when the device is confirmed.")
    student = TokenStudent()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "class": MyClass()}  # a word that Python reserves


class TokenStatus(TokenAnswer):
    devices = Device(many=True, help_text="Those of the student that are not revoked; of a waiting one only itself.")


class ClaimedToken(TokenAnswer):
    token = serializers.CharField(help_text="Told this once.")


class ClassKeyOrCode(BasePermission):
    """Allow everybody: the class key is checked here, and without one the class code of the body by the view."""

    def has_permission(self, request: Request, view: Any) -> bool:
        view.holder = holder_of(request)
        return True


class TokenBase(ApiView):
    def row(self) -> StudentToken:
        """Return the row of the token that was sent. One query."""
        assert isinstance(self.holder, StudentTokenHolder)
        return StudentToken.objects.select_related("student", "class_ref").get(pk=self.holder.token_id)

    def status(self) -> dict[str, Any]:
        """Return the answer of `GET /me/token`. Three queries."""
        row = self.row()
        devices = student_tokens.open_tokens(row.student_id, row.class_ref_id)
        if row.confirmed_at is None:
            devices = devices.filter(pk=row.pk)
        found = {**answer(row), "devices": devices}
        data: dict[str, Any] = TokenStatus(found, context={"this": row.pk}).data
        return data

    def record(self, action: str, row: StudentToken) -> None:
        """Write to the audit log what a device did. One insert."""
        details = {"class": row.class_ref_id, "hint": row.hint, "status": row.status}
        audit.record(
            action, actor=None, request=self.request, target_type="student", target_id=row.student_id, details=details
        )


class TokenView(TokenBase):
    action = "handle the student token"
    key_methods = frozenset({"POST"})
    token_methods = frozenset({"GET", "DELETE"})
    takes_waiting = True

    def get_permissions(self) -> list[BasePermission]:
        return [ClassKeyOrCode() if self.request.method == "POST" else StudentTokenRequired()]

    @documented(
        summary="A token for this device",
        request=NewToken,
        responses={201: ClaimedToken},
        errors=(401, 403),
        example=EXAMPLE,
    )
    def post(self, request: Request) -> Response:
        """With a class key, or with `class_code` in the body. The first device of a student in a class is active at
        once; a further one waits until an active device or the teacher confirms it. Makes the student, and enrols
        them."""
        fields = validated(NewToken(data=request.data))
        email = fields["userId"].strip()
        if not is_identity(email):
            raise Unprocessable(["body", "userId"], "The address is too long", "string_too_long")
        class_id = self.holder.class_id if self.holder else self.class_of_code(fields.get("class_code", ""))
        claimed = student_tokens.Claim(
            email=email,
            name=fields.get("userName"),
            team=fields.get("teamName"),
            device=fields.get("device") or "",
            client=fields.get("client") or "",
        )
        try:
            with transaction.atomic():
                row, token = student_tokens.claim(class_id, claimed, now=timezone.now())
                self.record("student_token_claim", row)
        except student_tokens.TooManyWaiting as error:
            raise Throttled(error.seconds) from None
        return Response(ClaimedToken({**answer(row), "token": token}).data, status=201)

    def class_of_code(self, typed: str) -> int:
        """Return the class of a typed code. Raises Throttled, AuthenticationFailed, PermissionDenied."""
        if not typed:
            raise AuthenticationFailed("A class key or class code is required: send X-Class-Key, or class_code")
        kind, client = class_codes.FAILURES, client_of(self.request)
        found = class_codes.find_class(typed, now=timezone.now())
        target = None if found is None else found.pk
        refuse_stranger_after_failures(kind, client, target=target, limit=settings.CLASS_CODE_FAILURES)
        if found is None:
            count_failure(kind, client)
            raise AuthenticationFailed(WRONG_CODE)
        if not found.is_active:
            raise PermissionDenied(NOT_ACTIVE)
        remember_client(kind, client, target=found.pk)
        return found.pk

    @documented(summary="This device and the student's others", responses={200: TokenStatus})
    def get(self, request: Request) -> Response:
        """For devices that wait too."""
        return Response(self.status())

    @documented(summary="Give the token up", responses={204: None})
    def delete(self, request: Request) -> Response:
        row = self.row()
        with transaction.atomic():
            student_tokens.revoke(StudentToken.objects.filter(pk=row.pk), now=timezone.now())
            self.record("student_token_revoke", row)
        return Response(status=204)


class ConfirmView(TokenBase):
    action = "confirm the device"
    token_methods = frozenset({"POST"})
    permission_classes = (StudentTokenRequired,)

    @documented(
        summary="Confirm another device of one's own",
        request=Confirmation,
        responses={200: TokenStatus},
        errors=(404,),
        example={"id": 7},
    )
    def post(self, request: Request) -> Response:
        """Compare the number that the other device shows before."""
        wanted = validated(Confirmation(data=request.data))["id"]
        assert isinstance(self.holder, StudentTokenHolder)
        devices = student_tokens.open_tokens(self.holder.student_id, self.holder.class_id)
        other = find_or_404(devices, wanted, "Device")
        with transaction.atomic():
            if student_tokens.confirm(devices.filter(pk=other.pk), now=timezone.now()):
                self.record("student_token_confirm", other)
        return Response(self.status())


def answer(row: StudentToken) -> dict[str, Any]:
    """Return what every answer about a token has. One query more if the device is active."""
    name = team = None
    if row.confirmed_at is not None:
        theirs = StudentClass.objects.filter(student=row.student_id, class_ref=row.class_ref_id)
        name, team = theirs.values_list("name", "team__team_name").first() or (None, None)
    return {
        "status": row.status,
        "check_number": row.check_number,
        "student": {"id": row.student_id, "email": row.student.email, "name": name, "team": team},
        "class": row.class_ref,
    }
