"""A class at work in a process of its own: at hundreds of posts a second it would take turns from who watches it."""

import multiprocessing
from collections import Counter
from multiprocessing.connection import Connection
from typing import Any

from tests.faults.classroom import Classroom

ANSWER = 60.0  # seconds within which it says what was accepted


class ClassroomProcess:
    """A context. What `truth.judge` reads of a `Classroom` is there after `end`; until then there is `look`."""

    def __init__(self, **given: Any) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        self.accepted: dict[str, float] = {}
        self.answers: Counter[str] = Counter()
        self.given_up: set[str] = set()
        self.refused: set[str] = set()
        self._looked: list[str] = []
        self._timeout = float(given.get("timeout", 120.0))
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, given), name="classroom", daemon=True)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def __enter__(self) -> "ClassroomProcess":
        self._process.start()
        return self

    def __exit__(self, *problem: object) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()

    @property
    def seen(self) -> int:
        """How many were accepted until the last look."""
        return len(self._looked)

    def look(self) -> list[str]:
        """Return the ids that were accepted since the last look, in that order."""
        more: list[str] = self._ask("look", ANSWER)
        self._looked.extend(more)
        return more

    def end(self) -> None:
        """As `Classroom.end`."""
        whole = self._ask("end", self._timeout + 2 * ANSWER)
        self.sent, self.accepted, self.answers, self.given_up, self.refused = whole

    def _ask(self, word: str, seconds: float) -> Any:
        self._line.send(word)
        assert self._line.poll(seconds), "the class does not answer"
        answer = self._line.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _work(line: Connection, given: dict[str, Any]) -> None:
    looked = 0
    with Classroom(**given) as room:
        while True:
            word = line.recv()
            try:
                if word == "end":
                    room.end()
                    line.send((room.sent, room.accepted, room.answers, room.given_up, room.refused))
                    return
                more = room.order[looked:]
                looked += len(more)
                line.send(more)
            except BaseException as error:
                line.send(error)
                raise
