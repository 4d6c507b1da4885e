"""What the teacher tells the student: asked for by long poll while a tab is open. The answer is the product's truth."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from .product import Product, Unreachable
from .sender import NotReady, Route
from .settings import Settings

POLL_SECONDS = 25
ANSWER_SECONDS = POLL_SECONDS + 10
MISSING_SECONDS = 600.0  # a product without an inbox is asked again after this
RETRY_SECONDS = 15.0

log = logging.getLogger(__name__)


def news_of(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return notifications and messages of an answer, each with {key, is_read}. The same one has the same key."""
    found = []
    for kind in ("notifications", "messages"):
        for item in value.get(kind) or []:
            if not isinstance(item, dict):
                continue
            number = item.get("notification_id", item.get("id"))
            if number is None:
                number = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:16]
            found.append({**item, "key": f"{kind}:{number}", "is_read": bool(item.get("is_read"))})
    return found


def _is_uuid(text: str) -> bool:
    """Tell the product's ids from those that `news_of` makes."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def mark_read(route: Callable[[], Route], keys: list[str]) -> None:
    """Tell the product which news were read, so that other devices of the student do not show them as new.

    Best effort: what does not arrive is shown as new elsewhere, and nothing worse. Blocks; call it in a thread.
    """
    numbers = [number for _, _, number in (key.partition(":") for key in keys) if _is_uuid(number)]
    try:
        found = route()
        if not numbers or "Authorization" not in found.headers:
            return
        product = Product(found.url)
        try:
            for number in numbers:
                product.request("POST", f"/api/v1/progress/notifications/{number}/read", None, found.headers)
        finally:
            product.close()
    except (NotReady, Unreachable) as error:
        log.info("The product was not told what was read: %s", error)


class Inbox(threading.Thread):
    """A daemon thread. `is_wanted` tells whether anybody would see it; `tell` hears each answer with something new;
    `before` is called before each question."""

    def __init__(
        self,
        route: Callable[[], Route],
        settings: Settings,
        is_wanted: Callable[[], bool],
        tell: Callable[[dict[str, Any]], None],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name="cell-monitor inbox", daemon=True)
        self._route, self._settings, self._is_wanted, self._tell = route, settings, is_wanted, tell
        self._before = before
        self._stopping = threading.Event()
        self._help: object = None  # as it was told last
        self._question: object = None

    def stop(self) -> None:
        """End after the present answer; nobody waits for that."""
        self._stopping.set()

    def run(self) -> None:
        """Ask until told to stop."""
        pause = 1.0
        while not self._stopping.wait(pause):
            try:
                pause = self._poll() if self._is_wanted() else 2.0
            except (NotReady, Unreachable):
                pause = RETRY_SECONDS
            except Exception:
                log.exception("Cell Monitor could not read the inbox; it tries again")
                pause = RETRY_SECONDS

    def _poll(self) -> float:
        """Ask once; return how long to wait before the next question."""
        route = self._route()
        if "Authorization" not in route.headers:
            return RETRY_SECONDS
        self._before()
        since = str(self._settings.get("inbox_since") or "")
        # At first at once: the position says what an earlier process was told of help, and this one was told nothing.
        wait = POLL_SECONDS if self._help is not None else 0
        product = Product(route.url, timeout=ANSWER_SECONDS)
        try:
            answer = product.request("GET", f"/api/v1/me/inbox?since={quote(since)}&wait={wait}", None, route.headers)
        finally:
            product.close()
        if answer.status == 404:
            return MISSING_SECONDS
        value = answer.json()
        if answer.status != 200 or not isinstance(value, dict):
            return RETRY_SECONDS
        help_state = value.get("help") or {}
        state = (help_state, value.get("question"))
        if value.get("notifications") or value.get("messages") or state != (self._help, self._question):
            self._help, self._question = state
            self._tell(value)
        if value.get("next") is not None:
            self._settings.put(inbox_since=value["next"])
        return 0.1
