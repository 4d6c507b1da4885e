"""Rendering and comparison of untrusted notebooks in a subprocess.

Web processes do not import nbconvert or nbdime. They start `lms.notebooks.render_worker`, which has limits on time,
memory and output and no access to secrets, at most MAX_RUNNING at a time. Results are cached in files under DATA_DIR by
the hash of the input, MAX_CACHED of them for a day at most: not in Redis, whose memory the event streams need.
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

VERSION = 3  # of the rendering: another number invalidates the cache
TIMEOUT = 30  # seconds for one notebook, its start included
WAIT_TIMEOUT = 10  # seconds to wait while MAX_RUNNING processes run
MAX_RUNNING = 2
MAX_CACHED = 200
CACHE_SECONDS = 86_400

_slots = BoundedSemaphore(MAX_RUNNING)


def html_of(content: Any, *, sha256: str) -> str | None:
    """Return the notebook as safe HTML (see lms.notebooks.rendering); None if it exceeds the limits.

    It takes two seconds unless the result is cached.
    """
    found = _result("html", content, key=f"html:{sha256}")
    return found if isinstance(found, str) else None


def changes(old: Any, new: Any, *, old_sha256: str, new_sha256: str) -> list[CellChange] | None:
    """Return the changes of every cell of both notebooks; None if the comparison exceeds the limits."""
    found = _result("diff", {"old": old, "new": new}, key=f"diff:{old_sha256}:{new_sha256}")
    return None if found is None else [CellChange(**each) for each in found]


def clear_cache() -> None:
    """Delete all cached results: they may show data that was erased."""
    _cache().clear()


def _result(task: str, argument: Any, *, key: str) -> Any:
    """Return the cached result, else that of the worker. Failures are cached for a minute."""
    results = _cache()
    result: str | None = results.get(f"{VERSION}:{key}")
    if result is None:
        if not _slots.acquire(timeout=WAIT_TIMEOUT):
            return None
        try:
            result = _run(task, argument)
        finally:
            _slots.release()
        try:
            results.set(f"{VERSION}:{key}", result or "null", CACHE_SECONDS if result else 60)
        except OSError as error:  # a disk that is full or read-only; the notebook is drawn all the same
            logger.warning("A drawn notebook could not be kept: %s", error.strerror)
    return json.loads(result or "null")


def _run(task: str, argument: Any) -> str | None:
    """Run the worker and return its output as JSON; None if it failed.

    The output goes to a file, whose size the system limits; a pipe has no limit. Standard error is not logged, because
    it contains parts of the notebook.
    """
    with TemporaryFile() as output:
        try:
            done = subprocess.run(  # noqa: S603  (our own module, no shell; the notebook goes in as data)
                [sys.executable, "-m", "lms.notebooks.render_worker", task],
                input=json.dumps(argument).encode(),
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=TIMEOUT,
                cwd=settings.BASE_DIR,
                env=_environment(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            logger.warning("A notebook took too long (%s)", task)
            return None
        size = os.fstat(output.fileno()).st_size
        if done.returncode or size > OUTPUT:
            logger.warning("A notebook could not be read (%s): exit %s, %s bytes", task, done.returncode, size)
            return None
        output.seek(0)
        return output.read().decode()


def _environment() -> dict[str, str]:
    """Return the worker's environment: no secrets, and no settings of a Jupyter on this machine."""
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
def _cache() -> FileBasedCache:
    directory = settings.DRAWN_ROOT or settings.DATA_DIR / "notebooks"
    return FileBasedCache(str(directory), {"OPTIONS": {"MAX_ENTRIES": MAX_CACHED, "CULL_FREQUENCY": 4}})
