"""The session: it begins with the first tab, and ends when no tab was open for 90 s or the server stops."""

from __future__ import annotations

from collections.abc import Callable

from .contract import plain_event
from .recorder import Recorder
from .store import Item

WITHOUT_TAB_SECONDS = 90.0
KEY = "session"  # under which the outbox keeps the end that is sent if this process is killed


class Presence:
    """Call on the event loop; `tick` every few seconds."""

    def __init__(self, recorder: Recorder, touch: Callable[[], None]) -> None:
        self._recorder, self._touch = recorder, touch
        self._seen_at = 0.0
        self._touched_at = 0.0
        self.is_open = False

    def tick(self, now: float, *, has_tab: bool) -> None:
        """Begin or end the session."""
        if has_tab:
            self._seen_at = now
            if not self.is_open and self._recorder.is_recording:
                self.is_open = True
                start = plain_event("session_start", now)
                self._recorder.keep(
                    [Item(start, "session_start", opens=KEY, unfinished=plain_event("session_end", now))]
                )
            if self.is_open and not 0 <= now - self._touched_at <= 60:
                self._touched_at = now
                self._touch()
        elif self.is_open and now - self._seen_at > WITHOUT_TAB_SECONDS:
            self.close(self._seen_at)

    def close(self, now: float) -> None:
        """End the session as of `now`."""
        if self.is_open:
            self.is_open = False
            self._recorder.keep([Item(plain_event("session_end", now), "session_end", closes=KEY)])
