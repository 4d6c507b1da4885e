"""Who may sign in to the pages, who sees beyond their own classes, and who manages whose account."""

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
    """E-mail and password; the wording never tells whether the address is known."""

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
    """The signed-in account of a view behind `login_required`."""
    assert isinstance(request.user, Instructor)
    return request.user


def sees_everybody(user: Instructor) -> bool:
    """Admins; and while nobody has to authenticate, everyone: the open sockets tell the same to anybody."""
    return user.is_admin or not logins_required()


def may_manage_accounts(user: Instructor) -> bool:
    """Admins; instructors where the setting lets them. An account that was made to assist manages nobody."""
    allowed = settings.INSTRUCTORS_MANAGE_ACCOUNTS
    if allowed is None:
        allowed = not logins_required()
    return user.is_admin or bool(allowed and not user.is_assistant)


def may_manage(user: Instructor, account: Instructor) -> bool:
    """Whether `user` may change somebody else's account, or set their status. An instructor never touches an admin,
    one that is switched off included."""
    return user.is_admin or (may_manage_accounts(user) and account.role != ADMIN)
