"""Whether anything may be recorded: consent and pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .contract import iso
from .settings import Settings

FOREVER = -1  # paused until the student resumes


class Privacy:
    """Consent is for one address of the product; another is asked for anew. Threads may share it."""

    def __init__(
        self,
        settings: Settings,
        address: Callable[[], str],
        *,
        is_given_by_school: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._address, self._now = settings, address, now
        self._is_given_by_school = is_given_by_school

    def consent(self) -> str:
        """Return given, school, refused or unasked."""
        if self._is_given_by_school:
            return "school"
        consent = self._settings.get("consent") or {}
        return str(consent["answer"]) if consent.get("url") == self._address() and consent.get("answer") else "unasked"

    def answer(self, *, is_given: bool) -> None:
        """Store the student's answer."""
        answer = {"url": self._address(), "answer": "given" if is_given else "refused", "at": iso(self._now())}
        self._settings.put(consent=answer)

    @property
    def is_allowed(self) -> bool:
        """Whether the student or the school agreed."""
        return self.consent() in ("given", "school")

    def pause(self, minutes: int | None) -> None:
        """Record nothing for `minutes`; None: until `resume`."""
        self._settings.put(paused_until=FOREVER if minutes is None else self._now() + minutes * 60)

    def resume(self) -> None:
        """Record again."""
        self._settings.put(paused_until=None)

    @property
    def is_paused(self) -> bool:
        """Whether nothing is recorded now."""
        until = self._settings.get("paused_until")
        return until is not None and (until == FOREVER or until > self._now())

    def state(self) -> dict[str, Any]:
        """Return {consent, paused, paused_until}; the latter is null where the pause has no end."""
        until = self._settings.get("paused_until")
        has_end = self.is_paused and until != FOREVER
        return {
            "consent": self.consent(),
            "paused": self.is_paused,
            "paused_until": iso(until) if has_end else None,
        }
