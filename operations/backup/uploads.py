"""Uploaded files in backups, wherever they are kept: a folder or a bucket."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages

from operations.backup import archive


def names() -> list[str]:
    """Return the names of all uploads, sorted."""
    return sorted(_below("", storages["default"]))


def _below(folder: str, storage: Storage) -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in (f"{folder}/{file}".lstrip("/") for file in files):
        if not (isinstance(storage, FileSystemStorage) and os.path.islink(storage.path(name))):
            yield name
    for name in (f"{folder}/{found}".lstrip("/") for found in folders):
        if not (isinstance(storage, FileSystemStorage) and os.path.islink(storage.path(name))):
            yield from _below(name, storage)


def add_to(writer: archive.Writer) -> None:
    """Write all uploads. One that is deleted meanwhile is left out."""
    for name in names():
        try:
            opened = default_storage.open(name)
        except FileNotFoundError:
            continue
        with opened as file:
            writer.add_stream(f"{archive.MEDIA}{name}", file, size=file.size)


def restore(file: Path, manifest: dict[str, Any], *, directory: Path) -> None:
    """Restore the files and delete all others: an image of a class that no longer exists must not be served.

    `directory`: for a copy of one file at a time.
    """
    wanted = {name.removeprefix(archive.MEDIA) for name in manifest["parts"] if name.startswith(archive.MEDIA)}
    for name in sorted(wanted):
        copy = directory / "upload"
        archive.extract(file, f"{archive.MEDIA}{name}", copy)
        default_storage.delete(name)
        with copy.open("rb") as content:
            default_storage.save(name, File(content))
        copy.unlink(missing_ok=True)
    for name in set(names()) - wanted:
        default_storage.delete(name)
