"""Puts the parts together, for the routes and for the server's start and end."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from . import CLIENT, __version__
from .assignments import Assignments
from .clock import Clock
from .connection import Connection
from .contract import iso
from .help import Help
from .hints import NOTEBOOK_EVENTS, notebook_path, saved_cell, to_hint
from .identity import Identity, public, resolve
from .inbox import Inbox, mark_read, news_of
from .outbox import Outbox
from .presence import Presence
from .privacy import Privacy
from .questions import Questions
from .recorder import Recorder
from .sender import NotReady, Sender
from .settings import Settings
from .store import Item
from .texts import say
from .watcher import Watcher

NOTICE = "https://cell-monitor-lab/notice/v1"
TICK_SECONDS = 1.0
TAB_SECONDS = 30.0  # how long a request of the panel counts as an open tab
HEALTH_SECONDS = 300.0
STOP_SECONDS = 3.0
KEPT_NEWS = 50
SERVER_PART = "CELL_MONITOR_SERVER_PART"  # kernels see that they are watched

log = logging.getLogger(__name__)


class Service:
    """One for each Jupyter server. Its methods run on the event loop unless they say that they block."""

    def __init__(self, server: Any, configured: Mapping[str, str], folder: Path, environ: Mapping[str, str]) -> None:
        self._server = server
        self._configured, self._environ = configured, environ
        self.prefix = configured.get("path_prefix", "")
        self.settings = Settings(folder / "settings.json")
        consent = configured.get("consent") or environ.get("CELL_MONITOR_CONSENT", "")
        self.privacy = Privacy(
            self.settings, lambda: self.identity().url, is_given_by_school=consent.strip().lower() == "given"
        )
        self.connection = Connection(self.settings, self.identity, self.privacy)
        self._folder = folder
        self.outbox = Outbox.made_in(folder)
        self.clock = Clock()
        self.recorder = Recorder(self.outbox, self.clock, self.identity, self.privacy)
        self.sender = Sender(
            self.outbox, self.clock, self.connection.route, tell=lambda _text: self._from_thread(self.push)
        )
        self.help = Help(
            self.recorder,
            lambda: self.identity().host,
            lambda: not self.outbox.has_urgent(),
            lambda state: self._emit("help", state),
        )
        self.presence = Presence(self.recorder, self.outbox.touch)
        self.assignments = Assignments(self.connection.route, self.connection.student, self.outbox, self.settings)
        self.questions = Questions(self.connection.route, self.settings)
        self.inbox = Inbox(
            self.connection.route,
            self.settings,
            self._is_inbox_wanted,
            self._news_from_thread,
            before=self.questions.tell_quietly,
        )
        self.news: list[dict[str, Any]] = self.settings.get("news", [])
        self.watcher = Watcher(
            server.kernel_manager,
            server.event_logger,
            self._notebook_of,
            lambda path, metadata, index, cell: saved_cell(path, metadata, index, cell, self.prefix),
            self.recorder.runs,
            lambda: self.recorder.is_recording,
            lambda: self._has_tab and self._panel_at > 0,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._panel_at = 0.0
        self._has_tab = False
        self._health_at = 0.0
        self._pushed: dict[str, Any] | None = None

    # Start and end

    async def start(self) -> None:
        """Begin to watch, to send and to listen."""
        loop = self._loop = asyncio.get_running_loop()
        os.environ[SERVER_PART] = str(os.getpid())
        await self.watcher.start()
        # The server answers meanwhile. What an earlier one left is sent first: no kernel has run anything yet.
        try:
            await loop.run_in_executor(None, self.outbox.adopt_all, self._folder)
        except Exception:
            log.exception("Cell Monitor leaves what an earlier server left where it is")
        if self._loop is not loop:  # it is stopping already
            return
        self.sender.start()
        self.inbox.start()
        self._ticker = loop.create_task(self._tick_for_ever())

    async def stop(self) -> None:
        """End open runs and the session, write everything, and try once more to send it."""
        if self._loop is None:
            return
        if self._ticker is not None:
            self._ticker.cancel()
        self.inbox.stop()
        self.help.stop()
        self.watcher.stop()
        self.presence.close(time.time())
        os.environ.pop(SERVER_PART, None)
        self._loop = None  # what threads still tell is not heard
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.recorder.close)
        await loop.run_in_executor(None, self.sender.stop, STOP_SECONDS)
        self.outbox.close()

    # Who and whether

    def identity(self) -> Identity:
        """Return who the student is, as of now. Called from any thread."""
        stored = {"settings": self.settings.get("settings"), "panel": self.settings.get("panel")}
        return resolve(self._configured, self._environ, stored)

    def seen_panel(self) -> None:
        """Note that a tab asked for something."""
        self._panel_at = time.time()

    def state(self) -> dict[str, Any]:
        """Return what the panel shows. Neither key nor token is in it."""
        identity = self.identity()
        privacy = self.privacy.state()
        if not identity.is_complete:
            text = say("bad-address" if identity.has_bad_address else "not-configured")
        elif not self.privacy.is_allowed:
            text = say("consent-needed")
        elif privacy["paused"]:
            text = say("paused")
        else:
            text = self.sender.text or say("ready", host=identity.host)
        return {
            "version": __version__,
            "identity": public(identity),
            "device": self.connection.state(),
            "privacy": privacy,
            "consent_text": say("consent-given" if privacy["consent"] == "school" else "consent", host=identity.host),
            "text": text,
            "queue": self.outbox.status(),
            "clock_offset_ms": round(self.clock.offset * 1000),
            "help": self.help.state(),
            "kernels": self.watcher.kernels(),
            "counts": dict(vars(self.watcher.counts)),
            "news": self.news,
            "question": None if privacy["paused"] or self.help.is_on else self.questions.current(time.time()),
        }

    def push(self) -> None:
        """Tell the tabs the state, if it changed."""
        state = self.state()
        if state != self._pushed:
            self._pushed = state
            self._emit("state", state)

    # What the panel says

    def take_hints(self, hints: list[dict[str, Any]]) -> list[Future[bool]]:
        """Take in hints; the futures say when what they caused is on disk."""
        now = time.time()
        written = []
        for value in hints:
            if value["kind"] in NOTEBOOK_EVENTS:
                if value.get("off"):
                    continue
                path = notebook_path(value.get("path"), value.get("assignmentPath"), self.prefix)
                metadata = {"localPath": value.get("path"), **({"manual": True} if value.get("manual") else {})}
                kind = NOTEBOOK_EVENTS[value["kind"]]
                named = {"eventId": value["eventId"]} if value.get("eventId") else {}
                written.append(self.recorder.event(kind, notebookPath=path, metadata=metadata, **named))
            else:
                written.append(self.watcher.hint(value["kernelId"], to_hint(value, now, self.prefix)))
        return written

    def take_runs(self, events: list[dict[str, Any]]) -> Future[bool]:
        """Take in runs of a kernel that only the browser sees; the future says when they are on disk."""
        return self.recorder.keep(
            [Item(event, "start" if event["eventType"] == "cell_execution_start" else "end") for event in events]
        )

    def read(self, keys: list[str]) -> None:
        """Note that the student has read news."""
        self.news = [{**item, "is_read": item["is_read"] or item["key"] in keys} for item in self.news]
        self.settings.put(news=self.news)
        self.push()
        asyncio.get_running_loop().run_in_executor(None, mark_read, self.connection.route, keys)

    def answer(self, number: int, answer: str) -> None:
        """Note what the student answered to a question; the product is told at once, or as soon as it is there."""
        self.questions.answered(number, answer)
        self.push()
        asyncio.get_running_loop().run_in_executor(None, self.questions.tell_quietly)

    def connect(self, values: Mapping[str, str]) -> None:
        """Store what the student typed: url, user_id, user_name, team, class_code. What a school set stays."""
        identity = self.identity()
        panel = dict(self.settings.get("panel") or {})
        for name in ("url", "user_id", "user_name", "team"):
            if name in values and identity.is_editable(name):
                panel[name] = values[name].strip()
        if values.get("class_code"):
            panel["class_code"] = values["class_code"].strip()
            self.connection.retire()
        self.settings.put(panel=panel)
        self.sender.kick()

    def use_settings(self, values: Mapping[str, str]) -> None:
        """Store JupyterLab's settings: serverUrl, userId, userName, teamName."""
        names = {"serverUrl": "url", "userId": "user_id", "userName": "user_name", "teamName": "team"}
        settings = {ours: values[theirs] for theirs, ours in names.items() if values.get(theirs)}
        if settings != (self.settings.get("settings") or {}):
            self.settings.put(settings=settings)
            self.sender.kick()

    def check_connection(self) -> dict[str, str]:
        """Ask for a token at once and return the text that says how that went. Blocks."""
        try:
            route = self.connection.route()
        except NotReady as error:
            return error.text
        except Exception:
            return say("unreachable", host=self.identity().host)
        return say("sending", host=route.host)

    # Inside

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self._tick(time.time())
            except Exception:
                log.exception("Cell Monitor goes on after an error")

    def _tick(self, now: float) -> None:
        self._has_tab = 0 <= now - self._panel_at < TAB_SECONDS or self.watcher.has_connections()
        self.presence.tick(now, has_tab=self._has_tab)
        self.help.tick(now, has_tab=self._has_tab)
        if self.presence.is_open and not 0 <= now - self._health_at <= HEALTH_SECONDS:
            self._health_at = now
            self._report_health()
        self.push()

    def _report_health(self) -> None:
        status = self.outbox.status()
        client = {
            "version": CLIENT.split("/")[1],
            "waiting": status["waiting"],
            "dropped": status["dropped"],
            "clock_offset_ms": round(self.clock.offset * 1000),
        }
        self.recorder.event("log_entry", replaces=True, metadata={"client": client})

    async def _notebook_of(self, kernel_id: str) -> tuple[str, dict[str, Any]] | None:
        """Return path and saved content of the notebook whose session has this kernel."""
        for session in await _maybe(self._server.session_manager.list_sessions()):
            if (session.get("kernel") or {}).get("id") != kernel_id:
                continue
            if session.get("type") != "notebook":
                return None
            model = await _maybe(self._server.contents_manager.get(session["path"], content=True, type="notebook"))
            return session["path"], model["content"]
        return None

    def _is_inbox_wanted(self) -> bool:
        return self._has_tab and self.privacy.is_allowed and self.connection.has_token()

    def _news_from_thread(self, value: dict[str, Any]) -> None:
        self._from_thread(lambda: self._take_news(value))

    def _take_news(self, value: dict[str, Any]) -> None:
        told = {item["key"] for item in self.news}
        items = [item for item in news_of(value) if item["key"] not in told]
        self.news = [*self.news, *items][-KEPT_NEWS:]
        if items:
            self.settings.put(news=self.news)
        if isinstance(value.get("help"), dict):
            self.help.ended_by_product(value["help"])
        self.questions.take(value.get("question"), time.time())
        self.push()
        if items:
            self._emit("inbox", {"news": items, "at": iso(time.time())})

    def _from_thread(self, work: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(work)

    def _emit(self, kind: str, data: dict[str, Any]) -> None:
        try:
            self._server.event_logger.emit(schema_id=NOTICE, data={"kind": kind, "data": data})
        except Exception:
            log.debug("Cell Monitor could not tell the tabs", exc_info=True)


async def _maybe(value: Any) -> Any:
    """Await what newer servers return as a coroutine and older ones as it is."""
    return await value if asyncio.iscoroutine(value) or isinstance(value, asyncio.Future) else value
