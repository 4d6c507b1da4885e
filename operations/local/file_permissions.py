"""Make files of the product private to their owner whatever the umask is: folders 0700, files 0600.

If root starts PostgreSQL, it runs as another user, which must traverse DATA_DIR to its own folder: DATA_DIR then has
that user's group and mode 0710.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

OWN_FOLDERS = ("media", "notebooks", "static", "valkey")  # in a DATA_DIR that holds files of others too
LOOSE = stat.S_IRWXG | stat.S_IRWXO
MASK = 0o077


@contextmanager
def private_files() -> Iterator[None]:
    """Make all files created in the block, by child processes too, private to their owner."""
    before = os.umask(MASK)
    try:
        yield
    finally:
        os.umask(before)


def make_private(data_dir: Path) -> int:
    """Remove the permissions of group and others from existing files. Return the number of changed files and folders.

    Files of other users (PostgreSQL's) are not changed, and links are not followed.
    """
    if data_dir in (Path.home(), *Path.home().parents, settings.BASE_DIR, *settings.BASE_DIR.parents):
        tops = [data_dir / name for name in OWN_FOLDERS] + [
            path for path in data_dir.glob("*") if _is_secret(path.name)
        ]
    else:
        tops = [data_dir]
    changed = 0
    for top in tops:
        changed += _make_private(top)
        for folder, folders, files in os.walk(top):
            # Skip folders of other users.
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
    """Change one file. Return 1 if it was changed; links and files deleted meanwhile are skipped."""
    try:
        mode = path.lstat().st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) or not mode & LOOSE or not _is_mine(path):
            return 0
        path.chmod(stat.S_IMODE(mode) & ~LOOSE)
    except FileNotFoundError:
        return 0
    return 1
