"""Build the names of the channel layer's groups.

If logins are required, a student's whole channel is for admins. Instructors receive only what came through a class of
theirs, by the group of that channel and class; so does a student's device, whose token is for one class.

On the wire a channel is `progress:{student}`, with the student's number or e-mail. The channel layer allows neither `:`
nor `@` in a name and at most 100 characters, so an e-mail is replaced by a digest. Each channel of a student therefore
has two forms, by number and by digest. A sender sends to both; a socket in both groups drops the duplicate by its key.
"""

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Literal

from core.identity import email_key

# `help`: a help request of the student was dismissed; the only channel open to a class key. Clients cannot subscribe.
Channel = Literal["client", "progress", "notifications", "help"]

ALL_STUDENTS = "dashboard"  # notices of all students; with `row_group()` their rows
DASHBOARDS = "dashboards"  # every W1 and W4, with any permissions
BROADCAST = "broadcast"
_OF_CLASS = ".class."
DEVICES = "devices"  # every W6; what is sent to it must name no student
RUNS = "runs"  # one member in each process, its fan-out: the runs of a batch in one message
INBOXES = "inboxes"  # one member in each process (`classroom.sockets.inbox_delivery`)
INSTRUCTORS = "instructors"


def row_group(name: str) -> str:
    """Return the group for the rows and last runs of a group, apart from its notices: one member in each process, its
    fan-out, hears it for all dashboards."""
    return f"rows.{name}"


def class_group(class_id: int) -> str:
    return f"class.{class_id}"


def class_students_group(class_id: int) -> str:
    """Return the group of sockets that have proved to be of a student of this class, or to have its key. What is sent
    to it must name no student."""
    return f"class.{class_id}.students"


def instructor_group(instructor_id: int) -> str:
    return f"instructor.{instructor_id}"


def room_group(room: str, *, of: str = "") -> str:
    """Return the group of a chat room, or with `of` the separate group that its named members share.

    Each part is a digest of its own, so no room name can collide with another `of`.
    """
    return f"room.{_digest(of)}.{_digest(room)}" if of else f"room.{_digest(room)}"


def connection_group(client_id: str, *, proof: str) -> str:
    """Return the group of the connections with one client id and one proof of identity."""
    return f"socket.{_digest(proof)}.{_digest(client_id)}"


def email_form(email: str) -> str:
    """Return the digest that stands for an e-mail, or any other name of a student, in a group's name.

    It never looks like a row id.
    """
    return _digest(email_key(email))


def forms_of_student(student_id: int, email: str) -> list[str]:
    return [str(student_id), email_form(email)]


def student_groups(channel: Channel, *, student_id: int, email: str, class_ids: Iterable[int | None] = ()) -> list[str]:
    """Return the groups to which a message for a student's channel is sent: both forms, whole and for each class.

    `class_ids` are the classes that the message came through; None stands for "without a class".
    """
    forms = forms_of_student(student_id, email)
    whole = [f"{channel}.{form}" for form in forms]
    return whole + [name for class_id in class_ids for name in in_class(channel, forms, class_id)]


def in_class(channel: Channel, forms: Iterable[str], class_id: int | None) -> list[str]:
    """Return the groups of the part of a student's channel that came through this class."""
    return [f"{channel}.{form}{_OF_CLASS}{'none' if class_id is None else class_id}" for form in forms]


def groups_of_student_in(channel: Channel, forms: Iterable[str], *, among: Collection[str]) -> list[str]:
    """Return those of the groups `among` that belong to a student's channel, whole or for a class."""
    whole = {f"{channel}.{form}" for form in forms}
    return [name for name in among if name.partition(_OF_CLASS)[0] in whole]


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:32]
