"""Which errors are the same mistake. Pure functions.

`fingerprint` compares students: of two with one mistake, one sees `name 'prcie' is not defined`, the other `name
'pirce' is not defined`. It removes what differs from the message: quoted texts, numbers, addresses, paths, lines. The
text may be a bare `Name: message`, a traceback of Python or IPython with colour codes, any text, or nothing.

`error_signature` compares the errors of one student, where another misspelled name is another mistake.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256

from classroom.base.ansi import plain

# `(859882524.py, line 3)`, `(<ipython-input-3-0a1b>, line 1)`
PLACE = re.compile(r"\s*\((?:<[^<>()]{0,80}>|[^\s(),]{1,80}), line \d+\)")
ADDRESS = re.compile(r"\b0x[0-9A-Fa-f]+")

# Of a longer text only the beginning and the end are used: one of them contains the error.
MAX_HEAD_LENGTH, MAX_TAIL_LENGTH = 1_000, 3_000
MAX_PATTERN_LENGTH, MAX_LINE_LENGTH = 200, 300  # characters
MAX_SIGNATURE = 200

# An exception as Python writes it: `module.Name: message`, or the name alone.
RAISED = re.compile(r"(?:[^\W\d]\w*\.)*(?P<name>[^\W\d]\w*)(?::[^\S\n]*(?P<message>.*))?[^\S\n]*$")
SUFFIXES = ("Error", "Exception", "Warning", "Interrupt", "Exit", "Iteration", "Timeout")
TRACEBACK = re.compile(
    r"^(?:Traceback \(most recent call last\)|-{20,}|[^\S\n]*(?:Cell In|Input In|File) ?[\[\"<].*)", re.M
)

VARYING = (
    # Where it was, also as `(detected at line 1)`.
    (PLACE, ""),
    (re.compile(r"\s*\(detected at line \d+\)"), ""),
    # The suggestions of newer Pythons depend on the mistyped name.
    (re.compile(r"\.?\s*(?:Did you mean|Did you forget|Or did you forget|Maybe you meant|Perhaps you)\b.*"), ""),
    (re.compile(r"\b(?:https?|ftp|s3|file)://[^\s'\"]+"), "…"),
    # Quoted texts. An apostrophe inside a word (can't) is no quote; letters of other scripts may touch a quote.
    (re.compile(r"(?<![A-Za-z0-9_])[bfru]{0,2}'(?:[^'\\\n]|\\.)*'(?![A-Za-z0-9_])"), "…"),
    (re.compile(r"(?<![A-Za-z0-9_])[bfru]{0,2}\"(?:[^\"\\\n]|\\.)*\""), "…"),
    (re.compile(r"`[^`\n]*`|「[^「」\n]*」|『[^『』\n]*』|“[^“”\n]*”|‘[^‘’\n]*’"), "…"),
    # Paths: of Windows, absolute, relative.
    (re.compile(r"(?<!\w)[A-Za-z]:[\\/][^\s:*?\"<>|,;()]*"), "…"),
    (re.compile(r"(?:(?<![\w/])[~.]{0,2}/)?[\w.\-]+(?:[/\\][\w.\-]+)+[/\\]?|(?<![\w/])[~.]{0,2}/[\w.\-]+"), "…"),
    (ADDRESS, "#"),
    # Ids of any length: hexadecimal with a digit in it.
    (re.compile(r"\b(?=[0-9a-f-]*\d)[0-9a-f]{8,64}(?:-[0-9a-f]{4,32}){0,4}\b"), "#"),
    (re.compile(r"(?<![A-Za-z0-9_#…])[-+]?\d+(?:[.,_]\d+)*(?:[eE][-+]?\d+)?"), "#"),
    (re.compile(r"#(?:\s*,\s*#)*,?(?=\s*[)\]}])"), "#"),  # a shape or a list, however long
    (re.compile(r"\s+"), " "),
)


NUMBER = re.compile(r"\d+")
NAME = re.compile(r"[A-Za-z_][\w.]{0,60}")


@dataclass(frozen=True)
class Fingerprint:
    name: str  # of the exception without its module; "" where the text has none
    pattern: str
    line: str  # the error in one line, as the student sees it, without its place

    @property
    def text(self) -> str:
        """The error without the student's own values: `KeyError: …`."""
        return f"{self.name}: {self.pattern}" if self.name and self.pattern else self.name or self.pattern

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits: the same for the same mistake."""
        return sha256(f"{self.name}\n{self.pattern}".encode(errors="replace")).hexdigest()[:16]


def fingerprint(text: str | None) -> Fingerprint:
    """Return the fingerprint of an error text. Never raises; takes linear time."""
    plain = _plain(text or "")
    name, message = _raised(plain)
    line = f"{name}: {message}" if name and message else name or message
    return Fingerprint(name[:100], _pattern(message), without_place(line[:MAX_LINE_LENGTH]))


def without_place(line: str) -> str:
    """Return the line of an error without `(859882524.py, line 3)`: IPython makes up a file for each run."""
    return PLACE.sub("", line).strip()


def _plain(text: str) -> str:
    if len(text) > MAX_HEAD_LENGTH + MAX_TAIL_LENGTH:
        text = f"{text[:MAX_HEAD_LENGTH]}\n{text[-MAX_TAIL_LENGTH:]}"
    return _clean(text)


def _raised(plain: str) -> tuple[str, str]:
    """Return the exception's name and the first line of its message.

    A traceback ends with the exception, so the last line that names one is used. A bare message begins with it.
    """
    lines = plain.split("\n")
    if TRACEBACK.search(plain):
        lines.reverse()
        return next(filter(None, map(_named, lines)), None) or _titled(lines[0]) or ("", lines[0].strip())
    found = _named(lines[0]) or _titled(lines[0])
    if found is None:
        return "", lines[0].strip()
    name, message = found
    return name, message or (lines[1].strip() if len(lines) > 1 else "")


def _named(line: str) -> tuple[str, str] | None:
    """Return name and message if the line begins with the name of an exception."""
    found = RAISED.match(line)
    if found is None or not found["name"].endswith(SUFFIXES):
        return None
    return found["name"], (found["message"] or "").strip()


def _titled(line: str) -> tuple[str, str] | None:
    """Return name and message for exceptions with unusual names: `Problem: message`."""
    found = RAISED.match(line)
    if found is None or not found["message"] or not found["name"][0].isupper():
        return None
    return found["name"], found["message"].strip()


def _pattern(message: str) -> str:
    message = message[: MAX_LINE_LENGTH * 2]
    for varying, instead in VARYING:
        message = varying.sub(instead, message)
    return message.strip(" .,:;")[:MAX_PATTERN_LENGTH]


@lru_cache(maxsize=4096)
def error_signature(message: str | None) -> str:
    """Return the text by which repeated errors of one student are compared: positions, addresses and numbers removed.

    Unlike in a fingerprint, quoted names stay: another misspelled name is another mistake.
    """
    text = _clean(message)[:MAX_SIGNATURE]
    return NUMBER.sub("0", ADDRESS.sub("0x", PLACE.sub("", text))).strip()


@lru_cache(maxsize=4096)
def error_name(message: str | None) -> str:
    """Return `NameError` of `NameError: name 'x' is not defined`; empty if the text does not begin with a name."""
    found = NAME.fullmatch(_clean(message).partition(":")[0].strip())
    return found[0] if found else ""


def _clean(text: str | None) -> str:
    """Return the text without colours and invisible characters."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return plain(lines).replace("\N{REPLACEMENT CHARACTER}", "").strip()
