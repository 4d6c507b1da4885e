"""Resolve client ids and channel names to students, and decide who may subscribe to a student's channels."""

import re
from dataclasses import dataclass
from typing import cast, get_args

from django.conf import settings

from core.identity import row_number
from core.login_requirement import logins_required
from lms.access import User, class_ids_of, with_email
from lms.models import Student, StudentClass
from realtime import groups
from realtime.groups import Channel

CHANNEL = re.compile(r"(progress|notifications):(\S.{0,319})", re.DOTALL)
ANY_CHANNEL = re.compile(rf"({'|'.join(get_args(Channel))}):(\S.{{0,319}})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StudentIdentity:
    """A student as a client names them, with a row or not yet.

    `spare_forms` are the forms of the given name, in addition to those of the student.
    """

    student_id: int | None = None
    email: str | None = None
    spare_forms: tuple[str, ...] = ()

    @property
    def forms(self) -> list[str]:
        """Return every form of this person's channels."""
        forms = {*self.spare_forms}
        if self.student_id is not None and self.email is not None:
            forms |= {*groups.forms_of_student(self.student_id, self.email)}
        return sorted(forms)

    @property
    def first_forms(self) -> list[str]:
        """Return the forms by which subscriptions to `progress` are tracked: one, if the student is known."""
        known = [str(self.student_id)] if self.student_id is not None else []
        return [*known, *self.spare_forms]

    def groups(self, channel: Channel) -> list[str]:
        return [f"{channel}.{form}" for form in self.forms]


def by_address(name: str) -> StudentIdentity:
    """Return the student with this e-mail, in any spelling; digits are an e-mail too. One query."""
    name = name.replace("\0", "")
    known = with_email(Student.objects.all(), name).only("email").first() if name.strip() else None
    return StudentIdentity(known.pk, known.email) if known else StudentIdentity(spare_forms=(groups.email_form(name),))


def by_number(name: str | int) -> StudentIdentity:
    """Return the student that a `student_id` means: digits are a row id; any other text is an e-mail. One query."""
    number = row_number(str(name))
    if number is None:
        return by_address(str(name))
    known = Student.objects.filter(pk=number).only("email").first()
    return StudentIdentity(known.pk, known.email) if known else StudentIdentity(spare_forms=(str(number),))


def by_either(name: str | int) -> StudentIdentity:
    """Return the student that a client id or a `user_id` means: by e-mail, else by row id. At most two queries.

    A student found by row id has the form of the e-mail as well: it may belong to a student without any event yet.
    """
    if isinstance(name, int):
        return by_number(name)
    found = by_address(name)
    if found.student_id is None and row_number(name) is not None:
        numbered = by_number(name)
        if numbered.student_id is not None:
            return StudentIdentity(numbered.student_id, numbered.email, spare_forms=found.spare_forms)
    return found


def shared_classes(user: User, student_id: int) -> list[int]:
    """Return the student's classes that this account may see. Two queries."""
    enrolled = StudentClass.objects.filter(student_id=student_id, class_ref_id__in=class_ids_of(user))
    return list(enrolled.values_list("class_ref_id", flat=True))


def channel_groups(user: User | None, person: StudentIdentity, channel: Channel) -> list[str]:
    """Return the groups of a student's channel that this account may join, or an empty list. At most two queries."""
    if not logins_required() or (user is not None and user.is_admin):
        return person.groups(channel)
    if user is None or person.student_id is None:
        return []
    through: list[int | None] = [*shared_classes(user, person.student_id)]
    if through and not settings.EVENTS_REQUIRE_KEY:
        through.append(None)  # with optional keys, instructors also receive what came without one
    return [name for class_id in through for name in groups.in_class(channel, person.forms, class_id)]


def channel_of(name: str) -> tuple[Channel, str] | None:
    """Split the name of a channel that clients may subscribe to into channel and student; None for any other name."""
    found = CHANNEL.fullmatch(name)
    return (cast(Channel, found[1]), found[2]) if found else None


def groups_of_channel(name: str) -> list[str]:
    """Return the groups of a channel named on the wire; an empty list for an unknown name. At most three queries.

    The name of a student's channel contains no class, so it stands for the channel in all of the student's classes.
    """
    if name == groups.BROADCAST:
        return [groups.BROADCAST, groups.DEVICES]
    if name in (groups.INSTRUCTORS, groups.ALL_STUDENTS):
        return [name]
    kind, _, rest = name.partition(":")
    if kind == "room" and rest:
        return [groups.room_group(rest)]
    if kind == "instructor" and (number := row_number(rest)) is not None:
        return [groups.instructor_group(number)]
    found = ANY_CHANNEL.fullmatch(name)
    if found is None:
        return []
    channel, person = cast(Channel, found[1]), by_number(found[2])
    named = person.groups(channel)
    if person.student_id is None:
        return named
    through = StudentClass.objects.filter(student_id=person.student_id).values_list("class_ref_id", flat=True)
    return named + [each for pk in through for each in groups.in_class(channel, person.forms, pk)]
