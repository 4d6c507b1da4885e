"""Who a client id or the name of a channel means, and who may listen to it."""

import re
from dataclasses import dataclass
from typing import cast, get_args

from django.db.models import Value
from django.db.models.functions import Lower

from lms.access import User, students_of
from lms.logins import logins_required
from lms.models import Student
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
    """The student of this number or address, without regard to case. At most two queries."""
    called = called.strip().replace("\0", "")
    known = None
    if called.isascii() and called.isdigit() and len(called) < 19:
        known = Student.objects.filter(pk=int(called)).only("email").first()
    if known is None and called:
        # The expression of the unique index; `iexact` would read the whole table.
        known = Student.objects.alias(key=Lower("email")).filter(key=Lower(Value(called))).only("email").first()
    return Person(called, known.pk, known.email) if known else Person(called)


def may_hear(user: User | None, person: Person) -> bool:
    """Whether a dashboard of this account may listen to this student. One query where that is not obvious."""
    if not logins_required():
        return True
    if user is None or person.student_id is None:
        return user is not None and user.is_admin
    return user.is_admin or students_of(user).filter(pk=person.student_id).exists()


def channel_of(name: str) -> tuple[Channel, str] | None:
    """A channel that a client may subscribe to, and whose it is; None for any other name."""
    found = CHANNEL.fullmatch(name)
    return (cast(Channel, found[1]), found[2]) if found else None


def groups_of_channel(name: str) -> list[str]:
    """The groups that a channel named on the wire stands for; none where nobody knows it. At most two queries."""
    if name in (groups.BROADCAST, groups.INSTRUCTORS, groups.ALL_STUDENTS):
        return [name]
    kind, _, rest = name.partition(":")
    if kind == "room" and rest:
        return [groups.room_group(rest)]
    if kind == "instructor" and rest.isascii() and rest.isdigit():
        return [f"instructor.{int(rest)}"]
    found = ANY_CHANNEL.fullmatch(name)
    return find_person(found[2]).groups(cast(Channel, found[1])) if found else []
