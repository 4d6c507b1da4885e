"""The sockets of this process: who sits here, and in which groups. Plain memory of one event loop."""

import os
import time
import uuid
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Literal, Protocol

AUTHENTICATION_FAILED = 4001  # the code with which a socket closes that proves nobody, or nobody any more

ClientType = Literal["student", "instructor", "dashboard", "admin"]


class Connection(Protocol):
    """What is asked of a socket by those who look after all of them."""

    client_id: str
    kind: ClientType
    room: str | None
    account_id: int | None  # the instructor's
    credential: Hashable | None  # what proved an instructor
    key_id: int | None  # row id of the class key that let somebody in
    ending: bool  # closed by us; the peer has not yet answered
    followed: set[str]  # forms of the students whose runs this socket hears
    connected_at: float  # by time.time()
    heard_at: float  # by time.monotonic(), of the last frame either way

    def send_text(self, text: str) -> None: ...

    def end(self, code: int) -> None: ...

    async def end_idle(self) -> None: ...


class ConnectionRegistry:
    def __init__(self) -> None:
        self.all: set[Connection] = set()
        self.groups: defaultdict[str, set[Connection]] = defaultdict(set)
        self.frames_sent = 0
        self.version = 0  # grows with every change that other processes should hear of
        self._process: tuple[int, str] = (0, "")

    @property
    def process_id(self) -> str:
        """A name of this process; another after a fork."""
        if self._process[0] != os.getpid():
            self._process = (os.getpid(), uuid.uuid4().hex)
        return self._process[1]

    def add(self, socket: Connection) -> None:
        self.all.add(socket)
        self.version += 1

    def remove(self, socket: Connection) -> None:
        if socket in self.all:
            self.all.remove(socket)
            self.version += 1

    def join(self, socket: Connection, group: str) -> None:
        self.groups[group].add(socket)

    def leave(self, socket: Connection, group: str) -> None:
        members = self.groups.get(group)
        if members is not None:
            members.discard(socket)
            if not members:
                del self.groups[group]

    def members(self, groups: Iterable[str]) -> set[Connection]:
        """The sockets of this process in any of these groups."""
        return {socket for group in groups for socket in self.groups.get(group, ())}

    def deliver(self, groups: Iterable[str], text: str) -> int:
        """To the sockets of this process alone, each once however many of the groups it is in. Returns how many."""
        found = self.members(groups)
        for socket in found:
            socket.send_text(text)
        return len(found)

    def idle_since(self, moment: float) -> list[Connection]:
        return [socket for socket in self.all if socket.heard_at < moment]

    def active(self, *, within: float) -> int:
        return len(self.all) - len(self.idle_since(time.monotonic() - within))


connections = ConnectionRegistry()
