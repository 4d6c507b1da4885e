"""Browsers on which an account has logged in before. They count failed logins of their own (`instructors.lockout`), so
that somebody who shares the address of a teacher, in a class room for instance, does not lock the teacher out by
guessing.

The login leaves a signed cookie with a random id, for one account and for the login page alone. It opens nothing:
whoever steals it may try a password as often as a stranger may, LOGIN_FAILURES times.
"""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from rest_framework.request import Request

REMEMBERED = 180 * 86_400  # seconds


def remember(response: HttpResponse, *, name: str) -> None:
    """Let the browser of this response be known as one of the account. `name` is the key of its e-mail."""
    response.set_signed_cookie(
        _cookie_name(),
        secrets.token_hex(16),
        salt=_salt(name),
        max_age=REMEMBERED,
        path=reverse("login"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def id_of(request: HttpRequest | Request, *, name: str) -> str:
    """Return the id of a browser on which this account has logged in; "" of any other."""
    return str(request.get_signed_cookie(_cookie_name(), default="", salt=_salt(name), max_age=REMEMBERED))


def _salt(name: str) -> str:
    return f"known browser of {name}"


def _cookie_name() -> str:
    return f"browser_{settings.COOKIE_SUFFIX}"
