"""Files of the product are their owner's alone, whatever the umask: folders 0700, files 0600.

Where PostgreSQL runs as a user of its own (root started it), that user must pass through DATA_DIR to its folder, which
is its own: DATA_DIR is then 0710, of its group. Nobody else gets in.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

OURS = ("media", "notebooks", "static", "valkey")  # what is in a DATA_DIR that holds other things too
LOOSE = stat.S_IRWXG | stat.S_IRWXO
MASK = 0o077


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever is made inside of the block, by children too, is the owner's alone."""
    before = os.umask(MASK)
    try:
        yield
    finally:
        os.umask(before)


def make_private(data_dir: Path) -> int:
    """Take from others what they may do with what is there already; of others' files (PostgreSQL's) nothing is touched.
    Links are not followed. Returns how many files and folders were changed."""
    if data_dir in (Path.home(), *Path.home().parents, settings.BASE_DIR, *settings.BASE_DIR.parents):
        tops = [data_dir / name for name in OURS] + [path for path in data_dir.glob("*") if _is_secret(path.name)]
    else:
        tops = [data_dir]
    changed = 0
    for top in tops:
        changed += _make_private(top)
        for folder, folders, files in os.walk(top):
            # A folder of somebody else is theirs, with all that is in it.
            folders[:] = [name for name in folders if _is_mine(Path(folder, name))]
            changed += sum(_make_private(Path(folder, name)) for name in (*folders, *files))
    return changed


def _is_secret(name: str) -> bool:
    return name in ("secret_key", "demo_password", "demo_class_key", "services.json", "up.lock")


def _is_mine(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _make_private(path: Path) -> int:
    """Files that come and go meanwhile are passed over, and links."""
    try:
        mode = path.lstat().st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) or not mode & LOOSE or not _is_mine(path):
            return 0
        path.chmod(stat.S_IMODE(mode) & ~LOOSE)
    except FileNotFoundError:
        return 0
    return 1
