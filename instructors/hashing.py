"""Password hashing in a bounded thread pool, at low priority and without holding a database connection.

A hash takes a quarter of a second of one core on purpose. Sixteen concurrent logins would take every core from the
events and pages of the same process, and every connection of its pool. So hashes run in PASSWORD_HASHES_AT_ONCE threads
of their own. MAX_WAITING callers may wait, for WAIT_TIMEOUT seconds at most; any other call raises `Busy`, which is
answered with 503. PASSWORD_HASHERS names `Hasher`, so that pages, API, admin site and invitations all use the pool.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher, make_password
from django.db import connections

from core.identity import password_form

MAX_WAITING = 32  # callers: what one core hashes within WAIT_TIMEOUT
WAIT_TIMEOUT = 10.0  # seconds
NICENESS = 10  # of the hashing threads, so that other threads run first


class Busy(Exception):
    """Too many passwords are being hashed already."""


@dataclass
class HashingQueue:
    """A bounded pool of hashing threads. Jobs run in the order of submission."""

    at_once: int
    waiting: int = MAX_WAITING
    timeout: float = WAIT_TIMEOUT
    _taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="hash", initializer=_lower_priority)

    @property
    def is_full(self) -> bool:
        return self._taken >= self.at_once + self.waiting

    def do(self, work: Callable[[], str]) -> str:
        """Run the job in the pool and return its result. Raises Busy if the queue is full or the wait too long."""
        with self._lock:
            if self.is_full:
                raise Busy
            self._taken += 1
        try:
            future = self._threads.submit(work)
            try:
                return future.result(self.timeout)
            except FutureTimeoutError:
                future.cancel()
                raise Busy from None
        finally:
            with self._lock:
                self._taken -= 1


def _lower_priority() -> None:
    """Raise the niceness of the current thread. Only Linux has one for each thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_queue: HashingQueue | None = None
_queue_lock = threading.Lock()


def hashing_queue() -> HashingQueue:
    """Return the queue of this process. It is created with the first password: workers and commands hash none."""
    global _queue
    with _queue_lock:
        if _queue is None:
            _queue = HashingQueue(settings.PASSWORD_HASHES_AT_ONCE)
        return _queue


def refuse_when_full() -> None:
    """Raise Busy if the queue is full. Call it before a login attempt is counted: one that is not checked must not
    count."""
    if hashing_queue().is_full:
        raise Busy


def _reset_after_fork() -> None:
    """Drop the queue: a forked process has none of its parent's threads."""
    global _queue, _queue_lock
    _queue, _queue_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)


class Hasher(BCryptSHA256PasswordHasher):
    """Django's bcrypt hasher in the hashing queue. Verifying a password encodes it again, so it is queued too."""

    def encode(self, password: str, salt: bytes) -> str:  # type: ignore[override]  # bcrypt's salts are bytes
        release_connections()
        return hashing_queue().do(lambda: super(Hasher, self).encode(password, salt))  # type: ignore[arg-type]


def release_connections() -> None:
    """Return this thread's connections to the pool, except those in a transaction. The next query takes one again."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


# --- Hashing before a transaction that stores the hash --------------------------------------------------------------

_hashed_ahead: ContextVar[tuple[str, str] | None] = ContextVar("hashed_ahead", default=None)


@contextmanager
def hash_ahead(password: str | None) -> Iterator[None]:
    """Hash the password now. `set_password` in a transaction inside the block uses this hash. Raises Busy."""
    form = password_form(password) if password else None
    token = _hashed_ahead.set((form, make_password(form)) if form else None)
    try:
        yield
    finally:
        _hashed_ahead.reset(token)


def hashed(password: str | None) -> str:
    """Return the hash to store for a normalised password (`core.identity`): the one of `hash_ahead`, or a new one."""
    ready = _hashed_ahead.get()
    return ready[1] if ready is not None and ready[0] == password else make_password(password)
