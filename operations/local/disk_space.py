"""Check that the disk has room for the embedded servers before they start. Without room, each would fail with dozens of
lines of its own, and PostgreSQL would have to recover."""

import shutil
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

MIB = 1024**2
NEW_DATABASE = 160 * MIB  # an empty one with its log, and room to work
NEXT_LOG = 48 * MIB  # three segments of PostgreSQL's log, without which it does not start


def refuse_full_disk(data_dir: Path) -> None:
    """Raise ImproperlyConfigured if the servers could not start for want of space."""
    needed = NEXT_LOG if (data_dir / "postgres").exists() else NEW_DATABASE
    free = shutil.disk_usage(data_dir).free
    if free < needed:
        raise ImproperlyConfigured(
            f"The disk of DATA_DIR ({data_dir}) is full: {free // MIB} MiB are free, and at least {needed // MIB} are "
            "needed to start. Make room, or choose a DATA_DIR on another disk."
        )
