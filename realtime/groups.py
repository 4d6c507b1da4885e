"""The names of the groups: who hears what.

On the wire a channel is `progress:{student}`, where the student stands by number or by e-mail; in the channel layer a
name may hold neither `:` nor `@` and at most 100 characters, so that a person's text becomes a digest here. A student
has two forms of every channel. Whoever sends uses both; a socket in both hears a frame once, by its key.
"""

from hashlib import sha256
from typing import Literal

from lms.identity import email_key

Channel = Literal["client", "progress", "notifications"]

ALL_STUDENTS = "dashboard"  # rows and notices of everybody
DASHBOARDS = "dashboards"  # every W1 and W4, whatever they may see
BROADCAST = "broadcast"
RUNS = "runs"  # one member a process, its hub: the runs of a batch in one message
INSTRUCTORS = "instructors"


def class_group(class_id: int) -> str:
    return f"class.{class_id}"


def instructor_group(instructor_id: int) -> str:
    return f"instructor.{instructor_id}"


def room_group(room: str) -> str:
    return f"room.{_digest(room)}"


def client_group(email: str) -> str:
    return f"client.{email_form(email)}"


def notifications_group(student_id: int) -> str:
    return f"notifications.{student_id}"


def email_form(email: str) -> str:
    """How an address, or any other text that somebody calls a student by, stands in a group's name."""
    return _digest(email_key(email))


def forms_of_text(text: str) -> list[str]:
    """The forms that a student is meant by when called by this text: the text itself, and a number as a row id."""
    number = str(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    return [email_form(text), number] if number else [email_form(text)]


def forms_of_student(student_id: int, email: str) -> list[str]:
    return [str(student_id), email_form(email)]


def student_groups(channel: Channel, *, student_id: int, email: str) -> list[str]:
    """Both forms of a student's channel, for whoever sends."""
    return [f"{channel}.{form}" for form in forms_of_student(student_id, email)]


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:32]
