"""Drawing and comparing strangers' notebooks without harm to the process that asks: the only door to the worker.

A web process never imports nbconvert or nbdime: it starts `lms.notebooks.render_worker`, which has limits on time, memory and
output and sees no secrets, at most RUNNING at a time. What came out is kept in files under DATA_DIR by the hash of
what went in: not in Redis, whose memory belongs to the river. MOST_KEPT files at most, a day at most.
"""

import json
import logging
import os
import subprocess
import sys
from functools import cache
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.cache.backends.filebased import FileBasedCache

from lms.notebooks.diff import CellChange
from lms.notebooks.render_worker import OUTPUT

logger = logging.getLogger(__name__)

VERSION = 3  # of what is drawn: another number forgets what is kept
TIMEOUT = 30  # seconds for one notebook, its start included
PATIENCE = 10  # seconds to wait for a turn
RUNNING = 2
MOST_KEPT = 200
KEPT_SECONDS = 86_400

_turns = BoundedSemaphore(RUNNING)


def html_of(content: Any, *, sha256: str) -> str | None:
    """The notebook as safe HTML (see lms.notebooks.rendering); None where it could not be drawn within the limits.

    Two seconds for one that was not drawn lately.
    """
    found = _answer("html", content, key=f"html:{sha256}")
    return found if isinstance(found, str) else None


def changes(old: Any, new: Any, *, old_sha256: str, new_sha256: str) -> list[CellChange] | None:
    """Every cell of both notebooks and what became of it; None where they could not be compared within the limits."""
    found = _answer("diff", {"old": old, "new": new}, key=f"diff:{old_sha256}:{new_sha256}")
    return None if found is None else [CellChange(**each) for each in found]


def forget_kept() -> None:
    """Draw and compare everything anew from now on: what is kept may show what was erased."""
    _kept().clear()


def _answer(task: str, asked: Any, *, key: str) -> Any:
    """What is kept, else what the worker says. That a notebook is too much is kept for a while too."""
    kept = _kept()
    known: str | None = kept.get(f"{VERSION}:{key}")
    if known is None:
        if not _turns.acquire(timeout=PATIENCE):
            return None
        try:
            known = _run(task, asked)
        finally:
            _turns.release()
        kept.set(f"{VERSION}:{key}", known or "null", KEPT_SECONDS if known else 60)
    return json.loads(known or "null")


def _run(task: str, asked: Any) -> str | None:
    """Through files, whose size the system limits; a pipe would be read without end. What it wrote on standard error
    is not logged: that holds parts of the notebook."""
    with TemporaryFile() as said:
        try:
            done = subprocess.run(  # noqa: S603  (our own module, no shell; the notebook goes in as data)
                [sys.executable, "-m", "lms.notebooks.render_worker", task],
                input=json.dumps(asked).encode(),
                stdout=said,
                stderr=subprocess.DEVNULL,
                timeout=TIMEOUT,
                cwd=settings.BASE_DIR,
                env=_environment(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            logger.warning("A notebook took too long (%s)", task)
            return None
        size = os.fstat(said.fileno()).st_size
        if done.returncode or size > OUTPUT:
            logger.warning("A notebook could not be read (%s): exit %s, %s bytes", task, done.returncode, size)
            return None
        said.seek(0)
        return said.read().decode()


def _environment() -> dict[str, str]:
    """Nothing of ours: no secrets, and no settings of a Jupyter on this machine."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "JUPYTER_CONFIG_DIR": "/nonexistent",
        "JUPYTER_NO_CONFIG": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "OPENBLAS_NUM_THREADS": "1",
    }


@cache
def _kept() -> FileBasedCache:
    place = settings.DATA_DIR / "notebooks"
    return FileBasedCache(str(place), {"OPTIONS": {"MAX_ENTRIES": MOST_KEPT, "CULL_FREQUENCY": 4}})
