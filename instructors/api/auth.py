"""Login, logout, the caller's account and password (docs/contract/http.md section 7)."""

from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from instructors import audit, authentication, hashing, lockout, passwords, tokens
from instructors.api.callers import account_of
from instructors.api.fields import Address, InstructorResponse, NewPassword, check_password_rules
from instructors.rest.exceptions import BadRequest
from instructors.rest.fields import Text
from instructors.rest.openapi import documented
from instructors.rest.parameters import validated
from instructors.rest.permissions import LoginRequired
from instructors.rest.views import ApiView
from instructors.status import Status, announce_status, change_status
from instructors.tokens import BearerToken


class LoginRequest(serializers.Serializer[Any]):
    email = Address(max_length=255)
    password = Text(trim_whitespace=False, max_length=4096)


class TokenResponse(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class LoginResponse(serializers.Serializer[Any]):
    instructor = InstructorResponse()
    token = TokenResponse()


class MessageResponse(serializers.Serializer[Any]):
    message = serializers.CharField()


class PasswordRequest(serializers.Serializer[Any]):
    current_password = Text(trim_whitespace=False, max_length=4096)
    new_password = NewPassword()


class LoginView(ApiView):
    permission_classes = (AllowAny,)
    action = "log in"

    @documented(summary="Log in", request=LoginRequest, responses={200: LoginResponse}, errors=(401, 403))
    def post(self, request: Request) -> Response:
        """Answer 403 only if the password is right and the account is switched off."""
        sent = validated(LoginRequest(data=request.data))
        now = timezone.now()
        hashing.refuse_when_full()
        lockout.check(request, email=sent["email"], now=now)
        try:
            account = authentication.account_for(email=sent["email"], password=sent["password"])
        except authentication.WrongCredentials:
            self._record_failure(request, sent["email"], "wrong credentials")
            raise AuthenticationFailed("Invalid credentials") from None
        except authentication.InactiveAccount:
            self._record_failure(request, sent["email"], "inactive account")
            raise PermissionDenied("Inactive account") from None
        lockout.reset(request, email=sent["email"])
        with transaction.atomic():
            account = authentication.log_in(account, now=now)
            audit.record("login", actor=account, request=request)
        announce_status(account)
        token = {
            "access_token": tokens.issue(account, now=now),
            "token_type": "bearer",
            "expires_in": settings.ACCESS_TOKEN_EXPIRE_MINUTES * 60,
        }
        return Response({"instructor": InstructorResponse(account).data, "token": token})

    def _record_failure(self, request: Request, email: str, reason: str) -> None:
        audit.record(
            "login_failed",
            actor=None,
            request=request,
            target_type="instructor",
            target_id=email,
            outcome=audit.Outcome.FAILURE,
            details={"reason": reason},
        )


class LogoutView(ApiView):
    permission_classes = (LoginRequired,)
    action = "log out"

    @documented(summary="Log out", responses={200: MessageResponse})
    def post(self, request: Request) -> Response:
        """Revoke the token and set the instructor's status to offline."""
        account = account_of(request)
        with transaction.atomic():
            account = change_status(instructor_id=account.pk, status=Status.OFFLINE, now=timezone.now())
            cast(BearerToken, request.auth).revoke(account)
            audit.record("logout", actor=account, request=request)
        announce_status(account)
        return Response({"message": "Successfully logged out"})


class MeView(ApiView):
    permission_classes = (LoginRequired,)

    @documented(summary="The account of the token", responses={200: InstructorResponse})
    def get(self, request: Request) -> Response:
        return Response(InstructorResponse(account_of(request)).data)


class PasswordView(ApiView):
    permission_classes = (LoginRequired,)
    action = "change the password"

    @documented(
        summary="Change one's own password", request=PasswordRequest, responses={200: MessageResponse}, errors=(400,)
    )
    def put(self, request: Request) -> Response:
        """Set a new password. All other tokens and sessions of the account end."""
        account = account_of(request)
        sent = validated(PasswordRequest(data=request.data))
        check_password_rules(sent["new_password"], account=account, field="new_password")
        try:
            passwords.prove(account, sent["current_password"], request=request, now=timezone.now())
        except passwords.WrongPassword:
            raise BadRequest("Current password is incorrect") from None
        with hashing.hash_ahead(sent["new_password"]), transaction.atomic():
            passwords.store(account, sent["new_password"], request=request, now=timezone.now())
            cast(BearerToken, request.auth).keep_current(account)
        return Response({"message": "Password updated successfully"})
