"""The student's request for help: it outlives a reload, is repeated while a tab is open, and ends with the last tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .contract import iso
from .recorder import Recorder
from .texts import say

REPEAT_SECONDS = 15.0  # the product takes 45 s of silence for the end
WITHOUT_TAB_SECONDS = 30.0
IN_QUEUE = ("asked", "coming", "not_found")  # states of a request that goes on


class Help:
    """Call on the event loop. `tell` hears every change; `tick` is called every second."""

    def __init__(
        self, recorder: Recorder, host: Callable[[], str], is_delivered: Callable[[], bool], tell: Callable[[Any], None]
    ) -> None:
        self._recorder, self._host, self._is_delivered, self._tell = recorder, host, is_delivered, tell
        self._place: dict[str, Any] = {}
        self._since: float | None = None
        self._repeated_at = 0.0
        self._seen_tab_at = 0.0
        self._told: dict[str, Any] | None = None
        self._from_product: dict[str, Any] = {}
        self._early: dict[str, Any] | None = None
        self._is_known = False  # the product said that this request is in its queue
        self._answered_before: Any = None  # when an earlier request was answered

    @property
    def is_on(self) -> bool:
        """Whether the student asks."""
        return self._since is not None

    def start(self, now: float, *, path: str | None, cell_id: str | None) -> bool:
        """Ask for help, for a notebook and cell if they are known; False while nothing may be sent."""
        if not self._recorder.is_recording:
            return False
        self._place = {"notebookPath": path, "cellId": cell_id}
        self._since = self._seen_tab_at = now
        self._answered_before = self._answered_at()
        self._from_product = {}
        self._early = None
        self._is_known = False
        self._repeat(now, is_first=True)
        self._announce()
        return True

    def stop(self) -> None:
        """Withdraw the request for help."""
        if self._since is None:
            return
        self._since = None
        self._recorder.event("help_stop", is_urgent=True, **self._place)
        self._announce()

    def ended_by_product(self, state: dict[str, Any]) -> None:
        """Take in what the product says of the request: {state, place, of, since, by_name}. An end switches it off.

        The product stores a request a moment after it took it, and says `off` until then: that is no end before it
        said that the request is in its queue.
        """
        if self.is_on and not self._is_delivered():
            # This is about an earlier request, or so quick that nobody noted yet that this one was delivered.
            self._early = state if state.get("state") in IN_QUEUE else None
            return
        self._early = None
        self._from_product = state
        if state.get("state") in IN_QUEUE:
            self._is_known = True
        is_answered = self._answered_at() not in (None, self._answered_before)
        if self.is_on and (is_answered or (self._is_known and state.get("state") not in IN_QUEUE)):
            self._since = None  # without help_stop: the product knows
        self._announce()

    def _answered_at(self) -> Any:
        return self._from_product.get("since") if self._from_product.get("state") == "answered" else None

    def tick(self, now: float, *, has_tab: bool) -> None:
        """Repeat the request while a tab is open; end it 30 s after the last is closed."""
        if has_tab:
            self._seen_tab_at = now
        if self._since is None:
            return
        if self._early is not None and self._is_delivered():
            self.ended_by_product(self._early)
        if now - self._seen_tab_at > WITHOUT_TAB_SECONDS:
            self.stop()
        elif has_tab and not 0 <= now - self._repeated_at < REPEAT_SECONDS:  # or the clock was put back
            self._repeat(now, is_first=False)
        self._announce()

    def state(self) -> dict[str, Any]:
        """Return {is_on, since, text, product}: the latter is what the product said, such as the place in the queue."""
        return {
            "is_on": self.is_on,
            "since": iso(self._since) if self._since is not None else None,
            "text": self._text(),
            "product": self._from_product,
        }

    def _text(self) -> dict[str, str]:
        told, name = self._from_product, self._from_product.get("by_name")
        state = told.get("state")
        if not self.is_on:
            return say("help-answered") if state == "answered" else say("help-off")
        if not self._is_delivered():
            return say("help-asking", host=self._host())
        if state == "coming":
            return say("help-coming", name=name) if name else say("help-somebody-coming")
        if state == "not_found":
            return say("help-not-found")
        if state == "asked" and told.get("place") and told.get("of"):
            return say("help-queue", place=told["place"], of=told["of"])
        return say("help-asked")

    def _repeat(self, now: float, *, is_first: bool) -> None:
        self._repeated_at = now
        # One waiting request is enough: while the product is away they would pile up.
        self._recorder.event("help", is_urgent=True, replaces=not is_first, **self._place)

    def _announce(self) -> None:
        state = self.state()
        if state != self._told:
            self._told = state
            self._tell(state)
