"""How a student gets to their own page: a one-time code, then a short session in a signed cookie.

A code is made with the student's token, or by an instructor of the class, who knows whom they give it to. It is typed
or arrives after the `#` of an address, which no browser sends: neither token nor code is in an address that is logged.
Keys:

    own_page:{SHA-256 of the code}   JSON [student, class, token or null], for CODE_SECONDS; read once
"""

import json
import secrets
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from core.redis import short_timeout_client
from lms.class_codes import ALPHABET, normal_form
from lms.credential_holders import StudentTokenHolder
from lms.models import StudentClass, StudentToken

if TYPE_CHECKING:
    from redis import Redis

LENGTH = 10
CODE_SECONDS = 15 * 60
SESSION_SECONDS = 30 * 60
COOKIE_PATH = "/me/"
SALT = "own-page"
FAILURES = "own_page"  # the kind of failure, for limits of a client address (instructors.throttles)


class CodesUnavailable(Exception):
    """Redis is away: a code can be neither made nor read. Ask again soon."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whose page it is, through which class; `token_id` is that of the device that asked for the code."""

    student_id: int
    class_id: int
    token_id: int | None = None


def make_code(subject: Subject) -> str:
    """Return a new code as it is shown: `ABCDE-FGHJK`. Raises CodesUnavailable."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    value = json.dumps([subject.student_id, subject.class_id, subject.token_id])
    try:
        _redis().set(_key(code), value, ex=CODE_SECONDS)
    except (RedisError, OSError) as error:
        raise CodesUnavailable from error
    return f"{code[:5]}-{code[5:]}"


def subject_of(typed: str) -> Subject | None:
    """Return whose code it is; None for an unknown, used or expired one. Raises CodesUnavailable."""
    return _read(typed, ends=False)


def redeem(typed: str) -> Subject | None:
    """Return whose code it is, and end it, as `subject_of` does."""
    return _read(typed, ends=True)


def _read(typed: str, *, ends: bool) -> Subject | None:
    code = normal_form(typed)
    if len(code) != LENGTH:
        return None
    try:
        found = _redis().getdel(_key(code)) if ends else _redis().get(_key(code))
    except (RedisError, OSError) as error:
        raise CodesUnavailable from error
    if not isinstance(found, bytes):
        return None
    student_id, class_id, token_id = json.loads(found)
    return Subject(student_id=student_id, class_id=class_id, token_id=token_id)


def begin_session(response: HttpResponse, subject: Subject) -> None:
    response.set_signed_cookie(
        _cookie_name(),
        json.dumps([subject.student_id, subject.class_id, subject.token_id]),
        salt=SALT,
        max_age=SESSION_SECONDS,
        path=COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def end_session(response: HttpResponse) -> None:
    response.delete_cookie(_cookie_name(), path=COOKIE_PATH, samesite="Strict")


def holder_of_session(request: HttpRequest) -> StudentTokenHolder | None:
    """Return the student of the session; None without one, once it is over, when the student has left the class, or
    when the device that asked was revoked. Two queries at most."""
    value = request.get_signed_cookie(_cookie_name(), default="", salt=SALT, max_age=SESSION_SECONDS)
    if not value:
        return None
    student_id, class_id, token_id = json.loads(value)
    enrolled = StudentClass.objects.filter(student=student_id, class_ref=class_id).values_list("student__email")
    for (email,) in enrolled:
        valid = StudentToken.objects.filter(pk=token_id, student=student_id, class_ref=class_id, revoked_at=None)
        if token_id is None or valid.exclude(confirmed_at=None).exists():
            return StudentTokenHolder(token_id or 0, student_id, class_id, is_confirmed=True, email=email)
    return None


def _cookie_name() -> str:
    return f"student_{settings.COOKIE_SUFFIX}"


def _key(code: str) -> str:
    return f"own_page:{sha256(code.encode()).hexdigest()}"


@cache
def _redis() -> "Redis":
    return short_timeout_client(timeout=2)
