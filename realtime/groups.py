"""The names of the groups: who hears what.

Where people have to log in, a student's channel is heard whole by the student (once they can prove who they are) and by
admins. Whoever teaches the student hears of it what came through a class of theirs, in a group of that class.

On the wire a channel is `progress:{student}`, where the student stands by number or by e-mail; in the channel layer a
name may hold neither `:` nor `@` and at most 100 characters, so that a person's text becomes a digest here. A student
has two forms of every channel. Whoever sends uses both; a socket in both hears a frame once, by its key.
"""

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Literal

from core.identity import email_key

# `help`: that a request of the student for help was dismissed; all that a class key lets hear. No client names it.
Channel = Literal["client", "progress", "notifications", "help"]

ALL_STUDENTS = "dashboard"  # rows and notices of everybody
DASHBOARDS = "dashboards"  # every W1 and W4, whatever they may see
BROADCAST = "broadcast"
_OF_CLASS = ".class."
RUNS = "runs"  # one member a process, its hub: the runs of a batch in one message
INSTRUCTORS = "instructors"


def class_group(class_id: int) -> str:
    return f"class.{class_id}"


def instructor_group(instructor_id: int) -> str:
    return f"instructor.{instructor_id}"


def room_group(room: str, *, of: str = "") -> str:
    """The room of that name; with `of`, of those alone whom it names. No name of a room reaches another's: each part is
    a digest of its own."""
    return f"room.{_digest(of)}.{_digest(room)}" if of else f"room.{_digest(room)}"


def connection_group(client_id: str, *, proof: str) -> str:
    """The connections under one client id of one who proved to be the same."""
    return f"socket.{_digest(proof)}.{_digest(client_id)}"


def client_group(email: str) -> str:
    return f"client.{email_form(email)}"


def notifications_group(student_id: int) -> str:
    return f"notifications.{student_id}"


def email_form(email: str) -> str:
    """How an address, or any other text that somebody calls a student by, stands in a group's name: never as a number,
    which is that of a row."""
    return _digest(email_key(email))


def forms_of_student(student_id: int, email: str) -> list[str]:
    return [str(student_id), email_form(email)]


def student_groups(channel: Channel, *, student_id: int, email: str, class_ids: Iterable[int | None] = ()) -> list[str]:
    """Both forms of a student's channel, for whoever sends; with the classes that it came through, or None for what
    came through none."""
    forms = forms_of_student(student_id, email)
    whole = [f"{channel}.{form}" for form in forms]
    return whole + [name for class_id in class_ids for name in in_class(channel, forms, class_id)]


def in_class(channel: Channel, forms: Iterable[str], class_id: int | None) -> list[str]:
    """What of a student's channel came through this class."""
    return [f"{channel}.{form}{_OF_CLASS}{'none' if class_id is None else class_id}" for form in forms]


def groups_of_student_in(channel: Channel, forms: Iterable[str], *, among: Collection[str]) -> list[str]:
    """The groups among these in which a student's channel is heard, whole or of a class."""
    whole = {f"{channel}.{form}" for form in forms}
    return [name for name in among if name.partition(_OF_CLASS)[0] in whole]


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:32]
