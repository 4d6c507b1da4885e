"""Sends what waits in the outbox, one request after the other, until the product has it. Its table is in README.md."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import urlsplit

from .clock import Clock, steady
from .contract import shifted
from .outbox import Outbox
from .product import EVENTS_PATH, Answer, Product, Unreachable
from .store import Row
from .texts import say

MAX_EVENTS = 100
MAX_BYTES = 512 * 1024  # inflated
FLUSH_SECONDS = 1.0
FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 60.0
JITTER = 0.3
SPREAD_SECONDS = 10.0  # of a whole class that returns at once
REFUSED_SECONDS = 600.0
WRONG_ADDRESS_SECONDS = 60.0
PLAIN_SECONDS = 3600.0
SLICE_SECONDS = 5.0  # the longest wait, so that a machine that slept notices soon
SLEPT_SECONDS = 15.0
NOT_NOW = (408, 425, 429)  # of a proxy: the product answers 503 instead

log = logging.getLogger(__name__)


class NotReady(Exception):
    """There is nobody to send as, for now. `text` says why, and `after` when to ask again, in seconds."""

    def __init__(self, text: dict[str, str], after: float) -> None:
        super().__init__(text["code"])
        self.text, self.after = text, after


@dataclass
class Route:
    """Where and as whom to send."""

    url: str
    headers: dict[str, str]
    host: str


@dataclass
class Verdict:
    """What an answer means for a batch. `failed` and `bad` are {index: reason}."""

    action: str  # delivered, again, halve, take-out, plain, refused, wrong-address
    failed: dict[int, str] = field(default_factory=dict)
    reason: str = ""
    after: float | None = None  # Retry-After, in seconds


def judge(answer: Answer, *, is_compressed: bool) -> Verdict:
    """Return what the product's answer to a batch means."""
    status = answer.status
    if status == 202:
        return Verdict("delivered", _failed_events(answer.json()))
    if status >= 500 or status in NOT_NOW:
        return Verdict("again", after=_retry_after(answer.headers.get("retry-after")))
    if status == 413:
        return Verdict("halve", reason=answer.detail() or "413")
    if status == 422:
        problems = _problems(answer.json())
        return Verdict("take-out" if problems else "halve", problems, answer.detail() or "422")
    if status == 415 or (status == 400 and is_compressed):
        return Verdict("plain" if is_compressed else "wrong-address")
    if status in (401, 403):
        return Verdict("refused", reason=answer.detail())
    return Verdict("wrong-address")


class Sender(threading.Thread):
    """A daemon thread. `route` says where to send and raises NotReady; `tell` hears what the connection is like."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        route: Callable[[], Route],
        tell: Callable[[dict[str, str]], None] = lambda _text: None,
        on_refused: Callable[[str], None] = lambda _reason: None,
        wait_scale: float = 1.0,
    ) -> None:
        """`wait_scale` shortens every wait, for tests."""
        super().__init__(name="cell-monitor sender", daemon=True)
        self._outbox, self._clock, self._route = outbox, clock, route
        self._tell, self._on_refused = tell, on_refused
        self._scale = wait_scale
        self._product: Product | None = None
        self._failures = 0
        self._limit = MAX_EVENTS  # of the next batch: smaller after 413
        self._plain_until = 0.0
        self._not_before = (0.0, 0.0)  # by the steady and by the wall clock: one of them may stand still or be set
        self._is_stopping = False
        self._is_kicked = False
        self.random = random.Random()  # noqa: S311
        self.text: dict[str, str] | None = None  # what the connection is like, once that is known

    # What others call

    def kick(self) -> None:
        """Try now: an address, a credential or a consent has changed."""
        with self._outbox.changed:
            self._is_kicked = True
            self.text = None
            self._outbox.changed.notify_all()

    def stop(self, seconds: float) -> None:
        """Send what waits if that works at once, and end, after `seconds` at the latest."""
        with self._outbox.changed:
            self._is_stopping = True
            self._outbox.changed.notify_all()
        if self.is_alive():
            self.join(seconds)

    # The thread

    def run(self) -> None:
        """Send until told to stop."""
        if self._outbox.waiting:  # of an earlier process: the whole class may be starting
            self._wait_at_most(self.random.uniform(0, SPREAD_SECONDS))
        while self._wait_until_due():
            try:
                self._send_once()
            except Exception:
                log.exception("Cell Monitor could not send; it tries again")
                self._retry_later()
            if self._is_stopping and (self._failures or not self._outbox.waiting):
                break
        if self._product is not None:
            self._product.close()

    def _wait_until_due(self) -> bool:
        """Wait until there is something to send and the time for it has come; False if there is nothing left to do."""
        condition = self._outbox.changed
        last = (steady(), time.time(), time.monotonic())
        while True:
            with condition:
                if self._is_kicked:
                    self._is_kicked = False
                    self._failures = 0
                    self._not_before = (0.0, 0.0)
                left = self._seconds_left()
                if self._is_stopping:
                    return bool(self._outbox.waiting) and not self._failures
                if left <= 0:
                    return True
                condition.wait(min(left, SLICE_SECONDS * self._scale))
            now = (steady(), time.time(), time.monotonic())
            if now[0] - last[0] > SLEPT_SECONDS or (now[1] - last[1]) - (now[2] - last[2]) > SLEPT_SECONDS:
                self._woke_up()
            last = now

    def _seconds_left(self) -> float:
        """Return how long to wait before the next try."""
        if not self._outbox.waiting:
            return SLICE_SECONDS
        pause = min(self._not_before[0] - steady(), self._not_before[1] - time.time())
        if pause > 0:
            return pause
        if self._outbox.waiting >= MAX_EVENTS or self._failures or self._outbox.has_urgent():
            return 0
        first = self._outbox.batch(1, 0)
        if not first:
            return SLICE_SECONDS
        waited = time.time() - first[0].added_at
        return FLUSH_SECONDS * self._scale - waited if waited >= 0 else 0  # less than none: the clock was put back

    def _woke_up(self) -> None:
        """Start again after a sleep of the machine: the connection is dead, and the clock may be wrong.

        The first pause is short and random, since the whole class wakes up at the same time.
        """
        self._clock.needs_measuring = True
        if self._product is not None:
            self._product.close()
        self._failures = 0
        self._wait_at_most(self.random.uniform(0, SPREAD_SECONDS))

    def _send_once(self) -> None:
        try:
            route = self._route()
        except NotReady as error:
            self._say(error.text)
            self._wait_at_most(error.after)
            self._failures = max(self._failures, 1)
            return
        except Unreachable as error:
            self._say(say("unreachable", host=error.host or self._host()))
            self._retry_later()
            return
        if self._product is None or self._product.url != route.url:
            if self._product is not None:
                self._product.close()
            self._product = Product(route.url)
        if self._clock.needs_measuring:
            self._clock.measure(self._product)
        rows = self._outbox.batch(self._limit, MAX_BYTES)
        if not rows:
            return
        for row in rows:
            offset = self._clock.offset_of(row.clock_epoch)
            if offset:
                row.event = shifted(row.event, offset)
        is_compressed = steady() >= self._plain_until
        try:
            answer = self._product.request(
                "POST", EVENTS_PATH, [row.event for row in rows], route.headers, is_compressed=is_compressed
            )
        except Unreachable:
            self._say(say("unreachable", host=route.host))
            self._retry_later()
            return
        verdict = judge(answer, is_compressed=is_compressed)
        try:
            self._act(verdict, answer, rows, route)
        except sqlite3.Error:  # the disk is full: sent again, which changes nothing at the product
            log.warning("Cell Monitor cannot write its queue", exc_info=True)
            self._retry_later()

    def _act(self, verdict: Verdict, answer: Answer, rows: list[Row], route: Route) -> None:
        if verdict.action == "delivered":
            self._outbox.refused((rows[index], reason) for index, reason in verdict.failed.items() if index < len(rows))
            self._outbox.delivered(row for index, row in enumerate(rows) if index not in verdict.failed)
            self._clock.compare(answer.headers.get("date"))
            self._limit = min(MAX_EVENTS, self._limit * 2)
            self._went_well(route)
        elif verdict.action == "take-out":
            bad = {index: reason for index, reason in verdict.failed.items() if index < len(rows)}
            if not bad:
                self._halve(rows, verdict.reason, can_cut=False)
                return
            self._outbox.refused((rows[index], reason) for index, reason in bad.items())
            self._went_well(route)
        elif verdict.action == "halve":
            self._halve(rows, verdict.reason, can_cut=answer.status == 413)
        elif verdict.action == "plain":
            self._plain_until = steady() + PLAIN_SECONDS
        elif verdict.action == "refused":
            self._say({**say("refused", host=route.host), "detail": verdict.reason})
            self._on_refused(verdict.reason)
            self._failures = max(self._failures, 1)
            self._wait_at_most(REFUSED_SECONDS)
        elif verdict.action == "again":
            self._say(say("busy", host=route.host))
            if verdict.after is None:
                self._retry_later()
            else:
                self._failures += 1
                self._wait_at_most(verdict.after + self.random.uniform(0, min(SPREAD_SECONDS, verdict.after)))
        else:
            self._say(say_of_wrong_address(answer, route.host))
            self._failures = max(self._failures, 1)
            self._wait_at_most(WRONG_ADDRESS_SECONDS)

    def _halve(self, rows: list[Row], reason: str, *, can_cut: bool) -> None:
        """Send less at once; what is too large alone loses its output, and what is refused alone is given up."""
        if len(rows) > 1:
            self._limit = len(rows) // 2
        elif not (can_cut and self._outbox.cut(rows[0])):
            self._outbox.refused([(rows[0], reason)])

    def _went_well(self, route: Route) -> None:
        self._failures = 0
        self._not_before = (0.0, 0.0)
        self._say(say("sending", host=route.host))

    def _retry_later(self) -> None:
        """Wait 1, 2, 4 … 60 s, each ± 30 %."""
        self._failures += 1
        seconds = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(self._failures - 1, 10))
        self._wait_at_most(seconds * self.random.uniform(1 - JITTER, 1 + JITTER))

    def _wait_at_most(self, seconds: float) -> None:
        seconds *= self._scale
        self._not_before = (steady() + seconds, time.time() + seconds)

    def _host(self) -> str:
        return self._product.url.split("://", 1)[-1] if self._product else "…"

    def _say(self, text: dict[str, str]) -> None:
        if text != self.text:
            self.text = text
            self._tell(text)


def say_of_wrong_address(answer: Answer, host: str) -> dict[str, str]:
    """Return what is said where another answer came than the product's.

    A redirect to the same call, or on the same host, names the address to enter; one to a page elsewhere is that of a
    network which wants a login first, and so is a page in place of JSON.
    """
    try:
        place = urlsplit(answer.headers.get("location", ""))
    except ValueError:
        place = urlsplit("")
    if 300 <= answer.status < 400 and place.scheme in ("http", "https") and place.hostname:
        url = f"{place.scheme}://{place.netloc.rpartition('@')[2]}"
        has_moved = "/api/v1/" in place.path or place.hostname == host.partition(":")[0].lower()
        return say("moved" if has_moved else "login-page", host=host, url=url)
    if answer.status == 200 and "html" in answer.headers.get("content-type", ""):
        return say("login-page", host=host, url=host)
    return say("wrong-address", host=host, status=answer.status)


def _failed_events(value: Any) -> dict[int, str]:
    stats = value.get("batch_stats") if isinstance(value, dict) else None
    failed = stats.get("failed_events") if isinstance(stats, dict) else None
    return {
        item["index"]: str(item.get("error", ""))
        for item in (failed if isinstance(failed, list) else [])
        if isinstance(item, dict) and isinstance(item.get("index"), int) and item["index"] >= 0
    }


def _problems(value: Any) -> dict[int, str]:
    """Return {index: reason} of a 422; empty unless every problem names an element."""
    detail = value.get("detail") if isinstance(value, dict) else None
    if not isinstance(detail, list):
        return {}
    problems: dict[int, str] = {}
    for item in detail:
        place = item.get("loc") if isinstance(item, dict) else None
        if not isinstance(place, list) or len(place) < 2 or not isinstance(place[1], int) or place[1] < 0:
            return {}
        problems.setdefault(place[1], f"{'.'.join(str(part) for part in place[2:])}: {item.get('msg', '')}".strip(": "))
    return problems


def _retry_after(text: str | None) -> float | None:
    """Return the seconds of a Retry-After; a date there is ignored, since clocks differ."""
    try:
        seconds = float(text) if text else None
    except ValueError:
        return None
    return None if seconds is None or seconds != seconds else min(max(seconds, 0.0), 3600.0)
