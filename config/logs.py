"""Log formatters. They redact secrets, and students' e-mail addresses in URLs.

`LOG_FORMAT=json` writes one JSON object a line: `time`, `level`, `logger`, `message`, `process` (`web`, `worker-1`, …),
and, if there is one, `request_id`, `batch_id`, `exception` and the keys of `extra={"facts": {…}}`. `plain` writes the
same for people.
"""

import json
import logging
import os
import re
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Class keys, tokens and invitations in URLs; tokens, keys and cookies in headers, which servers log at level DEBUG;
# passwords in database URLs.
SECRETS = (
    (re.compile(r"(?i)([?&](?:key|token|password|secret)=)[^&\s\"'<>]+"), r"\1[redacted]"),
    (re.compile(r"(/(?:invitations|first-account|password)/)[^/\s\"'<>]+"), r"\1[redacted]"),
    (re.compile(r"(?i)(\bbearer\s+|authorization['\":, b]+student\s+)[\w.~+/=-]{8,}"), r"\1[redacted]"),
    (re.compile(r"(?i)\b((?:sessionid|csrftoken)[\w-]{0,60}=|x-class-key['\":, b]+)[^\s;,'\"]+"), r"\1[redacted]"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)"), r"\1[redacted]\2"),
)

# Students in paths and queries: where the API and the WebSockets have a student's id (classroom/api_urls.py,
# classroom/sockets/routing.py), and every segment and value that looks like an e-mail address, in any encoding.
_AT = r"(?:@|\uff20|%(?:25)*40|%(?:25)*EF%(?:25)*BC%(?:25)*A0)"
_REST = r"[^/?&\s\"'<>]"
_ADDRESS = re.compile(rf"(?i){_AT}")
# Takes the value whole, whatever it holds: a pattern that looks for the address in it would start again at every `?` of
# a long one.
_VALUE = re.compile(r"([?&][\w.-]+=)([^&\s\"'<>]+)")


def _without_address(found: re.Match[str]) -> str:
    return f"{found[1]}[address]" if _ADDRESS.search(found[2]) else found[0]


PEOPLE: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(rf"(/(?:dashboard/students|progress/(?:student|assignment|notifications)|ws/student)/){_REST}+"),
        r"\1[student]",
    ),
    (re.compile(rf"(/ws/)(?!(?:dashboard|instructor|student)(?![^/?&\s\"'<>])){_REST}+"), r"\1[student]"),
    (re.compile(rf"(?i)(?<!:/)(?<!:)/{_REST}*?{_AT}{_REST}*"), "/[address]"),
    (_VALUE, _without_address),
    (
        re.compile(r"(?i)([?&](?:e-?mail(?:_?address)?|(?:student|user)(?:_?(?:id|name))?)=)[^&\s\"'<>]+"),
        r"\1[student]",
    ),
)


def redacted(text: str) -> str:
    """Return the text without secrets and without students in URLs."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    if "/" in text or "?" in text:
        for pattern, stand_in in PEOPLE:
            text = pattern.sub(stand_in, text)
    return text


class Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        context = " ".join(f"{name}={value}" for name, value in context_of(record).items())
        return redacted(f"{line} [{context}]" if context else line)


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": os.environ.get("PART", "manage"),
            **context_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        # Before serialization: a pattern must not match across the quotes of a value.
        safe = {name: redacted(value) if isinstance(value, str) else value for name, value in line.items()}
        return json.dumps(safe, ensure_ascii=False, default=str)


def context_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the ids and facts of a record."""
    context: dict[str, Any] = {"request_id": request_id.get()} if request_id.get() else {}
    if batches := getattr(record, "batch_id", None):
        context["batch_id"] = batches
    return {**context, **getattr(record, "facts", {})}


def as_json(line: str, *, process: str) -> str:
    """Return a line that a program printed without a logger in the format of `Json`."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    fields = {"time": time, "level": "INFO", "logger": "output", "message": redacted(line), "process": process}
    return json.dumps(fields, ensure_ascii=False)
