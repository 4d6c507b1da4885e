"""Whose traces are looked for: every spelling of the address, every name, and what else the operator says the person is
called; and who else is known, whose names stay.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.identity import email_key, label_key, row_number, visible
from instructors.models import Instructor
from lms.models import Student
from operations.privacy import names, tables
from operations.privacy.matching import Matcher
from operations.privacy.names import Form


class BadText(ValueError):
    """What a command was told means nobody, or cannot be looked for; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """`student_ids` and `called` are empty where only traces are left, after an interrupted erasure."""

    email: str
    matcher: Matcher
    student_ids: tuple[int, ...] = ()
    spellings: frozenset[str] = frozenset()  # of the address, as it stands in rows
    called: tuple[str, ...] = ()  # the names that the person's own rows have
    also: tuple[str, ...] = ()
    shared_names: tuple[str, ...] = ()  # of these, those that somebody else has too
    words: tuple[str, ...] = ()  # and those that may be a word
    within: tuple[str, ...] = ()  # names and addresses of others which hold one of these, and stay
    # What stands in their place: it says that somebody was here, and is the same for all traces of one erasure.
    pseudonym: str = field(default_factory=lambda: f"forgotten-{secrets.token_hex(4)}")

    @property
    def key(self) -> str:
        return email_key(self.email)

    def is_called(self, identity: str) -> bool:
        """Whether this is the person's address, however it is spelled."""
        return email_key(identity) == self.key

    def cut(self, text: str) -> str:
        return self.matcher.cut(text, instead=self.pseudonym)


def address_meant(text: str | None, *, number: int | None) -> str:
    """The address that an operator means: the text itself, or that of the student of this number (`--id`). At most two
    queries. Raises BadText where both or neither are given, for a number of nobody, and for a text that is the address
    of one student and the number of another."""
    if (text is None) is (number is None):
        raise BadText("Whose? Give an address, or the number of a student with --id.")
    if number is not None:
        found = _numbered(str(number))
        if found is None:
            raise BadText(f"No student has the number {number}.")
        return found.email
    assert text is not None
    numbered = _numbered(text)
    addressed = Student.objects.filter(email_key=email_key(text)).first() if numbered else None
    if numbered and addressed and numbered != addressed:
        raise BadText(
            f"{text.strip()} is the address of student {addressed.pk} and the number of {numbered.email}: "
            f"say which, with --id {addressed.pk} or --id {numbered.pk}."
        )
    return text


def hint_of_number(text: str) -> str:
    """What to say beside "no student has this address" where it is the number of one; else "". At most one query."""
    numbered = _numbered(text)
    return f" Student {numbered.pk} is {numbered.email}: for that one say --id {numbered.pk}." if numbered else ""


def _numbered(text: str) -> Student | None:
    number = row_number(text)
    return Student.objects.filter(pk=number).first() if number is not None else None


def find_person(email: str, *, also: Iterable[str] = ()) -> Person:
    """All students of this address, whatever the spelling; without any, whoever left traces. Reads every address once.
    Raises BadText."""
    also = tuple(also)
    if not email_key(email):
        raise BadText("Whose address? Give one that can be seen.")
    key = email_key(email)
    mine: list[tuple[int, str, str]] = []
    others: list[tuple[int, str, str]] = []
    for pk, address, name in Student.objects.order_by("pk").values_list("pk", "email", "name").iterator():
        (mine if email_key(address) == key else others).append((pk, address, name or ""))
    others += [
        (0, address, name)
        for address, name in Instructor.objects.values_list("email", "name")
        if email_key(address) != key
    ]
    _refuse_unusable(also)
    ids = tuple(pk for pk, _, _ in mine)
    called = {label_key(name): name.strip() for name in [*(name for _, _, name in mine), *tables.names_in_rows(ids)]}
    found = _Known(others)
    forms, whole_values = _of_address(key, found)
    shared, words = [], []
    for name in filter(visible, called.values()):
        in_texts, whole = _of_name(name)
        if not in_texts:
            words.append(name)
        if found.has(name, in_texts):
            shared.append(name)
        else:
            forms += in_texts
            whole_values |= whole
    for text in also:
        in_texts = names.called(text)
        if label_key(text) in found.names or email_key(text) in found.addresses:
            raise BadText(f"Somebody else is called {text!r}, so it cannot be replaced: leave it out.")
        forms += in_texts
    within = found.holding(forms)
    return Person(
        email=mine[0][1] if mine else email.strip(),
        matcher=Matcher(
            forms=forms,
            spared=[form for text in within for form in _whole(text)],
            whole_values=frozenset(whole_values),
        ),
        student_ids=ids,
        spellings=frozenset({email.strip(), key, *(address for _, address, _ in mine)}),
        called=tuple(filter(visible, called.values())),
        also=also,
        shared_names=tuple(shared),
        words=tuple(words),
        within=tuple(within),
    )


class _Known:
    """Everybody else: by whole names and addresses, and by parts of them."""

    def __init__(self, others: list[tuple[int, str, str]]) -> None:
        self.texts = {text for _, address, name in others for text in (address, name) if visible(text)}
        self.names = {label_key(name) for _, _, name in others} - {""}
        self.addresses = {email_key(address) for _, address, _ in others}
        self.accounts = {address.partition("@")[0] for address in self.addresses}

    def has(self, name: str, forms: list[Form]) -> bool:
        """Whether somebody else has this name, in any of its writings. 佐々木 alone is also the name of 佐々木 希."""
        if label_key(name) in self.names:
            return True
        matcher, divided = Matcher(forms=forms), len(label_key(name).split()) > 1
        return any(
            spans and (not divided or (spans[0][0] == 0 and spans[-1][1] == len(text)))
            for text in self.names
            if (spans := matcher.spans(text))
        )

    def holding(self, forms: list[Form]) -> list[str]:
        matcher = Matcher(forms=forms)
        return sorted(text for text in self.texts if matcher.spans(text))


def _of_address(key: str, found: _Known) -> tuple[list[Form], set[str]]:
    if not names.is_address(key):
        # s2401234 is nobody else's; `print` is a word.
        return ([names.word(key)], {key}) if len(key) > 4 and re.search(r"\d", key) else ([], {key})
    home = names.home(key)
    shared = key.partition("@")[0] in found.accounts
    return [names.address(key), *([home] if home and not shared else [])], set()


def _of_name(name: str) -> tuple[list[Form], set[str]]:
    """How it is found inside texts; and, where it may be a word, as a whole value."""
    forms = [form for writing in names.writings(name) for form in names.full_name(writing)]
    return forms, set() if forms else {label_key(name)}


def _whole(text: str) -> list[Form]:
    if names.is_address(text):
        return [names.address(text)]
    return [form for writing in names.writings(text) for form in names.full_name(writing)] or [names.word(text)]


def _refuse_unusable(also: tuple[str, ...]) -> None:
    for text in also:
        if not visible(text):
            raise BadText("--also needs a text that can be seen.")
        if names.is_too_short(text):
            raise BadText(
                f"--also {text!r} is too short: it would be found in texts that mean somebody or something else. Give "
                "two characters at least, three of letters and digits, or the name in full."
            )
