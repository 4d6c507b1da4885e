"""What the addresses of the panel share: reading the body, refusing, working in a thread."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from .assignments import Refused
from .service import Service
from .texts import say

T = TypeVar("T")


class Route(APIHandler):
    """One address. It is no activity, and asks for a login and XSRF as JupyterLab's own do."""

    _track_activity = False
    auth_resource = "cell_monitor_lab"

    @property
    def service(self) -> Service:
        service: Service = self.settings["cell_monitor_lab_service"]
        service.seen_panel()
        return service

    def body(self) -> dict[str, Any]:
        """Return the JSON object that was sent. Raises HTTPError 400."""
        try:
            value = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise HTTPError(400, "The body must be a JSON object")
        return value

    def texts(self, *names: str) -> dict[str, str]:
        """Return the texts of the body that have one of these names. Raises HTTPError 400."""
        found = {name: value for name, value in self.body().items() if name in names and value is not None}
        if any(not isinstance(value, str) for value in found.values()):
            raise HTTPError(400, "These must be texts: " + ", ".join(names))
        return found

    async def blocking(self, work: Callable[[], T]) -> T | None:
        """Return what `work` returns, done in a thread; None after an answer that says why it was refused."""
        try:
            return await asyncio.get_running_loop().run_in_executor(None, work)
        except Refused as error:
            self.set_status(error.status)
            self.finish(json.dumps({"text": error.text, **error.more}))
            return None

    def on_disk(self, work: Callable[[], Any]) -> None:
        """Answer what `work` returns; 507 where the queue's file cannot be read or written."""
        try:
            found = work()
        except sqlite3.Error:
            self.set_status(507)
            found = {"text": say("disk")}
        self.answer(found)

    def number(self, value: Any) -> int:
        """Return a number of the product's. Raises HTTPError 400."""
        is_number = isinstance(value, (int, str)) and not isinstance(value, bool)
        if not is_number or (isinstance(value, str) and not (value.isdecimal() and len(value) < 20)) or int(value) < 0:
            raise HTTPError(400, "This must be a number of the product")
        return int(value)

    def answer(self, value: Any) -> None:
        self.finish(json.dumps(value))
