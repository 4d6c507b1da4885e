"""Whose traces are looked for: the address, the name, and what else the operator knows the person to be called."""

import json
import re
import secrets
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Value
from django.db.models.functions import Lower

from lms.access import with_email
from lms.identity import email_key
from lms.models import Student

# What may stand neither before nor after: else it is a longer address, of somebody else (`…@example.com.au`). A file
# may be called after an address.
BEFORE = r"(?<![[:alnum:]._%+-])"
AFTER = r"(?![[:alnum:]-]|\.(?!(?:png|jpe?g|webp|ipynb|csv|json|txt|pdf)\M)[[:alnum:]])"


class Unknown(LookupError):
    """Nobody has this address."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """`student_id` and `name` are empty where only traces are left, after an interrupted erasure."""

    email: str
    student_id: int | None = None
    name: str = ""
    also: tuple[str, ...] = ()
    # What stands in their place: it says that somebody was here, and is the same for all traces of one erasure.
    pseudonym: str = field(default_factory=lambda: f"forgotten-{secrets.token_hex(4)}")

    @property
    def forms(self) -> list[str]:
        """How rows without a reference name the person: the key of the address, and the number."""
        return [email_key(self.email), *([str(self.student_id)] if self.student_id is not None else [])]

    @cached_property
    def is_address(self) -> bool:
        """An e-mail address means one person wherever it stands. Any other text (the wire allows it) may be a word."""
        return bool(re.fullmatch(r"[^@\s]+@[^@\s]+", self.email))

    @cached_property
    def has_telling_name(self) -> bool:
        """A name of two words is replaced inside texts; one word (`Max`, `May`) only where it is the whole value. Not
        at all where another student has the same."""
        return bool(self.name) and (len(self.name.split()) > 1 or (not self.name.isascii() and len(self.name) > 2))

    @cached_property
    def has_own_name(self) -> bool:
        others = Student.objects.alias(key=Lower("name")).filter(key=Lower(Value(self.name)))
        return bool(self.name) and not others.exclude(pk=self.student_id or 0).exists()

    def patterns(self, *, in_json: bool) -> list[tuple[str, str]]:
        """PostgreSQL expressions of what to replace inside a text, with their flags."""
        found = [(f"{BEFORE}{_literal(self.email, in_json)}{AFTER}", "gi")] if self.is_address else []
        words = [*self.also, *([self.name] if self.has_telling_name and self.has_own_name else [])]
        return found + [(_bounded(word, in_json), "g") for word in words if word.strip()]

    @cached_property
    def whole_values(self) -> list[str]:
        """What is replaced only where a column, or a string of a JSON value, holds nothing else."""
        short = [] if self.is_address else [self.email]
        if self.name and not self.has_telling_name and self.has_own_name:
            short.append(self.name)
        return short

    @property
    def needles(self) -> list[str]:
        """What must not be found in keys and values of Redis, in lower case."""
        words = [self.email] if self.is_address else []
        words += [*self.also, *([self.name] if self.has_telling_name and self.has_own_name else [])]
        return [word.lower() for word in words if word.strip()]

    def is_named_in(self, text: str) -> bool:
        lowered = text.lower()
        return any(needle in lowered or _escaped(needle) in lowered for needle in self.needles)


def find_person(email: str, *, also: tuple[str, ...] = ()) -> Person:
    """The student of this address, however it is spelt. Raises Unknown. One query."""
    student = with_email(Student.objects.all(), email).first()
    if student is None:
        raise Unknown(email)
    return Person(email=student.email, student_id=student.pk, name=(student.name or "").strip(), also=also)


def _escaped(word: str) -> str:
    """As JSON writes it where it writes ASCII only."""
    return json.dumps(word)[1:-1].lower()


def _literal(word: str, in_json: bool) -> str:
    return re.escape(json.dumps(word, ensure_ascii=False)[1:-1] if in_json else word)


def _bounded(word: str, in_json: bool) -> str:
    """The word, not as a part of a longer one where its script has words."""
    left = r"\m" if re.match(r"[A-Za-z0-9]", word) else ""
    right = r"\M" if re.search(r"[A-Za-z0-9]$", word) else ""
    return f"{left}{_literal(word, in_json)}{right}"
