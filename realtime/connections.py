"""The sockets of this process and their groups, in memory. Used from one event loop, so it needs no locks."""

import os
import time
import uuid
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Literal, Protocol

AUTHENTICATION_FAILED = 4001  # close code: the credential is missing, not valid or no longer valid

ClientType = Literal["student", "instructor", "dashboard", "admin"]


class Connection(Protocol):
    """The part of a socket that the registry and the background tasks use."""

    client_id: str
    kind: ClientType
    room: str | None
    account_id: int | None  # the instructor's
    credential: Hashable | None  # the instructor's session or token
    key_id: int | None  # row id of the class key
    token_id: int | None  # row id of the student token
    class_ids: set[int]  # the classes of the instructor's through which this socket hears of students
    ending: bool  # closed by the server; the peer has not answered yet
    followed: set[str]  # forms of the students whose runs this socket receives
    connected_at: float  # by time.time()
    heard_at: float  # by time.monotonic(): last frame in either direction

    def send_text(self, text: str) -> None: ...

    def end(self, code: int) -> None: ...

    async def end_idle(self) -> None: ...


class ConnectionRegistry:
    def __init__(self) -> None:
        self.all: set[Connection] = set()
        self.groups: defaultdict[str, set[Connection]] = defaultdict(set)
        self.frames_sent = 0
        self.version = 0  # incremented by every change that has to be written to Redis
        self._process: tuple[int, str] = (0, "")

    @property
    def process_id(self) -> str:
        """Return the random id of this process; a forked process gets a new one."""
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
        """Return the sockets of this process that are in any of these groups."""
        return {socket for group in groups for socket in self.groups.get(group, ())}

    def deliver(self, groups: Iterable[str], text: str) -> int:
        """Send `text` once to each socket of this process that is in any of the groups; return their number."""
        sockets = self.members(groups)
        for socket in sockets:
            socket.send_text(text)
        return len(sockets)

    def idle_since(self, moment: float) -> list[Connection]:
        """Return the sockets without a frame in either direction since `moment` (time.monotonic())."""
        return [socket for socket in self.all if socket.heard_at < moment]

    def active(self, *, within: float) -> int:
        """Return the number of sockets with a frame in the last `within` seconds."""
        return len(self.all) - len(self.idle_since(time.monotonic() - within))


connections = ConnectionRegistry()
