"""The panel's addresses of assignments: the list, starters, hand-ins, history and progress."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from .assignments import free_name
from .route import Route
from .texts import say


class AssignmentList(Route):
    @authenticated
    @authorized
    async def get(self) -> None:
        found = await self.blocking(self.service.assignments.list)
        if found is not None:
            self.answer(found)


class Fetch(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{assignment_id, folder}: write its starter into the folder, never over a file."""
        service, body = self.service, self.body()
        number = self.number(body.get("assignment_id"))
        folder = self.texts("folder").get("folder", "").strip("/")
        starter = await self.blocking(lambda: service.assignments.starter(number))
        if starter is None:
            return
        contents: Any = self.contents_manager
        taken = {item["name"] for item in (await _awaited(contents.get(folder, type="directory")))["content"]}
        name = free_name(str(starter.get("filename") or ""), taken.__contains__)
        path = f"{folder}/{name}" if folder else name
        try:
            await _awaited(contents.save({"type": "notebook", "format": "json", "content": starter["content"]}, path))
        except Exception as error:
            self.set_status(409)
            self.answer({"text": say("not-written", why=str(error))})
            return
        service.assignments.note_fetched(number, path)
        self.answer({"path": path, "text": say("fetched", path=path)})


class HandIn(Route):
    @authenticated
    @authorized
    async def post(self) -> None:
        """{assignment_id, content, comment}: the notebook as the open model has it. {is_trial: true} only measures."""
        service, body = self.service, self.body()
        number = self.number(body.get("assignment_id"))
        if body.get("is_trial"):
            measured = await self.blocking(lambda: service.assignments.trial(body.get("content")))
            if measured is not None:
                self.answer(measured)
            return
        comment = self.texts("comment").get("comment")
        receipt = await self.blocking(lambda: service.assignments.hand_in(number, body.get("content"), comment))
        if receipt is not None:
            self.answer(receipt)


class History(Route):
    @authenticated
    @authorized
    async def get(self) -> None:
        asked = self.get_argument("assignment_id", None)
        number = None if asked is None else self.number(asked)
        service = self.service
        found = await self.blocking(lambda: service.assignments.history(number))
        if found is not None:
            self.answer(found)


class Progress(Route):
    @authenticated
    @authorized
    async def get(self) -> None:
        found = await self.blocking(self.service.assignments.progress)
        if found is not None:
            self.answer({"progress": found})


async def _awaited(value: Any) -> Any:
    """Await what an asynchronous contents manager returns; a synchronous one returns the value itself."""
    return await value if hasattr(value, "__await__") else value
