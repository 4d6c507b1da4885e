"""Watches every kernel of the Jupyter server: its IOPub messages, its restarts and its death."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from jupyter_client.session import Session

from .contract import seconds
from .gateway import GatewayStream, is_behind_gateway
from .reducer import LIFE_SECONDS, Counts, Reducer
from .tracked import Hint, Message, Output
from .watched_kernel import CellOf, WatchedKernel

KERNEL_ACTIONS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
ACTIONS = {"restart": "restarted", "shutdown": "shutdown"}
GONE_SECONDS = 6.0  # after which a kernel that was shut down is forgotten
GATEWAY_SECONDS = 10.0  # between two looks at kernels behind a gateway
LOOKUP_SECONDS = 1.0  # between two readings of a notebook for runs that nobody explained

log = logging.getLogger(__name__)


class Watcher:
    """Call on the event loop. `record` takes the events of runs; `cell_of` builds a cell of a saved notebook."""

    def __init__(
        self,
        kernel_manager: Any,
        event_logger: Any,
        notebook_of: Callable[[str], Awaitable[tuple[str, dict[str, Any]] | None]],
        cell_of: CellOf,
        record: Callable[[Iterable[Output]], Any],
        is_recording: Callable[[], bool],
        has_panel: Callable[[], bool],
    ) -> None:
        self._manager, self._logger = kernel_manager, event_logger
        self._notebook_of, self._cell_of = notebook_of, cell_of
        self._record, self._is_recording, self._has_panel = record, is_recording, has_panel
        self._kernels: dict[str, WatchedKernel] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts = Counts()
        self.last_message_at = 0.0

    async def start(self) -> None:
        """Watch the kernels that run already, and hear of those that start."""
        self._logger.add_listener(schema_id=KERNEL_ACTIONS, listener=self._on_action)
        for kernel_id in list(self._manager.list_kernel_ids()):
            self.watch(kernel_id)
        self._start_task(self._look_after_gateway())

    def stop(self) -> None:
        """End every open run and close the streams."""
        self._logger.remove_listener(schema_id=KERNEL_ACTIONS, listener=self._on_action)
        for task in self._tasks:
            task.cancel()
        for kernel in list(self._kernels.values()):
            self._record(kernel.reducer.close(time.time()))
            self._forget(kernel)

    def hint(self, kernel_id: str, hint: Hint) -> Any:
        """Take in which cell a run belongs to; return what `record` returns for the events that are due now."""
        kernel = self._kernels.get(kernel_id) or self.watch(kernel_id)
        if kernel.remote:
            kernel.remote.resume()
        return self._take(kernel, kernel.reducer.hint(hint, time.time()))

    def kernels(self) -> list[dict[str, Any]]:
        """Return [{id, is_watched, needs_page}]: the page tells of what is not watched here, while it is open."""
        return [
            {
                "id": kernel.id,
                "is_watched": kernel.is_watched,
                "needs_page": kernel.remote.is_lost if kernel.remote else kernel.stream is None,
            }
            for kernel in self._kernels.values()
        ]

    def has_connections(self) -> bool:
        """Tell whether a browser holds the socket of a kernel: every open notebook does."""
        for kernel_id in self._manager.list_kernel_ids():
            kernel = self._kernels.get(kernel_id)
            if kernel is not None and is_behind_gateway(kernel.manager):
                if kernel.others:
                    return True
                continue
            try:
                if self._manager.kernel_model(kernel_id)["connections"] > 0:
                    return True
            except Exception:  # noqa: S112 - a kernel that ends just now, or a manager that counts none
                continue
        return False

    def watch(self, kernel_id: str) -> WatchedKernel:
        """Open a kernel's stream, if that is not open yet; hints before that are kept."""
        kernel = self._kernels.get(kernel_id)
        if kernel is None:
            reducer = Reducer(kernel_id, has_panel=self._has_panel, counts=self.counts)
            reducer.ahead = lambda: time.time() - time.monotonic()
            kernel = self._kernels[kernel_id] = WatchedKernel(kernel_id, reducer)
            # What begins while nobody listens at the gateway is told by the page, from its start to its end.
            reducer.is_recording = lambda: self._is_recording() and (kernel.remote is None or kernel.is_watched)
            reducer.locate = kernel.locate
        if kernel.stream is None:
            self._connect(kernel)
        return kernel

    # The stream

    def _connect(self, kernel: WatchedKernel) -> None:
        if kernel.id not in self._manager:
            return
        manager = self._manager.get_kernel(kernel.id)
        if is_behind_gateway(manager):
            kernel.manager = manager
            kernel.stream = GatewayStream(
                kernel.id, lambda message: self._heard(kernel, message), lambda: self._ended(kernel, "died")
            )
            return
        if not getattr(manager, "iopub_port", 0) and getattr(manager, "transport", "tcp") == "tcp":
            return  # a kernel of another kind, without ports: the page watches it
        if kernel.manager is None:
            self._manager.add_restart_callback(kernel.id, lambda: self._ended(kernel, "died"), "restart")
            self._manager.add_restart_callback(kernel.id, lambda: self._ended(kernel, "died"), "dead")
        kernel.manager, kernel.port = manager, getattr(manager, "iopub_port", None)
        session = Session(config=manager.session.config, key=manager.session.key)
        kernel.stream = manager.connect_iopub()
        kernel.stream.on_recv(lambda frames: self._receive(kernel, session, frames))

    def _receive(self, kernel: WatchedKernel, session: Any, frames: list[bytes]) -> None:
        try:
            _identities, parts = session.feed_identities(frames)
            message = session.deserialize(parts, content=False)
            header, parent = message["header"], message.get("parent_header") or {}
            content = message["content"]
            taken = Message(
                type=message["msg_type"],
                date=_seconds(header.get("date")),
                parent_id=parent.get("msg_id"),
                parent_type=parent.get("msg_type"),
                size=len(content),
                load=lambda: session.unpack(content),
                subshell_id=parent.get("subshell_id"),
            )
        except Exception:
            log.warning("Cell Monitor did not understand a message of kernel %s", kernel.id, exc_info=True)
            return
        self._heard(kernel, taken)

    def _heard(self, kernel: WatchedKernel, taken: Message) -> None:
        self.last_message_at = time.time()
        try:
            outputs = kernel.reducer.message(taken, time.time())
        except Exception:
            log.warning("Cell Monitor did not understand a message of kernel %s", kernel.id, exc_info=True)
            return
        self._take(kernel, outputs)
        if taken.type == "error" and kernel.remote:
            for after in (1.0, 4.0):  # a kernel that the gateway ends interrupts its run first
                self._start_task(self._ask_gateway(kernel, after))
        if taken.type == "execute_input" and kernel.reducer.unlocated():
            self._look_up_soon(kernel)

    def _take(self, kernel: WatchedKernel, outputs: list[Output]) -> Any:
        """Record events, and come back when the next are due."""
        recorded = self._record(outputs)
        if kernel.timer is not None:
            kernel.timer.cancel()
            kernel.timer = None
        due = kernel.reducer.due()
        if due is not None:
            delay = min(max(0.01, due - time.time()), LIFE_SECONDS)
            kernel.timer = asyncio.get_running_loop().call_later(delay, self._tick, kernel)
        return recorded

    def _tick(self, kernel: WatchedKernel) -> None:
        kernel.timer = None
        self._take(kernel, kernel.reducer.tick(time.time()))

    # The kernel's life

    async def _on_action(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        # jupyter_events calls listeners with these names.
        kernel_id, action = data.get("kernel_id"), data.get("action")
        if data.get("status") != "success" or not kernel_id:
            return
        if action == "start":
            await self._watch_when_ready(kernel_id)
        kernel = self._kernels.get(kernel_id)
        if kernel is None:
            return
        if action == "interrupt":
            self._take(kernel, kernel.reducer.interrupted(time.time()))
        elif action in ACTIONS:
            self._ended(kernel, ACTIONS[action])
            if action == "shutdown":
                asyncio.get_running_loop().call_later(GONE_SECONDS, self._forget_if_gone, kernel)

    async def _watch_when_ready(self, kernel_id: str) -> None:
        """Wait up to two seconds for the kernel: the event may come before it is in the manager's list."""
        for _ in range(100):
            if kernel_id in self._manager:
                self.watch(kernel_id)
                return
            await asyncio.sleep(0.02)

    def _ended(self, kernel: WatchedKernel, reason: str) -> None:
        self._take(kernel, kernel.reducer.life_ended(reason, time.time()))
        port = getattr(kernel.manager, "iopub_port", None)
        if kernel.stream is not None and not kernel.remote and port and port != kernel.port:
            kernel.stream.close()
            kernel.stream = None
            self._connect(kernel)

    def _forget_if_gone(self, kernel: WatchedKernel) -> None:
        if kernel.id not in self._manager:
            self._take(kernel, kernel.reducer.close(time.time()))
            self._forget(kernel)

    def _forget(self, kernel: WatchedKernel) -> None:
        self._kernels.pop(kernel.id, None)
        if kernel.timer is not None:
            kernel.timer.cancel()
        if kernel.stream is not None and not kernel.stream.closed():
            kernel.stream.close()

    # Kernels behind a gateway

    async def _look_after_gateway(self) -> None:
        """Ask the gateway now and then whether kernels are there and who uses them."""
        while True:
            await asyncio.sleep(GATEWAY_SECONDS)
            # Each by itself: gateways are often told to give no list of kernels.
            for kernel in [one for one in self._kernels.values() if is_behind_gateway(one.manager)]:
                await self._ask_gateway(kernel)

    async def _ask_gateway(self, kernel: WatchedKernel, after: float = 0) -> None:
        await asyncio.sleep(after)
        try:
            self._look_at(kernel, await kernel.manager.refresh_model())
        except Exception:
            log.info("The gateway does not say how kernel %s is", kernel.id, exc_info=True)

    def _look_at(self, kernel: WatchedKernel, model: dict[str, Any] | None) -> None:
        stream = kernel.remote
        if stream is None:
            return
        if model is None:  # the gateway has ended it
            kernel.others = 0
            stream.close()
            self._ended(kernel, "shutdown")
            self._forget_if_gone(kernel)
            return
        was_used = kernel.others > 0
        kernel.others = max(0, int(model.get("connections") or 0) - stream.is_open)
        if kernel.others:
            stream.resume()
        if model.get("execution_state") == "idle":
            self._take(kernel, kernel.reducer.found_idle(time.time(), since=_last_activity(model)))
            if not kernel.others and not was_used and not kernel.reducer.is_busy:
                stream.close()  # else the gateway takes the kernel for used, and never ends it

    # Runs without a hint

    def _look_up_soon(self, kernel: WatchedKernel) -> None:
        if time.monotonic() - kernel.looked_up_at < LOOKUP_SECONDS:
            return
        kernel.looked_up_at = time.monotonic()
        self._start_task(self._look_up(kernel))

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_up(self, kernel: WatchedKernel) -> None:
        """Read the saved notebook of the kernel's session."""
        try:
            found = await self._notebook_of(kernel.id)
        except Exception:
            log.debug("Cell Monitor could not read the notebook of kernel %s", kernel.id, exc_info=True)
            return
        kernel.take_notebook(found, self._cell_of)


def _last_activity(model: dict[str, Any]) -> float:
    """Return when the gateway last heard of a kernel, or now."""
    try:
        return seconds(str(model["last_activity"]))
    except (KeyError, ValueError):
        return time.time()


def _seconds(date: Any) -> float:
    """Return the time of a header, which is a datetime, or now."""
    try:
        return float(date.timestamp())
    except (AttributeError, ValueError):
        return time.time()
