"""The person to search for: all spellings of the address, all names, and further texts that the operator gives.

Names of other known people that contain one of these are not matched.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.identity import email_key, label_key, row_number, visible
from instructors.models import Instructor
from lms.models import Student, StudentAddress
from operations.privacy import names, tables
from operations.privacy.matching import Matcher
from operations.privacy.names import Form


class BadText(ValueError):
    """An argument identifies no person or cannot be searched for; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """`student_ids` and `called` are empty if only traces are left, after an interrupted erasure."""

    email: str
    matcher: Matcher
    student_ids: tuple[int, ...] = ()
    spellings: frozenset[str] = frozenset()  # of the addresses, as written in rows
    former: tuple[str, ...] = ()  # addresses that were the person's, as written in rows
    called: tuple[str, ...] = ()  # the names that the person's own rows have
    also: tuple[str, ...] = ()
    shared_names: tuple[str, ...] = ()  # those of `called` that another person has too
    words: tuple[str, ...] = ()  # those of `called` that may be an ordinary word
    within: tuple[str, ...] = ()  # names and addresses of others that contain one of these
    # The replacement, the same for all traces of one erasure.
    pseudonym: str = field(default_factory=lambda: f"forgotten-{secrets.token_hex(4)}")

    @property
    def key(self) -> str:
        return email_key(self.email)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all addresses, former ones too."""
        return frozenset({self.key, *map(email_key, self.former)})

    def is_called(self, identity: str) -> bool:
        """Return whether this is an address of the person, or was, in any spelling."""
        return email_key(identity) in self.keys

    def cut(self, text: str) -> str:
        return self.matcher.cut(text, instead=self.pseudonym)


def address_meant(text: str | None, *, number: int | None) -> str:
    """Return the address that an operator means: the text itself, or that of the student with this number (`--id`).

    At most two queries. Raises BadText if both or neither are given, for an unknown number, and for a text that is the
    address of one student and the number of another.
    """
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
    """Return a hint if a text that is no student's address is a student's number; else "". At most one query."""
    numbered = _numbered(text)
    return f" Student {numbered.pk} is {numbered.email}: for that one say --id {numbered.pk}." if numbered else ""


def _numbered(text: str) -> Student | None:
    number = row_number(text)
    return Student.objects.filter(pk=number).first() if number is not None else None


def find_person(email: str, *, also: Iterable[str] = ()) -> Person:
    """Return the person with this address in any spelling, with or without rows of students.

    Reads every address once. Raises BadText.
    """
    also = tuple(also)
    if not email_key(email):
        raise BadText("Whose address? Give one that can be seen.")
    key = _present_key(email_key(email))
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
    former = list(StudentAddress.objects.filter(student__in=ids).order_by("pk").values_list("email", flat=True))
    called = {label_key(name): name.strip() for name in [*(name for _, _, name in mine), *tables.names_in_rows(ids)]}
    found = _Known(others, tables.readings_of_others(ids))
    forms, whole_values = _of_address(key, found)
    for address in former:
        more, whole = _of_address(email_key(address), found)
        forms, whole_values = forms + more, whole_values | whole
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
    for number in map(label_key, tables.numbers_in_rows(ids)):
        # 24012345 is a person's; 12 and 2024 are anything.
        if len(number) > (5 if number.isdecimal() else 4) and re.search(r"\d", number):
            forms.append(names.word(number))
            whole_values.add(number)
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
        spellings=frozenset(
            {email.strip(), key, *(address for _, address, _ in mine), *former, *map(email_key, former)}
        ),
        former=tuple(former),
        called=tuple(filter(visible, called.values())),
        also=also,
        shared_names=tuple(shared),
        words=tuple(words),
        within=tuple(within),
    )


def _present_key(key: str) -> str:
    """Return the key of the present address of the student who had this one; else the key itself. One query."""
    found = StudentAddress.objects.filter(email_key=key).values_list("student__email_key", flat=True).first()
    return found or key


class _Known:
    """The names and addresses of all other people."""

    def __init__(self, others: list[tuple[int, str, str]], readings: list[str]) -> None:
        called = [*(name for _, _, name in others), *readings]
        self.texts = {text for text in [*called, *(address for _, address, _ in others)] if visible(text)}
        self.names = {label_key(name) for name in called} - {""}
        self.addresses = {email_key(address) for _, address, _ in others}
        self.accounts = {address.partition("@")[0] for address in self.addresses}

    def has(self, name: str, forms: list[Form]) -> bool:
        """Return whether another person has this name in any writing. 佐々木 alone is also the name of 佐々木 希."""
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
        # s2401234 is unique; `print` is a word.
        return ([names.word(key)], {key}) if len(key) > 4 and re.search(r"\d", key) else ([], {key})
    home = names.home(key)
    shared = key.partition("@")[0] in found.accounts
    return [names.address(key), *([home] if home and not shared else [])], set()


def _of_name(name: str) -> tuple[list[Form], set[str]]:
    """Return the forms of a name inside texts; and, if it may be a word, the name as a whole value instead."""
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
