"""Tokens of students: claimed by a device, confirmed and revoked (docs/contract/http.md section 5b).

The first device that claims a student in a class is active at once. While the student has an active device there, a
further one waits until the teacher or an active device confirms it, so that a classmate who knows the class key or code
cannot speak for a student who is there already.
"""

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from core.identity import visible
from lms import bulk_get_or_create
from lms.enrolment import ListedStudent, update_students
from lms.models import StudentClass, StudentToken

# Devices of a student that may wait in a class. A further one replaces the oldest, but not one that may be looked at
# right now: otherwise anybody with the class key could push it out, and take its number.
MAX_WAITING = 10
PROTECTED = timedelta(minutes=10)
NUMBER_KEPT = timedelta(hours=1)  # for which nobody else gets the number of a device, revoked or not


class TooManyWaiting(Exception):
    """So many devices of the student wait that none can be added. `seconds`: until one can."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many devices wait")
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a device says when it asks for a token."""

    email: str  # an identity (`core.identity.is_identity`)
    name: str | None = None
    team: str | None = None
    device: str = ""
    client: str = ""


def claim(class_id: int, claimed: Claim, *, now: datetime) -> tuple[StudentToken, str]:
    """Create a token, with its student and enrolment where they are missing. Return its row and its text.

    The name and team of the claim are those of the student in the class from now on, as with an event, unless the
    device has to wait. Locks the student, so that of two claims at the same time only one is the first. Raises
    TooManyWaiting.
    """
    listed = ListedStudent(email=claimed.email, name=visible(claimed.name), team=visible(claimed.team))
    with transaction.atomic():
        # In the order of the event pipeline: teams, then students.
        teams = bulk_get_or_create.find_teams({listed.team} if listed.team else set())
        student = bulk_get_or_create.find_students([listed], teams)[listed.email]
        theirs = open_tokens(student.id, class_id)
        is_first = not theirs.exclude(confirmed_at=None).exists()
        bulk_get_or_create.enrol(student.id, class_id=class_id)
        if not is_first:
            _make_room(theirs.filter(confirmed_at=None), now=now)
        elif listed.name or listed.team:
            update_students({student.id: student}, now=now)
            _rename(student.id, class_id, name=listed.name, team_id=teams.get(listed.team or ""))
        token = secrets.token_urlsafe(32)
        row = StudentToken.objects.create(
            student_id=student.id,
            class_ref_id=class_id,
            token_hash=StudentToken.hash(token),
            hint=token[:6],
            device=claimed.device,
            client=claimed.client,
            created_at=now,
            confirmed_at=now if is_first else None,
            check_number=_check_number(student.id, class_id, now=now),
        )
    return row, token


def _rename(student_id: int, class_id: int, *, name: str | None, team_id: int | None) -> None:
    """Set the name and team of the student in the class, where they are given. One statement."""
    changes = {"name": name, "team": team_id}
    enrolment = StudentClass.objects.filter(student=student_id, class_ref=class_id)
    enrolment.update(**{column: value for column, value in changes.items() if value})


def open_tokens(student_id: int, class_id: int) -> QuerySet[StudentToken]:
    """Return the tokens of the student in the class that are not revoked, waiting ones too."""
    return StudentToken.objects.filter(student=student_id, class_ref=class_id, revoked_at=None)


def confirm(tokens: QuerySet[StudentToken], *, now: datetime) -> int:
    """Confirm those of these tokens that wait. Return how many changed. One statement."""
    return tokens.filter(confirmed_at=None, revoked_at=None).update(confirmed_at=now)


def revoke(tokens: QuerySet[StudentToken], *, now: datetime) -> int:
    """Revoke these tokens. Return how many changed. One statement.

    The event intake caches tokens for some seconds (`events.intake.class_keys`) and accepts a revoked one until then.
    """
    return tokens.filter(revoked_at=None).update(revoked_at=now)


def _make_room(waiting: QuerySet[StudentToken], *, now: datetime) -> None:
    """Revoke the oldest waiting tokens, so that one more may wait. Raises TooManyWaiting."""
    newest = list(waiting.order_by("-pk").values_list("pk", "created_at")[:MAX_WAITING])
    if len(newest) < MAX_WAITING:
        return
    free_at = newest[-1][1] + PROTECTED
    if free_at > now:
        raise TooManyWaiting(math.ceil((free_at - now).total_seconds()))
    waiting.exclude(pk__in=[pk for pk, _ in newest[:-1]]).update(revoked_at=now)


def _check_number(student_id: int, class_id: int, *, now: datetime) -> str:
    """Return two random digits that no device of the student shows or has shown lately. Of many devices, only those
    that wait count."""
    theirs = StudentToken.objects.filter(student=student_id, class_ref=class_id)
    waiting = Q(confirmed_at=None, revoked_at=None)
    for rows in (theirs.filter(Q(revoked_at=None) | Q(created_at__gt=now - NUMBER_KEPT)), theirs.filter(waiting)):
        taken = set(rows.values_list("check_number", flat=True))
        if free := [number for number in map(str, range(10, 100)) if number not in taken]:
            return secrets.choice(free)
    raise AssertionError("more devices wait than may")
