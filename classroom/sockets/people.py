"""Who a client id or the name of a channel means, and who may listen to it."""

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
class Person:
    """A student as a client names them, known to us or not yet. `spare_forms` are of what they were called by, beside
    those of the student."""

    student_id: int | None = None
    email: str | None = None
    spare_forms: tuple[str, ...] = ()

    @property
    def forms(self) -> list[str]:
        """Every form of this person's channels."""
        forms = {*self.spare_forms}
        if self.student_id is not None and self.email is not None:
            forms |= {*groups.forms_of_student(self.student_id, self.email)}
        return sorted(forms)

    @property
    def first_forms(self) -> list[str]:
        """The forms under which a flood of notices is worth sending: one, where the student is known."""
        known = [str(self.student_id)] if self.student_id is not None else []
        return [*known, *self.spare_forms]

    def groups(self, channel: Channel) -> list[str]:
        return [f"{channel}.{form}" for form in self.forms]


def by_address(called: str) -> Person:
    """The student of this address, however it is spelt, were it a number. One query."""
    called = called.replace("\0", "")
    known = with_email(Student.objects.all(), called).only("email").first() if called.strip() else None
    return Person(known.pk, known.email) if known else Person(spare_forms=(groups.email_form(called),))


def by_number(called: str | int) -> Person:
    """The student whom a `student_id` means: digits are the number of a row and never an address; any other text is an
    address. One query."""
    number = row_number(str(called))
    if number is None:
        return by_address(str(called))
    known = Student.objects.filter(pk=number).only("email").first()
    return Person(known.pk, known.email) if known else Person(spare_forms=(str(number),))


def by_either(called: str | int) -> Person:
    """The student whom a client's id or a `user_id` means: it is an address; a number of a row only where no student
    has that address. Such a client hears the address as well: it may be that of a student who has done nothing yet.
    At most two queries."""
    if isinstance(called, int):
        return by_number(called)
    found = by_address(called)
    if found.student_id is None and row_number(called) is not None:
        numbered = by_number(called)
        if numbered.student_id is not None:
            return Person(numbered.student_id, numbered.email, spare_forms=found.spare_forms)
    return found


def shared_classes(user: User, student_id: int) -> list[int]:
    """The classes of the student that this account may see. Two queries."""
    enrolled = StudentClass.objects.filter(student_id=student_id, class_ref_id__in=class_ids_of(user))
    return list(enrolled.values_list("class_ref_id", flat=True))


def channel_groups(user: User | None, person: Person, channel: Channel) -> list[str]:
    """The groups in which this account may hear a student's channel; none where it may not. At most two queries."""
    if not logins_required() or (user is not None and user.is_admin):
        return person.groups(channel)
    if user is None or person.student_id is None:
        return []
    through: list[int | None] = [*shared_classes(user, person.student_id)]
    if through and not settings.EVENTS_REQUIRE_KEY:
        through.append(None)  # where no key is asked for, what came without one is the teachers' too
    return [name for class_id in through for name in groups.in_class(channel, person.forms, class_id)]


def channel_of(name: str) -> tuple[Channel, str] | None:
    """A channel that a client may subscribe to, and whose it is; None for any other name."""
    found = CHANNEL.fullmatch(name)
    return (cast(Channel, found[1]), found[2]) if found else None


def groups_of_channel(name: str) -> list[str]:
    """The groups that a channel named on the wire stands for; none where nobody knows it. Whoever names
    a student's channel says no class: all of the student's may hear. At most three queries."""
    if name in (groups.BROADCAST, groups.INSTRUCTORS, groups.ALL_STUDENTS):
        return [name]
    kind, _, rest = name.partition(":")
    if kind == "room" and rest:
        return [groups.room_group(rest)]
    if kind == "instructor" and rest.isascii() and rest.isdigit():
        return [f"instructor.{int(rest)}"]
    found = ANY_CHANNEL.fullmatch(name)
    if found is None:
        return []
    channel, person = cast(Channel, found[1]), by_number(found[2])
    named = person.groups(channel)
    if person.student_id is None:
        return named
    through = StudentClass.objects.filter(student_id=person.student_id).values_list("class_ref_id", flat=True)
    return named + [each for pk in through for each in groups.in_class(channel, person.forms, pk)]
