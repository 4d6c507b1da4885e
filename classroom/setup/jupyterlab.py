"""Select the connection state of a class's JupyterLabs: its class keys, the devices of its students, and whether events
arrive.

The extension is configured by its setting `serverUrl`, the URL that it posts to (docs/contract/events.md section 2,
"Default URL … (setting `serverUrl`)"). It cannot set headers, so the key is part of the URL (http.md section 5a). The
contract does not name the id of the extension, so the JSON is for the editor of the extension's own settings.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Max, Min, Q

from lms.access import students_seen_through
from lms.class_codes import valid_code
from lms.models import Class, ClassKey, StudentToken

# The intake records a key's use about every fifteen seconds (`events.intake.class_keys.REMEMBERED`).
RECENT = timedelta(minutes=2)
# The identity that an unconfigured extension sends (events.md sections 2 and 2.1).
UNCONFIGURED = Q(email_key="student001@example.com", name="Anonymous")

State = Literal["none", "over", "waiting", "connected", "quiet"]


@dataclass(frozen=True)
class Key:
    id: int
    hint: str
    created_at: datetime
    last_used_at: datetime | None
    ends_at: datetime | None
    is_open: bool

    @property
    def is_ending(self) -> bool:
        return self.is_open and self.ends_at is not None


@dataclass(frozen=True)
class Connection:
    state: State
    keys: list[Key]  # newest first
    devices: int  # of students, that are confirmed and not revoked
    device_last_used_at: datetime | None
    students: int  # students with an event since the newest open key was created, or the first device without one
    last_event_at: datetime | None
    has_unconfigured: bool

    @property
    def newest(self) -> int | None:
        return self.keys[0].id if self.keys else None

    @property
    def open_keys(self) -> list[Key]:
        return [key for key in self.keys if key.is_open]


@dataclass(frozen=True)
class ServerUrl:
    """The URL that is entered in JupyterLab."""

    url: str

    @property
    def settings_json(self) -> str:
        return json.dumps({"serverUrl": self.url}, indent=2)

    @property
    def is_local(self) -> bool:
        """Return whether the host is a loopback name, which is each student's own computer."""
        host = urlsplit(self.url).hostname or ""
        return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")

    @property
    def is_plain_http(self) -> bool:
        """Return whether browsers forbid a JupyterLab on https to post to the URL."""
        return urlsplit(self.url).scheme == "http" and not self.is_local

    @property
    def origins(self) -> list[str]:
        """Return the allowed CORS origins; `*` stands for all."""
        return list(settings.BACKEND_CORS_ORIGINS)

    @property
    def is_for_this_machine(self) -> bool:
        """Return whether the CORS origins are the default, which allows JupyterLabs on the server's machine only."""
        return self.origins == settings.LOCAL_ORIGINS


def connection_of(class_ref: Class, *, now: datetime) -> Connection:
    """Return the connection state of a class. Four queries at most."""
    rows = ClassKey.objects.filter(class_ref=class_ref).order_by("-pk")
    keys = [_key(row, now) for row in rows]
    newest = next((key for key in keys if key.is_open), None)
    active = StudentToken.objects.filter(class_ref=class_ref, revoked_at=None).exclude(confirmed_at=None)
    devices = active.aggregate(count=Count("pk"), first=Min("created_at"), last=Max("last_used_at"))
    since = newest.created_at if newest else devices["first"] or now
    seen = students_seen_through([class_ref.pk]).aggregate(
        students=Count("pk", filter=Q(last_activity_at__gte=since)),
        last=Max("last_activity_at"),
        unconfigured=Count("pk", filter=UNCONFIGURED),
    )
    is_open = bool(newest or devices["count"]) or valid_code(class_ref, now=now) is not None
    state = _state(class_ref, is_open, [newest.last_used_at if newest else None, devices["last"]], now)
    return Connection(
        state, keys, devices["count"], devices["last"], seen["students"], seen["last"], seen["unconfigured"] > 0
    )


def _key(row: ClassKey, now: datetime) -> Key:
    is_open = row.revoked_at is None or row.revoked_at > now
    return Key(row.pk, row.hint, row.created_at, row.last_used_at, row.revoked_at, is_open)


def _state(class_ref: Class, is_open: bool, uses: list[datetime | None], now: datetime) -> State:
    """Return the state: `is_open` if there is a key, a device or a class code; `uses` are the last ones of the newest
    open key and of the devices. Older keys do not count."""
    if not class_ref.is_active:
        return "over"
    if not is_open:
        return "none"
    last = max((used for used in uses if used), default=None)
    if last is None:
        return "waiting"
    return "connected" if now - last < RECENT else "quiet"
