"""Who may sign in to the pages, and who sees beyond their own classes."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from instructors.models import Instructor
from lms.logins import logins_required


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
