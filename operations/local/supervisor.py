"""Runs the parts of the product as children: starts them, tells their lines apart, brings back what dies, ends them.

One thread and one loop: `pump` reads what the children say and restarts what has ended; everything that waits, waits
by pumping. A signal only leaves a note, which the loop reads.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, TextIO

from django.conf import settings

from config.logs import as_json, redacted
from operations.local.processes import Program

FIRST_PAUSE, LONGEST_PAUSE, STEADY = 0.5, 10.0, 30.0  # seconds
HOPELESS = 3  # so often a server may end before it has started
TICK = 0.1
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


class Stopped(Exception):
    """Somebody asked us to stop while we were waiting for something."""


class Failed(Exception):
    """Something without which going on makes no sense did not work."""


@dataclass(kw_only=True)
class Child:
    """A program and its present process, if it has one."""

    program: Program
    colour: int
    restart: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float | None = None
    unfinished: bytes = b""
    ends: int = 0  # how often it ended by itself
    last_words: str = ""
    retires_by: float | None = None  # asked to end for good, and killed after this moment

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(kw_only=True)
class Supervisor:
    """Keeps the children running until it is asked to stop."""

    output: TextIO = field(default_factory=lambda: sys.stdout)
    children: list[Child] = field(default_factory=list)
    stops_asked: int = 0
    stopping: bool = False
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def listen(self) -> None:
        """Take Ctrl-C, SIGTERM and the closing of the terminal as the wish to stop; `nohup` keeps the last away."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.stops_asked += 1

    # --- Starting -------------------------------------------------------------------------------------------------

    def start(self, program: Program, *, restart: bool = True) -> Child:
        child = Child(program=program, colour=COLOURS[len(self.children) % len(COLOURS)], restart=restart)
        self.children.append(child)
        self._spawn(child)
        return child

    def _spawn(self, child: Child) -> None:
        child.due, child.started = None, time.monotonic()
        try:
            child.process = child.program.spawn()
        except OSError as error:
            raise Failed(f"{child.program.name} cannot be started: {error}") from error
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self.selector.register(child.process.stdout, selectors.EVENT_READ, child)

    # --- Running --------------------------------------------------------------------------------------------------

    def pump(self, seconds: float = TICK) -> None:
        """One turn: say what the children said, take note of who ended, start again who is due."""
        for key, _ in self.selector.select(seconds):
            self._forward(key.data, key.fileobj)  # type: ignore[arg-type]
        if not self.selector.get_map():
            time.sleep(seconds)
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._ended(child, child.process, now)
            if child.due is not None and child.due <= now and not self.stopping:
                self._spawn(child)
            if child.retires_by is not None and now > child.retires_by:
                self._signal(child, signal.SIGKILL)
        self.children = [child for child in self.children if child.process is not None or child.retires_by is None]

    def _ended(self, child: Child, process: subprocess.Popen[bytes], now: float) -> None:
        code = process.returncode
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        if process.stdout is not None and not process.stdout.closed:
            self._forward(child, process.stdout)
            self._hang_up(child, process.stdout)
        child.process = None
        child.ends += 1
        if self.stopping or not child.restart:
            return
        if now - child.started >= STEADY:
            child.pause = FIRST_PAUSE
        child.due = now + child.pause
        self.say(f"{child.program.name} ended {how}; starting it again in {child.pause:g} s")
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def wait_for(
        self, condition: Callable[[], bool], *, seconds: float, what: str, of: Child | None = None, advice: str = ""
    ) -> None:
        """Pump until it is true. Raises Stopped when asked to stop; Failed when the time is over, and where the child
        that it is about ends again and again, with its last words and the advice."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.stops_asked:
                raise Stopped
            if of is not None and of.ends >= HOPELESS:
                raise Failed(
                    f"{of.program.name} ended {of.ends} times and did not start; its last words: "
                    f"{of.last_words[:300]!r}. {advice}"
                )
            if time.monotonic() > deadline:
                raise Failed(f"{what} did not happen within {seconds:g} s; the lines above say why.")
            self.pump(0.02)

    def finish(self, program: Program) -> int:
        """Run something once, to its end, and answer its exit code."""
        child = self.start(program, restart=False)
        process = child.process
        assert process is not None
        while child.process is not None:
            if self.stops_asked:
                raise Stopped
            self.pump(0.02)
        self.children.remove(child)
        return process.returncode

    def run(self, *, each_turn: Callable[[], None] = lambda: None) -> None:
        while not self.stops_asked:
            self.pump()
            each_turn()

    def retire(self, child: Child) -> None:
        """Ask one child to end, and do not bring it back."""
        child.restart, child.due = False, None
        child.retires_by = time.monotonic() + child.program.patience
        self._signal(child, child.program.stop_signal)

    def replace(self, child: Child) -> None:
        """Kill one child, which does not react; it is brought back like any that died."""
        self._signal(child, signal.SIGKILL)

    # --- Stopping -------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End the children by rank: those who give work before those who do it, those before the servers."""
        self.stopping = True
        self.say("stopping")
        for rank in sorted({child.program.rank for child in self.children}, reverse=True):
            self._end([child for child in self.children if child.program.rank == rank])
        # Who ended between two turns of the loop has last words too.
        for key in list(self.selector.get_map().values()):
            self._forward(key.data, key.fileobj)  # type: ignore[arg-type]
            self._hang_up(key.data, key.fileobj)  # type: ignore[arg-type]
        self.say("stopped")

    def _end(self, children: Iterable[Child]) -> None:
        waiting = [child for child in children if child.alive]
        for child in waiting:
            self._signal(child, child.program.stop_signal)
        asked, began = self.stops_asked, time.monotonic()
        while waiting := [child for child in waiting if child.alive]:
            if self.stops_asked > max(asked, 1):
                asked = self.stops_asked
                for child in waiting:
                    self._signal(child, child.program.hurry_signal)
            for child in waiting:
                if time.monotonic() - began > child.program.patience:
                    self.say(f"{child.program.name} does not end; killing it")
                    self._signal(child, signal.SIGKILL)
            self.pump(0.02)

    @staticmethod
    def _signal(child: Child, number: signal.Signals) -> None:
        """To the child alone, which knows its own; SIGKILL to its whole group, because it can pass nothing on."""
        if child.process is None or child.process.poll() is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(child.process.pid, number)
        else:
            child.process.send_signal(number)

    # --- Saying ---------------------------------------------------------------------------------------------------

    def say(self, line: str, *, child: Child | None = None) -> None:
        """One line under a name. Where nobody reads any more (`up | head`), go on without saying."""
        name, colour = (child.program.name, child.colour) if child else ("up", 1)
        if settings.LOG_FORMAT == "json":
            self._write(line if line.startswith("{") else as_json(line, process=name))
            return
        label = f"{name:<9}|"
        if self.output.isatty():
            label = f"\033[{colour}m{label}\033[0m"
        self._write(f"{label} {redacted(line)}")

    def _write(self, line: str) -> None:
        try:
            self.output.write(f"{line}\n")
            self.output.flush()
        except OSError:
            self.output = open(os.devnull, "w")  # noqa: SIM115

    def _forward(self, child: Child, pipe: IO[bytes]) -> None:
        while True:
            try:
                got = os.read(pipe.fileno(), 65536)
            except BlockingIOError:
                return
            if not got:
                self._hang_up(child, pipe)
                return
            *lines, child.unfinished = (child.unfinished + got).split(b"\n")
            for line in lines:
                said = line.decode(errors="replace").rstrip()
                child.last_words = said or child.last_words
                self.say(said, child=child)

    def _hang_up(self, child: Child, pipe: IO[bytes]) -> None:
        if pipe.closed:
            return
        if child.unfinished:
            self.say(child.unfinished.decode(errors="replace"), child=child)
            child.unfinished = b""
        self.selector.unregister(pipe)
        pipe.close()
