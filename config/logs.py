"""What a line of the log looks like, and what is never in one: secrets, and students' addresses in paths.

`LOG_FORMAT=json` writes one JSON object a line: `time`, `level`, `logger`, `message`, `process` (the part: `web`,
`worker-1`, …), and where there is one `request_id`, `batch_id`, `exception`, and the facts that the line was given
(`extra={"facts": {…}}`). `plain` writes the same for people.
"""

import json
import logging
import os
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")

# Class keys, tokens and invitations in addresses; tokens, keys and cookies in headers, which servers write down when
# they are to say all; passwords in addresses of servers.
SECRETS = (
    (re.compile(r"(?i)([?&](?:key|token|password|secret)=)[^&\s\"'<>]+"), r"\1[redacted]"),
    (re.compile(r"(/invitations/)[^/\s\"'<>]+"), r"\1[redacted]"),
    (re.compile(r"(?i)(\bbearer\s+)[\w.~+/=-]{8,}"), r"\1[redacted]"),
    (re.compile(r"(?i)\b((?:sessionid|csrftoken)[\w-]*=|x-class-key['\":, b]+)[^\s;,'\"]+"), r"\1[redacted]"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)"), r"\1[redacted]\2"),
)

# Who a path or a query speaks of: where the API and the sockets name somebody (classroom/api_urls.py,
# classroom/sockets/routing.py), and every segment and value that looks like an e-mail address, however it is encoded.
_AT = r"(?:@|\uff20|%(?:25)*40|%(?:25)*EF%(?:25)*BC%(?:25)*A0)"
_REST = r"[^/?&\s\"'<>]"
PEOPLE = (
    (
        re.compile(rf"(/(?:dashboard/students|progress/(?:student|assignment|notifications)|ws/student)/){_REST}+"),
        r"\1[student]",
    ),
    (re.compile(rf"(/ws/)(?!(?:dashboard|instructor|student)(?![^/?&\s\"'<>])){_REST}+"), r"\1[student]"),
    (re.compile(rf"(?i)(?<!:/)(?<!:)/{_REST}*?{_AT}{_REST}*"), "/[address]"),
    (re.compile(rf"(?i)([?&][\w.-]+=)[^&\s\"'<>]*?{_AT}[^&\s\"'<>]*"), r"\1[address]"),
    (
        re.compile(r"(?i)([?&](?:e-?mail(?:_?address)?|(?:student|user)(?:_?(?:id|name))?)=)[^&\s\"'<>]+"),
        r"\1[student]",
    ),
)


def redacted(text: str) -> str:
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    if "/" in text or "?" in text:
        for pattern, replacement in PEOPLE:
            text = pattern.sub(replacement, text)
    return text


class Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        known = " ".join(f"{name}={value}" for name, value in context_of(record).items())
        return redacted(f"{line} [{known}]" if known else line)


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
        # Before it is JSON: a pattern must not run over the quotes of a value.
        safe = {name: redacted(value) if isinstance(value, str) else value for name, value in line.items()}
        return json.dumps(safe, ensure_ascii=False, default=str)


def context_of(record: logging.LogRecord) -> dict[str, Any]:
    """What is known besides the message: ids, and the facts given with it."""
    found: dict[str, Any] = {"request_id": request_id.get()} if request_id.get() else {}
    if batches := getattr(record, "batch_id", None):
        found["batch_id"] = batches
    return {**found, **getattr(record, "facts", {})}


def as_json(line: str, *, process: str) -> str:
    """What a program said otherwise than through a logger, as a line of the same shape."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    said = {"time": time, "level": "INFO", "logger": "output", "message": redacted(line), "process": process}
    return json.dumps(said, ensure_ascii=False)
