"""Who a client id or the name of a channel means, and who may listen to it."""

import re
from dataclasses import dataclass
from typing import cast, get_args

from django.conf import settings

from lms.access import User, class_ids_of, with_email
from lms.logins import logins_required
from lms.models import Student, StudentClass
from realtime import groups
from realtime.groups import Channel

CHANNEL = re.compile(r"(progress|notifications):(\S.{0,319})", re.DOTALL)
ANY_CHANNEL = re.compile(rf"({'|'.join(get_args(Channel))}):(\S.{{0,319}})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Person:
    """A student as a client names them: by address or number, known to us or not yet."""

    called: str
    student_id: int | None = None
    email: str | None = None

    @property
    def forms(self) -> list[str]:
        """Every form of this person's channels."""
        forms = groups.forms_of_text(self.called)
        if self.student_id is not None and self.email is not None:
            forms += groups.forms_of_student(self.student_id, self.email)
        return sorted(set(forms))

    @property
    def first_forms(self) -> list[str]:
        """The forms under which a flood of notices is worth sending: one, where the student is known."""
        return [str(self.student_id)] if self.student_id is not None else groups.forms_of_text(self.called)

    def groups(self, channel: Channel) -> list[str]:
        return [f"{channel}.{form}" for form in self.forms]


def find_person(called: str) -> Person:
    """The student of this number or address, however it is spelt. At most two queries."""
    called = called.strip().replace("\0", "")
    known = None
    if called.isascii() and called.isdigit() and len(called) < 19:
        known = Student.objects.filter(pk=int(called)).only("email").first()
    if known is None and called:
        known = with_email(Student.objects.all(), called).only("email").first()
    return Person(called, known.pk, known.email) if known else Person(called)


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
    channel, person = cast(Channel, found[1]), find_person(found[2])
    named = person.groups(channel)
    if person.student_id is None:
        return named
    through = StudentClass.objects.filter(student_id=person.student_id).values_list("class_ref_id", flat=True)
    return named + [each for pk in through for each in groups.in_class(channel, person.forms, pk)]
