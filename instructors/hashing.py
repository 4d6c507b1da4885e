"""Hashing passwords: a few at once, at the end of the processor's line, and never with a connection to the database.

A hash takes a quarter of a second of one core on purpose. Sixteen logins at once would take every core from the events
and pages of the same process, and every connection of its pool from whoever needs one. So hashes run in threads of
their own, AT_ONCE of them; WAITING callers wait their turn, for PATIENCE seconds at most; whoever comes then is told to
try again (`Busy`, which is answered with 503). All passwords come through here, because PASSWORD_HASHERS names
`Hasher`: pages, API, administration, invitations, changes of a password.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher, make_password
from django.db import connections

from core.identity import password_form

WAITING = 32  # callers; with the patience below what a core does in that time
PATIENCE = 10.0  # seconds
NICENESS = 10  # of the threads: whoever does not hash goes first


class Busy(Exception):
    """Too many passwords are being checked already."""


@dataclass
class HashingQueue:
    """Where so many hashes are made at once, in the order in which they came."""

    at_once: int
    waiting: int = WAITING
    patience: float = PATIENCE
    _taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="hash", initializer=_step_back)

    @property
    def is_full(self) -> bool:
        return self._taken >= self.at_once + self.waiting

    def do(self, work: Callable[[], str]) -> str:
        """Wait for one's turn and for the result. Raises Busy."""
        with self._lock:
            if self.is_full:
                raise Busy
            self._taken += 1
        try:
            turn = self._threads.submit(work)
            try:
                return turn.result(self.patience)
            except NotInTime:
                turn.cancel()
                raise Busy from None
        finally:
            with self._lock:
                self._taken -= 1


def _step_back() -> None:
    """Linux alone gives each thread a niceness of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_bench: HashingQueue | None = None
_making = threading.Lock()


def hashing_queue() -> HashingQueue:
    """This process' one; made when the first password comes, because workers and commands check none."""
    global _bench
    with _making:
        if _bench is None:
            _bench = HashingQueue(settings.PASSWORD_HASHES_AT_ONCE)
        return _bench


def refuse_when_full() -> None:
    """Before an attempt is counted against somebody: one that cannot be judged must not count. Raises Busy."""
    if hashing_queue().is_full:
        raise Busy


def _forget() -> None:
    """A fork has none of its parent's threads."""
    global _bench, _making
    _bench, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)


class Hasher(BCryptSHA256PasswordHasher):
    """bcrypt as Django has it, on the bench. Checking a password is encoding it again, so this is the only door."""

    def encode(self, password: str, salt: bytes) -> str:  # type: ignore[override]  # bcrypt's salts are bytes
        release_connections()
        return hashing_queue().do(lambda: super(Hasher, self).encode(password, salt))  # type: ignore[arg-type]


def release_connections() -> None:
    """Give this thread's connections back to the pool; the next query takes one again. In a transaction they stay."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


# --- What is stored in a transaction is hashed before it ------------------------------------------------------------

_ahead: ContextVar[tuple[str, str] | None] = ContextVar("hashed_ahead", default=None)


@contextmanager
def hash_ahead(password: str | None) -> Iterator[None]:
    """Hash it now; whoever sets it inside the block, in a transaction, finds the hash ready. Raises Busy."""
    form = password_form(password) if password else None
    token = _ahead.set((form, make_password(form)) if form else None)
    try:
        yield
    finally:
        _ahead.reset(token)


def hashed(password: str | None) -> str:
    """The hash to store, of a password in its form (`core.identity`): the one made ahead, or a new one."""
    ready = _ahead.get()
    return ready[1] if ready is not None and ready[0] == password else make_password(password)
