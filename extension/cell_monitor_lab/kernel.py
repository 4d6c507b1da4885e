"""The same events from inside a kernel, for editors without a Jupyter server of ours.

`%load_ext cell_monitor_lab.kernel` loads it. It sees what IPython tells its callbacks: source, count, errors, time. It
does not see printed output, cells that never ran, or the death of the kernel. Where the server part watches the
kernel, only the magics are active. Nothing here raises into a student's cell or makes it wait.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from jupyter_core.paths import jupyter_data_dir

from .assignments import Assignments, Refused
from .clock import Clock
from .connection import Connection
from .contract import Cell, Run, plain_event, run_ended, run_started
from .help import REPEAT_SECONDS
from .identity import Identity, resolve
from .outbox import Outbox
from .privacy import Privacy
from .sender import Sender
from .service import SERVER_PART
from .settings import Settings
from .store import Item
from .texts import say

STOP_SECONDS = 2.0
F = TypeVar("F", bound=Callable[..., Any])

log = logging.getLogger(__name__)


def harmless(function: F) -> F:
    """Log what goes wrong instead of showing it in the student's cell."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception:
            log.debug("Cell Monitor failed in %s", function.__name__, exc_info=True)
            return None

    return called  # type: ignore[return-value]


def shown(code: str, **values: Any) -> str:
    """Return a text in the language of the process."""
    return spoken(say(code, **values))


def spoken(text: dict[str, str]) -> str:
    """Return {en, ja} in the language of the process."""
    language = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return text["ja" if language.startswith("ja") else "en"]


class Hook:
    """Callbacks and magics of one kernel. Everything slow happens in a thread."""

    def __init__(self, shell: Any, folder: Path) -> None:
        self.shell = shell
        self._folder = folder
        self.settings = Settings(folder / "settings.json")
        is_given = os.environ.get("CELL_MONITOR_CONSENT", "").strip().lower() == "given"
        self.privacy = Privacy(self.settings, lambda: self.identity().url, is_given_by_school=is_given)
        self.connection = Connection(self.settings, self.identity, self.privacy)
        self.session_id = str(uuid.uuid4())
        self._kernel_id = _kernel_id(shell)
        self._queue: SimpleQueue[list[Item] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._outbox: Outbox | None = None
        self._sender: Sender | None = None
        self._clock = Clock()
        self._run: Run | None = None
        self._help: threading.Event | None = None

    @property
    def is_watched(self) -> bool:
        """Whether the server part sees this kernel already."""
        return SERVER_PART in os.environ

    def identity(self) -> Identity:
        """Return who the student is."""
        stored = {"settings": self.settings.get("settings"), "panel": self.settings.get("panel")}
        return resolve({}, os.environ, stored)

    @property
    def is_recording(self) -> bool:
        """Whether anything may be kept."""
        return self.privacy.is_allowed and not self.privacy.is_paused and self.identity().is_complete

    # Callbacks

    @harmless
    def before_run(self, info: Any) -> None:
        """Record that a cell begins."""
        self._run = None
        if not info.store_history or info.silent or not (info.raw_cell or "").strip() or not self.is_recording:
            return
        path = notebook_path(self.shell)
        cell = Cell(path=path, local_path=path, cell_id=getattr(info, "cell_id", None))
        run = Run(_msg_id(self.shell), self._kernel_id, 1, cell, code=info.raw_cell, started_at=time.time())
        run.execution_count = self.shell.execution_count
        self._run = run
        self._keep([Item(run_started(run), "start", opens=run.msg_id, unfinished=run_ended(run, "aborted", "died"))])

    @harmless
    def after_run(self, result: Any) -> None:
        """Record that a cell ended."""
        run, self._run = self._run, None
        if run is None or not self.is_recording:
            return
        run.finished_at = time.time()
        error = result.error_before_exec or result.error_in_exec
        status, reason = "success", None
        if error is not None:
            run.error_name, run.error_value = type(error).__name__, str(error)
            run.traceback = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            stopped = isinstance(error, KeyboardInterrupt)
            status, reason = ("aborted", "interrupted") if stopped else ("error", None)
        elif result.result is not None:
            run.output.add("result", repr(result.result))
        self._keep([Item(run_ended(run, status, reason), "end", closes=run.msg_id)])

    # Magics

    def help_me(self, _line: str) -> None:
        """%help_me: ask the teacher for help until %help_stop."""
        if not self.is_recording:
            print(shown("help-not-recording"))
            return
        if self._help is None:
            self._help = threading.Event()
            threading.Thread(target=self._repeat_help, args=(self._help,), daemon=True).start()
        print(shown("kernel-help"))

    def help_stop(self, _line: str) -> None:
        """%help_stop: stop asking for help."""
        if self._help is not None:
            self._help.set()
            self._help = None
            self._event("help_stop")
        print(shown("kernel-help-stop"))

    def hand_in(self, line: str) -> None:
        """%hand_in NUMBER [FILE]: hand in the saved notebook for an assignment."""
        number, _, name = line.strip().partition(" ")
        path = Path(name.strip() or self._saved_file() or "")
        if not number.isdecimal() or not path.is_file():
            print(shown("kernel-usage", usage="%hand_in 3 [notebook.ipynb]"))
            return
        outbox = self._ready()
        assignments = Assignments(self.connection.route, self.connection.student, outbox, self.settings)
        try:
            content = json.loads(path.read_text("utf-8"))
            receipt = assignments.hand_in(int(number), content)
        except Refused as error:
            print(spoken(error.text))
        except (OSError, ValueError) as error:
            print(shown("not-handed-in", detail=str(error)))
        else:
            text = receipt["text"]["code"]
            print(shown(text, attempt=receipt["attempt"], submitted_at=receipt["submitted_at"]))

    def cell_monitor(self, line: str) -> None:
        """%cell_monitor [on | off | pause | resume]: agree, disagree, pause; without a word, say how it is."""
        word = line.strip()
        if word in ("on", "off"):
            self.privacy.answer(is_given=word == "on")
        elif word == "pause":
            self.privacy.pause(None)
        elif word == "resume":
            self.privacy.resume()
        elif word:
            print(shown("kernel-usage", usage="%cell_monitor [on | off | pause | resume]"))
            return
        identity = self.identity()
        if not identity.is_complete:
            print(shown("not-configured"))
        elif not self.privacy.is_allowed:
            print(shown("kernel-off", consent=shown("consent", host=identity.host)))
        elif self.privacy.is_paused:
            print(shown("paused"))
        else:
            waiting = self._outbox.waiting if self._outbox else 0
            text = self._sender.text if self._sender else None
            state = shown(text["code"] if text else "ready", host=identity.host, status="", check_number="")
            print(shown("kernel-status", state=state, waiting=waiting))

    # Inside

    def _repeat_help(self, ended: threading.Event) -> None:
        while not ended.is_set():
            self._event("help")
            ended.wait(REPEAT_SECONDS)

    @harmless
    def _event(self, kind: str) -> None:
        path = notebook_path(self.shell)
        self._keep([Item(plain_event(kind, time.time(), notebookPath=path), kind, is_urgent=True)])

    def _keep(self, items: list[Item]) -> None:
        identity = self.identity()
        who = {
            "emailAddress": identity.user_id,
            "userName": identity.user_name,
            "teamName": identity.team,
            "sessionId": self.session_id,
        }
        known = {name: value for name, value in who.items() if value}
        for item in items:
            item.event = {**item.event, **known}
            item.unfinished = {**item.unfinished, **known} if item.unfinished else None
            item.clock_epoch = self._clock.epoch
        self._queue.put(items)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="cell-monitor outbox", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    @harmless
    def _write(self) -> None:
        outbox = self._ready()
        while True:
            items = self._queue.get()
            if items is None:
                return
            outbox.add(items)

    def _ready(self) -> Outbox:
        if self._outbox is None:
            self._outbox = Outbox.in_folder(self._folder)
            self._sender = Sender(self._outbox, self._clock, self.connection.route)
            self._sender.start()
        return self._outbox

    @harmless
    def close(self) -> None:
        """Write and send what waits, as far as two seconds allow; the next process sends the rest."""
        if self._help is not None:
            self.help_stop("")
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        if self._sender is not None:
            self._sender.stop(STOP_SECONDS)
        if self._outbox is not None:
            self._outbox.close()

    def _saved_file(self) -> str | None:
        return self.shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")


def notebook_path(shell: Any) -> str | None:
    """Return the notebook's path as the editor or the Jupyter server gives it, relative to the folder if possible."""
    path = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    if not path:
        return None
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return Path(path).name


def _msg_id(shell: Any) -> str:
    """Return the id of the request that runs now: with it the watcher names the run alike."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else getattr(shell, "parent_header", {})
    header = parent.get("header") or {}
    return str(header.get("msg_id") or uuid.uuid4())


def _kernel_id(shell: Any) -> str:
    """Return the kernel's id, which is in the name of its connection file."""
    file = getattr(getattr(getattr(shell, "kernel", None), "parent", None), "connection_file", "") or ""
    return Path(file).stem.replace("kernel-", "") or str(os.getpid())


def load_ipython_extension(shell: Any) -> None:
    """Register callbacks and magics."""
    hook = Hook(shell, Path(jupyter_data_dir()) / "cell-monitor")
    shell._cell_monitor = hook
    if not hook.is_watched:
        shell.events.register("pre_run_cell", hook.before_run)
        shell.events.register("post_run_cell", hook.after_run)
    for magic in (hook.help_me, hook.help_stop, hook.hand_in, hook.cell_monitor):
        shell.register_magic_function(magic, "line", magic.__name__)


def unload_ipython_extension(shell: Any) -> None:
    """Take the callbacks away and send what waits."""
    hook = shell.__dict__.pop("_cell_monitor", None)
    if hook is None:
        return
    if not hook.is_watched:
        shell.events.unregister("pre_run_cell", hook.before_run)
        shell.events.unregister("post_run_cell", hook.after_run)
    hook.close()
