"""Puts what happened into the outbox: with the student's name, in order, off the event loop."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from .clock import Clock
from .contract import Event, plain_event, seconds
from .identity import Identity
from .outbox import Outbox
from .privacy import Privacy
from .store import Item
from .tracked import Output


class Recorder:
    """Called on the event loop; commits happen in one thread, so that a slow disk delays nothing and order is kept."""

    def __init__(self, outbox: Outbox, clock: Clock, identity: Callable[[], Identity], privacy: Privacy) -> None:
        self._outbox, self._clock, self._identity, self._privacy = outbox, clock, identity, privacy
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cell-monitor outbox")
        self.session_id = str(uuid.uuid4())  # one for each server process

    @property
    def is_recording(self) -> bool:
        """Whether what happens now may be kept: somebody agreed, nobody paused, and it is known whose it is."""
        return self._privacy.is_allowed and not self._privacy.is_paused and self._identity().is_complete

    def runs(self, outputs: Iterable[Output]) -> Future[bool]:
        """Keep events of runs."""
        return self.keep(
            [
                Item(
                    output.event,
                    output.phase,
                    opens=output.msg_id if output.phase == "start" else None,
                    unfinished=output.unfinished,
                    closes=output.msg_id if output.phase == "end" else None,
                )
                for output in outputs
            ]
        )

    def event(self, kind: str, *, is_urgent: bool = False, replaces: bool = False, **fields: Any) -> Future[bool]:
        """Keep an event that is no run, of now."""
        return self.keep([Item(plain_event(kind, time.time(), **fields), kind, is_urgent=is_urgent, replaces=replaces)])

    def keep(self, items: list[Item]) -> Future[bool]:
        """Keep events, or drop them if nothing may be recorded. The future says whether they are on disk."""
        if not items or not self.is_recording:
            done: Future[bool] = Future()
            done.set_result(True)
            return done
        identity = self._identity()
        stamped = [
            replace(
                item,
                event=self._signed(item.event, identity),
                unfinished=self._signed(item.unfinished, identity) if item.unfinished else None,
                clock_epoch=self._clock.epoch_at(seconds(item.event["eventTime"])),
            )
            for item in items
        ]
        return self._writer.submit(self._outbox.add, stamped)

    def close(self) -> None:
        """Wait until everything is written."""
        self._writer.shutdown(wait=True)

    def _signed(self, event: Event, identity: Identity) -> Event:
        who = {
            "emailAddress": identity.user_id,
            "userName": identity.user_name,
            "teamName": identity.team,
            "sessionId": self.session_id,
        }
        return {**event, **{name: value for name, value in who.items() if value}}
