"""Run the processes of the product as children: start them, label their output, restart and stop them.

There is one thread and one loop: `pump()` forwards the output and restarts ended children, and everything that waits
calls it. Signal handlers only increment a counter, which the loop reads.
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

MIN_PAUSE, MAX_PAUSE = 0.5, 10.0  # seconds before a restart
STABLE_AFTER = 30.0  # seconds of running after which the pause is reset
MAX_FAILED_STARTS = 3  # of a server
TICK = 0.1
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)


class Stopped(Exception):
    """A stop signal arrived while waiting."""


class StartFailed(Exception):
    """Something that the product needs did not start."""


@dataclass(kw_only=True)
class Child:
    """A program and its current process, if there is one."""

    program: Program
    colour: int
    restart: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = MIN_PAUSE
    due: float | None = None  # when it is restarted
    unfinished: bytes = b""
    ends: int = 0  # how often it ended
    last_line: str = ""
    retires_by: float | None = None  # when it is killed, if it was asked to end for good

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(kw_only=True)
class Supervisor:
    """Keep the children running until a stop signal arrives."""

    output: TextIO = field(default_factory=lambda: sys.stdout)
    children: list[Child] = field(default_factory=list)
    stop_signals: int = 0
    stopping: bool = False
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def listen(self) -> None:
        """Stop on SIGINT, SIGTERM and SIGHUP, except SIGHUP under `nohup`."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._count_signal)

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop_signals += 1

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
            raise StartFailed(f"{child.program.name} cannot be started: {error}") from error
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self.selector.register(child.process.stdout, selectors.EVENT_READ, child)

    # --- Running --------------------------------------------------------------------------------------------------

    def pump(self, seconds: float = TICK) -> None:
        """Run one iteration: forward output, handle ended children, and restart those that are due."""
        for key, _ in self.selector.select(seconds):
            self._forward(key.data, key.fileobj)  # type: ignore[arg-type]
        if not self.selector.get_map():
            time.sleep(seconds)
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._handle_end(child, child.process, now)
            if child.due is not None and child.due <= now and not self.stopping:
                self._spawn(child)
            if child.retires_by is not None and now > child.retires_by:
                self._signal(child, signal.SIGKILL)
        self.children = [child for child in self.children if child.process is not None or child.retires_by is None]

    def _handle_end(self, child: Child, process: subprocess.Popen[bytes], now: float) -> None:
        code = process.returncode
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        if process.stdout is not None and not process.stdout.closed:
            self._forward(child, process.stdout)
            self._close_output(child, process.stdout)
        child.process = None
        child.ends += 1
        if self.stopping or not child.restart:
            return
        if now - child.started >= STABLE_AFTER:
            child.pause = MIN_PAUSE
        child.due = now + child.pause
        self.say(f"{child.program.name} ended {how}; starting it again in {child.pause:g} s")
        child.pause = min(child.pause * 2, MAX_PAUSE)

    def wait_for(
        self, condition: Callable[[], bool], *, seconds: float, what: str, of: Child | None = None, advice: str = ""
    ) -> None:
        """Pump until the condition is true.

        Raises Stopped on a stop signal; StartFailed after the timeout, or after MAX_FAILED_STARTS of the child `of`,
        with its last line of output and the advice.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if self.stop_signals:
                raise Stopped
            if of is not None and of.ends >= MAX_FAILED_STARTS:
                raise StartFailed(
                    f"{of.program.name} ended {of.ends} times and did not start; its last words: "
                    f"{of.last_line[:300]!r}. {advice}"
                )
            if time.monotonic() > deadline:
                raise StartFailed(f"{what} did not happen within {seconds:g} s; the lines above say why.")
            self.pump(0.02)

    def finish(self, program: Program) -> int:
        """Run a program to its end. Return its exit code. Raises Stopped."""
        child = self.start(program, restart=False)
        process = child.process
        assert process is not None
        while child.process is not None:
            if self.stop_signals:
                raise Stopped
            self.pump(0.02)
        self.children.remove(child)
        return process.returncode

    def run(self, *, each_turn: Callable[[], None] = lambda: None) -> None:
        while not self.stop_signals:
            self.pump()
            each_turn()

    def retire(self, child: Child) -> None:
        """Stop a child for good."""
        child.restart, child.due = False, None
        child.retires_by = time.monotonic() + child.program.stop_timeout
        self._signal(child, child.program.stop_signal)

    def replace(self, child: Child) -> None:
        """Kill a child that does not react; it is restarted like any other."""
        self._signal(child, signal.SIGKILL)

    # --- Stopping -------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the children by rank: the producers of work before the workers, and these before the servers."""
        self.stopping = True
        self.say("stopping")
        for rank in sorted({child.program.rank for child in self.children}, reverse=True):
            self._end([child for child in self.children if child.program.rank == rank])
        # Output of children that ended between two iterations.
        for key in list(self.selector.get_map().values()):
            self._forward(key.data, key.fileobj)  # type: ignore[arg-type]
            self._close_output(key.data, key.fileobj)  # type: ignore[arg-type]
        self.say("stopped")

    def _end(self, children: Iterable[Child]) -> None:
        waiting = [child for child in children if child.alive]
        for child in waiting:
            self._signal(child, child.program.stop_signal)
        signals, began = self.stop_signals, time.monotonic()
        while waiting := [child for child in waiting if child.alive]:
            if self.stop_signals > max(signals, 1):
                signals = self.stop_signals
                for child in waiting:
                    self._signal(child, child.program.hurry_signal)
            for child in waiting:
                if time.monotonic() - began > child.program.stop_timeout:
                    self.say(f"{child.program.name} does not end; killing it")
                    self._signal(child, signal.SIGKILL)
            self.pump(0.02)

    @staticmethod
    def _signal(child: Child, number: signal.Signals) -> None:
        """Signal the child, which handles its own children; SIGKILL goes to the whole process group."""
        if child.process is None or child.process.poll() is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(child.process.pid, number)
        else:
            child.process.send_signal(number)

    # --- Output ---------------------------------------------------------------------------------------------------

    def say(self, line: str, *, child: Child | None = None, may_be_secret: bool = False) -> None:
        """Write a line with a label. After the reader has gone (`up | head`), drop the output.

        Secrets are redacted, except in a line that the person at the terminal needs: `may_be_secret`.
        """
        name, colour = (child.program.name, child.colour) if child else ("up", 1)
        if settings.LOG_FORMAT == "json":
            self._write(line if line.startswith("{") else as_json(line, process=name))
            return
        label = f"{name:<9}|"
        if self.output.isatty():
            label = f"\033[{colour}m{label}\033[0m"
        self._write(f"{label} {line if may_be_secret else redacted(line)}")

    def _write(self, line: str) -> None:
        try:
            self.output.write(f"{line}\n")
            self.output.flush()
        except OSError:
            self.output = open(os.devnull, "w")  # noqa: SIM115

    def _forward(self, child: Child, pipe: IO[bytes]) -> None:
        while True:
            try:
                data = os.read(pipe.fileno(), 65536)
            except BlockingIOError:
                return
            if not data:
                self._close_output(child, pipe)
                return
            *lines, child.unfinished = (child.unfinished + data).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                child.last_line = text or child.last_line
                self.say(text, child=child)

    def _close_output(self, child: Child, pipe: IO[bytes]) -> None:
        if pipe.closed:
            return
        if child.unfinished:
            self.say(child.unfinished.decode(errors="replace"), child=child)
            child.unfinished = b""
        self.selector.unregister(pipe)
        pipe.close()
