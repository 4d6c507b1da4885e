"""The addresses of the panel, below {base_url}cell-monitor-lab/.

They want a login and, to change something, XSRF. None counts as activity: an idle server is culled while the panel is
open.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, authenticated

from .assignment_routes import AssignmentList, Fetch, HandIn, History, Progress
from .hints import BadHint, checked, checked_runs
from .questions import ANSWERS
from .route import Route
from .texts import say

PAUSES = (15, 60, None)  # minutes


class State(Route):
    @authenticated
    @authorized
    def get(self) -> None:
        self.answer(self.service.state())


class Hints(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """Answer 200 once what was posted is on disk; 503 asks to keep it and to post it again."""
        try:
            hints = checked(self.body())
        except BadHint as error:
            raise HTTPError(400, str(error)) from error
        written = [asyncio.wrap_future(future) for future in self.service.take_hints(hints)]
        if not all(await asyncio.gather(*written)):
            raise HTTPError(503, "The disk is full")
        self.answer({"taken": len(hints)})


class Runs(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{events}: runs of a kernel that only the browser sees, in order. 200 and 503 as for hints."""
        try:
            events = checked_runs(self.body())
        except BadHint as error:
            raise HTTPError(400, str(error)) from error
        if not await asyncio.wrap_future(self.service.take_runs(events)):
            raise HTTPError(503, "The disk is full")
        self.answer({"taken": len(events)})


class Read(Route):
    @authenticated
    @authorized
    def post(self) -> None:
        """{keys}: the student has read these news."""
        keys = self.body().get("keys")
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise HTTPError(400, "keys must be a list of texts")
        self.service.read(keys)
        self.answer({"news": self.service.news})


class HelpRoute(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{is_on, path, cellId}"""
        service, body = self.service, self.body()
        if body.get("is_on"):
            place = self.texts("path", "cellId")
            if not service.help.start(time.time(), path=place.get("path"), cell_id=place.get("cellId")):
                self.set_status(409)
                self.answer({"text": say("help-not-recording")})
                return
        else:
            service.help.stop()
        self.answer(service.help.state())


class Question(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{id, answer, path, cellId}: yes asks for help in that place too; {may_be_asked} switches questions."""
        service, body = self.service, self.body()
        if isinstance(body.get("may_be_asked"), bool):
            switched = await self.blocking(lambda: service.assignments.switch_questions(body["may_be_asked"]))
            if switched is not None:
                self.answer(switched)
            return
        number, answer = self.number(body.get("id")), body.get("answer")
        if answer not in ANSWERS:
            raise HTTPError(400, "answer must be one of " + ", ".join(ANSWERS))
        if answer == "yes":
            place = self.texts("path", "cellId")
            if not service.help.start(time.time(), path=place.get("path"), cell_id=place.get("cellId")):
                self.set_status(409)
                self.answer({"text": say("help-not-recording")})
                return
        service.answer(number, answer)
        self.answer(service.state())


class OwnPage(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """Return {url} of the student's own page, with a code that works once."""
        found = await self.blocking(self.service.assignments.own_page)
        if found is not None:
            self.answer(found)


class Pause(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{minutes: 15, 60 or null for until I resume}, or {resume: true}"""
        service, body = self.service, self.body()
        if body.get("resume"):
            service.privacy.resume()
        elif "minutes" in body and body["minutes"] in PAUSES:
            service.help.stop()
            service.privacy.pause(body.get("minutes"))
        else:
            raise HTTPError(400, "minutes must be 15, 60 or null")
        service.push()
        self.answer(service.state())


class Consent(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{is_given}"""
        service, body = self.service, self.body()
        if not isinstance(body.get("is_given"), bool):
            raise HTTPError(400, "is_given must be true or false")
        service.privacy.answer(is_given=body["is_given"])
        service.sender.kick()
        service.push()
        self.answer(service.state())


class Connect(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{url, user_id, user_name, team, class_code}; before consent nothing is asked of the product."""
        service, values = self.service, self.texts("url", "user_id", "user_name", "team", "class_code")
        service.connect(values)
        text = await self.blocking(service.check_connection)
        service.push()
        self.answer({**service.state(), "text": text})

    @authenticated
    @authorized
    async def delete(self) -> None:
        """Give the token up."""
        service = self.service
        await self.blocking(service.connection.forget)
        service.settings.put(panel=None, news=None)
        service.news = []
        service.push()
        self.answer(service.state())


class LabSettings(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{serverUrl, userId, userName, teamName} as JupyterLab's settings have them."""
        service = self.service
        service.use_settings(self.texts("serverUrl", "userId", "userName", "teamName"))
        self.answer(service.state())


class Devices(Route):
    @authenticated
    @authorized
    async def get(self) -> None:
        found = await self.blocking(self.service.assignments.devices)
        if found is not None:
            self.answer({"devices": found})

    @authenticated
    @authorized
    async def post(self) -> None:
        """{id}: confirm a device that waits."""
        service, number = self.service, self.number(self.body().get("id"))
        found = await self.blocking(lambda: service.assignments.confirm_device(number))
        if found is not None:
            self.answer({"devices": found})


class Sent(Route):
    @authenticated
    @authorized
    def get(self) -> None:
        """What was sent, as it left, and what the product refused."""
        outbox = self.service.outbox
        self.on_disk(lambda: {"sent": outbox.sent(), "refused": outbox.refusals()})

    @authenticated
    @authorized
    def delete(self) -> None:
        """Forget everything that waits or was sent."""
        self.on_disk(self._clear)

    def _clear(self) -> dict[str, Any]:
        service = self.service
        service.outbox.clear()
        service.push()
        return service.state()


ROUTES: dict[str, type[Route]] = {
    "state": State,
    "hints": Hints,
    "runs": Runs,
    "read": Read,
    "progress": Progress,
    "devices": Devices,
    "help": HelpRoute,
    "question": Question,
    "page": OwnPage,
    "pause": Pause,
    "consent": Consent,
    "connect": Connect,
    "settings": LabSettings,
    "assignments": AssignmentList,
    "fetch": Fetch,
    "hand-in": HandIn,
    "history": History,
    "sent": Sent,
}


def handlers(base_url: str) -> list[tuple[str, type[Route]]]:
    """Return the addresses with their handlers."""
    return [(url_path_join(base_url, "cell-monitor-lab", name), route) for name, route in ROUTES.items()]
