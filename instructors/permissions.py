"""The login form, and what an account may see and manage beyond its own classes."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.login_requirement import logins_required
from instructors.models import Instructor
from instructors.roles import ADMIN


class LoginForm(AuthenticationForm):
    """A form for e-mail and password. Its messages do not reveal whether the address is known."""

    error_messages = {
        "invalid_login": _("This e-mail and password do not match. Check both and try again."),
        "inactive": _("This account is switched off. Ask an administrator."),
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 255}
        )
        self.fields["password"].label = _("Password")


def account_of(request: HttpRequest) -> Instructor:
    """Return the account of a request to a view behind `login_required`."""
    assert isinstance(request.user, Instructor)
    return request.user


def sees_everybody(user: Instructor) -> bool:
    """Return whether the user sees all classes: admins, and every account while no login is required."""
    return user.is_admin or not logins_required()


def may_manage_accounts(user: Instructor) -> bool:
    """Return whether the user may manage accounts: admins, and instructors if INSTRUCTORS_MANAGE_ACCOUNTS allows it
    (default: while no login is required). Assistants never may."""
    allowed = settings.INSTRUCTORS_MANAGE_ACCOUNTS
    if allowed is None:
        allowed = not logins_required()
    return user.is_admin or bool(allowed and not user.is_assistant)


def may_manage(user: Instructor, account: Instructor) -> bool:
    """Return whether the user may change another account or set its status. Only an admin may manage an admin's
    account, active or not."""
    return user.is_admin or (may_manage_accounts(user) and account.role != ADMIN)
