"""“Are you stuck?”: the product asks, the student answers once. An answer that cannot be told now is told later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .product import Product, Unreachable
from .sender import NotReady, Route
from .settings import Settings

ANSWERS = ("yes", "fine", "never")
OPEN_SECONDS = 300.0  # how long a question is shown where the product does not say it
MAX_UNTOLD = 20


class Questions:
    """The open question, and answers on their way. `take`, `current` and `answered` are for the event loop; `tell`
    blocks."""

    def __init__(self, route: Callable[[], Route], settings: Settings) -> None:
        self._route, self._settings = route, settings
        self._question: dict[str, Any] | None = None
        self._until = 0.0  # by this computer's clock
        self._answered: set[int] = set()

    def take(self, value: Any, now: float) -> None:
        """Take in `question` of the inbox: {id, asked_at, until}, or None."""
        is_one = isinstance(value, dict) and isinstance(value.get("id"), int) and value["id"] not in self._answered
        if not is_one:
            self._question = None
        elif self._question is None or self._question["id"] != value["id"]:
            self._question = {"id": value["id"], "asked_at": value.get("asked_at")}
            self._until = now + _seconds_between(value.get("asked_at"), value.get("until"))

    def current(self, now: float) -> dict[str, Any] | None:
        """Return {id, asked_at} of the question to show, or None."""
        if self._question is not None and now > self._until:
            self._question = None
        return self._question

    def answered(self, number: int, answer: str) -> None:
        """Keep the answer until the product has it, and show the question no more."""
        self._answered.add(number)
        if self._question is not None and self._question["id"] == number:
            self._question = None
        untold = [*(self._settings.get("answers") or []), {"id": number, "answer": answer}]
        self._settings.put(answers=untold[-MAX_UNTOLD:])

    def tell(self) -> None:
        """Tell the product what was answered; what it refuses is not asked any more. Raises NotReady, Unreachable."""
        untold = list(self._settings.get("answers") or [])
        if not untold:
            return
        route = self._route()
        product = Product(route.url)
        try:
            for each in untold:
                answer = product.request("POST", "/api/v1/me/question", each, route.headers)
                if answer.status >= 500 or answer.status in (401, 403, 429):
                    raise Unreachable(str(answer.status))
                left = [other for other in self._settings.get("answers") or [] if other != each]
                self._settings.put(answers=left or None)
        finally:
            product.close()

    def tell_quietly(self) -> None:
        """Do the same; what cannot be sent now is sent before the next poll of the inbox."""
        try:
            self.tell()
        except (NotReady, Unreachable):
            return


def _seconds_between(asked_at: Any, until: Any) -> float:
    try:
        length = datetime.fromisoformat(_plain(until)) - datetime.fromisoformat(_plain(asked_at))
    except (TypeError, ValueError):
        return OPEN_SECONDS
    return max(0.0, length.total_seconds())


def _plain(text: Any) -> str:
    """Return an ISO time that Python 3.9 reads."""
    return str(text).replace("Z", "+00:00")
