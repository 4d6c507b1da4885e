"""Recognize a name or an address in a text, and tell it from a part of another one.

Everything works on the normal form of `core.identity.searchable`: any case, width and composition is one form there.

Scripts with blanks (Latin, Cyrillic, Hangul from the left, katakana) have words: a name is never found inside one, so
that `taro` stays in `tarot` and `kintaro`. Scripts without blanks (kanji, hiragana, Thai) have none. There a full name
is found anywhere, but for a neighbour that makes it another's (小 before 山田太郎, 子 behind 山田花). A lone word, as
in `--also 山田`, is found only where no character of its own script touches it, but for titles and particles (山田君,
山田さん). docs/privacy.md says the same to operators.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from core.identity import email_key, label_key
from operations.privacy.characters import (
    AFTER,
    AFTER_ONE,
    BEFORE,
    BEFORE_ONE,
    PARTICLES,
    TITLES,
    are_one_word,
    is_alphabetic,
    is_word,
    path_begins,
    script,
    touches,
    word_before,
)

# --- Forms ----------------------------------------------------------------------------------------------------------

# Between two parts of a name, on one line; `\\` as line protocol escapes a blank, quotes as CSV sets its columns.
_BLANK = r"(?:\\*[ \t]){1,8}"
_COMMA = r"""\\*["']?[ ]{0,4}\\*[,、][ ]{0,4}\\*["']?"""
BETWEEN = rf"(?:{_BLANK}|{_COMMA}|[._+・=/-])"
# These may as well stand between two people: Sato Taro, Yamada Ken.
_BETWEEN_PEOPLE = re.compile(r"[,、;/=\t]|[ ]{2}")
_WORD_BEFORE, _WORD_BEHIND = re.compile(r"(\w+)[ ]\Z"), re.compile(r"[ ](\w+)")
_NO_NAMES = re.compile(
    "a|an|and|are|as|at|author|best|by|dear|dr|for|from|had|has|hello|hi|in|is|mrs?|ms|name|of|on|or|prof|regards|said"
    "|says|see|student|thanks|the|to|was|were|will|with"
)

# A name's own marks, as keyboards and editors write them.
_SAME = {"'": "['\u2018\u2019\u02bc]", "-": "[-\u2010\u2013]"}
_PARTS = re.compile(r"[\s,、;・_=]+|(?<=\w\w)\.(?=\w\w)")
_OTHER_WRITINGS = re.compile(r"[()\[\]{}<>|/【】「」『』〈〉]")  # 山田太郎 (Taro Yamada): two writings of one name
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_FILE_ENDINGS = (
    "png|jpe?g|gif|svg|webp|ipynb|csv|tsv|json|txt|pdf|py|html?|md|log|xlsx?|docx?|zip|gz|bak|tmp|checkpoints?"
)
_REST_OF_ADDRESS = re.compile(r"[a-z0-9._%+-]*@[a-z0-9-]+\.[a-z0-9]")
_ADDRESS_SO_FAR = re.compile(r"@[a-z0-9.-]*\Z")
_FILE_NAME = re.compile(rf"[^\s\"'<>|]*\.(?:{_FILE_ENDINGS})(?![a-z0-9])")
_ENDING = re.compile(rf"\.(?:{_FILE_ENDINGS})(?![a-z0-9])")
# Accounts that many machines have: /home/student says nothing of student@example.com.
_COMMON_ACCOUNTS = re.compile("user|root|admin|jovyan|ubuntu|debian|student|guest|test|runner|colab")


@dataclass(frozen=True)
class Form(ABC):
    """A way to name a person. A text must contain all `fragments`, which is checked before the pattern."""

    pattern: re.Pattern[str]
    fragments: tuple[str, ...]

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the ranges in a text in normal form where the form stands by itself."""
        position = 0
        while found := self.pattern.search(text, position):
            start, end = found.span("it")
            if self.is_whole(text, start, end):
                yield start, end
                position = end
            else:
                position = found.start() + 1

    @abstractmethod
    def is_whole(self, text: str, start: int, end: int) -> bool:
        """Return whether a match is a complete word or name, not a part of another."""


class Address(Form):
    """An e-mail address that is not a part of a longer one."""

    def is_whole(self, text: str, start: int, end: int) -> bool:
        return not (self._goes_on_before(text, start, end) or self._goes_on_behind(text, end))

    def _goes_on_before(self, text: str, start: int, end: int) -> bool:
        before = word_before(text, start)
        if is_word(before) and are_one_word(before, text[start]):
            return True
        # `first.taro@`, `first+taro@` are others; in the name of a file `-` divides, and `_` does everywhere.
        if before and before in ".+%-" and start > 1 and is_word(text[start - 2]):
            return not (before in ".-" and (_FILE_NAME.match(text, end) or path_begins(text, start)))
        return False

    def _goes_on_behind(self, text: str, end: int) -> bool:
        after, then = text[end : end + 1], text[end + 1 : end + 2]
        if is_word(after) and are_one_word(text[end - 1], after):
            return True
        if after == "." and is_word(then) and are_one_word(text[end - 1], then):
            return not _ENDING.match(text, end)
        return after == "-" and is_word(then) and not _FILE_NAME.match(text, end)


class Home(Form):
    """The home directory of an account named like the address: /home/taro, C:\\Users\\taro."""

    def is_whole(self, text: str, start: int, end: int) -> bool:
        after, then = text[end : end + 1], text[end + 1 : end + 2]
        return not (is_word(after) or after in {"_", "-", "@"} or (after == "." and is_word(then)))


@dataclass(frozen=True)
class Name(Form):
    """A name of several parts in any order, with or without separators; or a lone word."""

    is_lone: bool = False
    is_turned: bool = False  # not in the order in which it is known
    one_before: bool = False  # the family name, or what stands first, may be one character
    one_behind: bool = False

    def is_whole(self, text: str, start: int, end: int) -> bool:
        if self._is_in_address(text, start, end) or self._is_of_two_people(text, start, end):
            return False
        return not (self._goes_on_before(text, start, end) or self._goes_on_behind(text, start, end))

    def _is_in_address(self, text: str, start: int, end: int) -> bool:
        if " " in text[start:end] or not text[start:end].isascii():
            return False
        return bool(_REST_OF_ADDRESS.match(text, end) or _ADDRESS_SO_FAR.search(text[max(0, start - 255) : start]))

    def _is_of_two_people(self, text: str, start: int, end: int) -> bool:
        """Return whether a match is the end of one name and the start of the next: Sato [Taro, Yamada] Ken."""
        said = text[start:end]
        in_cjk = not (is_alphabetic(said[0]) or is_alphabetic(said[-1]))
        if self.is_lone or not (_BETWEEN_PEOPLE.search(said) or (self.is_turned and in_cjk)):
            return False
        before, behind = _WORD_BEFORE.search(text[max(0, start - 40) : start]), _WORD_BEHIND.match(text, end)
        return any(found and _may_be_name(found[1], in_cjk=in_cjk) for found in (before, behind))

    def _goes_on_before(self, text: str, start: int, end: int) -> bool:
        before, first = word_before(text, start), text[start]
        if not before:
            return False
        if touches(before, first, digits=self.is_lone):
            match script(first):
                case "han" if self._is_anywhere:
                    return before in BEFORE or (self.one_before and before in BEFORE_ONE)
                case "hiragana" | "unspaced" if self._is_anywhere:
                    return False
            return True
        hyphen = before in "-'\u2019\u2010" and start > 1 and is_alphabetic(text[start - 2]) and is_alphabetic(first)
        return hyphen and not self._is_slug(text, start, end)

    def _goes_on_behind(self, text: str, start: int, end: int) -> bool:
        after, last = text[end : end + 1], text[end - 1]
        if not after:
            return False
        if touches(after, last, digits=self.is_lone):
            if script(last) in TITLES and TITLES[script(last)].match(text, end):
                return False
            match script(last):
                case "han" if self._is_anywhere:
                    return after in AFTER or (self.one_behind and after in AFTER_ONE)
                case "hiragana" | "unspaced" | "hangul" if self._is_anywhere:
                    return False
                case "hiragana":
                    return not (end - start > 2 and PARTICLES.match(after))
            return True
        if after in "'\u2019" and re.match(r"s?(?!\w)", text[end + 1 :]):
            return False
        hyphen = after in "-'\u2019\u2010" and is_alphabetic(text[end + 1 : end + 2]) and is_alphabetic(last)
        return hyphen and not self._is_slug(text, start, end)

    @property
    def _is_anywhere(self) -> bool:
        return not self.is_lone and not self.is_turned

    def _is_slug(self, text: str, start: int, end: int) -> bool:
        """Return whether the match looks like a file name, where `-` separates words instead of joining names."""
        return not self.is_lone and bool(re.search(r"[._+-]", text[start:end]))


# --- From what is known to forms ------------------------------------------------------------------------------------


def is_address(text: str) -> bool:
    """Return whether an identity is an e-mail address. Any other one (the wire allows it) may be a word."""
    return bool(_ADDRESS.fullmatch(email_key(text)))


def address(text: str) -> Form:
    key = email_key(text)
    return Address(re.compile(f"(?P<it>{re.escape(key)})"), (key,))


def home(text: str) -> Form | None:
    """Return the form of the home directory; None for accounts that are common or too short."""
    account = email_key(text).partition("@")[0]
    if _COMMON_ACCOUNTS.fullmatch(account) or len(account) < 3:
        return None
    return Home(re.compile(rf"(?:home|users)[/\\]+(?P<it>{re.escape(account)})"), (account,))


def writings(name: str) -> list[str]:
    """Split a name in two writings, as 山田太郎 (Taro Yamada)."""
    return [found for each in _OTHER_WRITINGS.split(label_key(name)) if (found := each.strip())]


def full_name(name: str) -> list[Form]:
    """Return the forms of a full name; none if it may be a word: `May`, 高橋, さくら."""
    parts = [part for part in _PARTS.split(name) if part]
    if len(parts) == 1:
        return _undivided(parts[0])
    if sum(_weight(part) > 1 or not is_alphabetic(part[-1]) for part in parts) < 2 or len(parts) > 6:
        return []
    in_han = all(script(c) == "han" for part in parts for c in part)
    fragments = tuple({fragment for part in parts for fragment in _fragments(part)})
    return [
        Name(
            re.compile(f"(?P<it>{_ordered(parts[turn:] + parts[:turn])})"),
            fragments,
            is_turned=turn > 0,
            is_lone=in_han and sum(map(len, parts)) <= 2,  # 林 明 is in 小林明子, too
            one_before=any(len(part) == 1 for part in parts),
            one_behind=any(len(part) == 1 for part in parts),
        )
        for turn in range(len(parts))
    ]


def word(text: str) -> Form:
    """Return the form of a lone word, which matches if no character of its own script touches it."""
    key = label_key(text)
    pattern = re.escape(key).replace(r"\ ", _BLANK)
    return Name(re.compile(f"(?P<it>{pattern})"), tuple(key.split()), is_lone=True)


def called(text: str) -> list[Form]:
    """Return the forms of a text given by an operator: an address, a full name, or a word."""
    if is_address(text):
        return [address(text)]
    divided = len([part for part in _PARTS.split(label_key(text)) if part]) > 1
    in_han = sum(script(c) == "han" for c in label_key(text)) > 3  # 佐々木 is a family, 勅使河原 hardly anybody's
    return (full_name(label_key(text)) if divided or in_han else []) or [word(text)]


def is_too_short(text: str) -> bool:
    """Return whether a text has one character, or two of an alphabet, and would match in many texts."""
    letters = [c for c in label_key(text) if script(c)]
    if is_address(text):
        return False
    return len(letters) < (3 if all(script(c) in {"letter", "digit"} for c in letters) else 2)


def _undivided(part: str) -> list[Form]:
    """Return the forms of a name without separator (山田太郎, 김철수), where the family name may end anywhere."""
    scripts = {script(c) for c in part}
    if len(part) < 3 or not scripts & {"han", "hangul"} or not scripts <= {"han", "hangul", "hiragana", "katakana"}:
        return []
    halves = [(_spelled(part[:at]), _spelled(part[at:])) for at in range(1, len(part))]
    patterns = [
        "|".join([_spelled(part), *(f"{head}{BETWEEN}{tail}" for head, tail in halves)]),
        "|".join(f"{tail}{BETWEEN}{head}" for head, tail in halves),
    ]
    return [
        Name(re.compile(f"(?P<it>{pattern})"), tuple(set(part)), is_turned=bool(turn), one_before=len(part) == 3)
        for turn, pattern in enumerate(patterns)
    ]


def _ordered(parts: list[str]) -> str:
    said = _spelled(parts[0])
    for left, right in pairwise(parts):
        joined = not (is_alphabetic(left[-1]) and is_alphabetic(right[0])) or min(len(left), len(right)) > 2
        said += f"{BETWEEN}{'?' if joined else ''}{_spelled(right)}"
    return said


def _spelled(part: str) -> str:
    """Return the pattern of a part. Kanji may have blanks between them, and an initial a dot."""
    spelled = [_SAME.get(c, re.escape(c)) for c in part]
    if all(script(c) == "han" for c in part):
        return "[ ]?".join(spelled)
    return f"{spelled[0]}[.]?" if len(part) == 1 and is_alphabetic(part) else "".join(spelled)


def _fragments(part: str) -> set[str]:
    if all(script(c) == "han" for c in part):
        return set(part)
    return set(re.split("['\u2018\u2019\u02bc\u2010\u2013-]", part)) - {""}


def _weight(part: str) -> int:
    return sum(bool(script(c)) for c in part)


def _may_be_name(word: str, *, in_cjk: bool) -> bool:
    if in_cjk:
        return len(word) < 4 and all(script(c) in {"han", "katakana", "hangul"} for c in word)
    return not _NO_NAMES.fullmatch(word)
