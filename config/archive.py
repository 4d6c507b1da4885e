"""The file of a backup: a tar that holds everything, and knows of each part what it must be.

    manifest.json    versions, migrations, rows by table, and SHA-256 and size of every part
    database.dump    pg_dump's custom format
    river.jsonl      events that were accepted and not yet stored, a stream entry a line
    settings.json    the settings of that copy, without secrets
    media/…          what people uploaded

Events are copied before the database is: whatever was accepted before the backup began is in one or both, and coming
twice changes nothing.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

FORMAT = 1
MANIFEST, DUMP, RIVER, SETTINGS, MEDIA = "manifest.json", "database.dump", "river.jsonl", "settings.json", "media/"
CHUNK = 1024 * 1024


class Damaged(Exception):
    """The file is not what was written, or none of ours."""


@dataclass
class Writer:
    """Collects parts; the manifest is written last and names them all."""

    tar: tarfile.TarFile
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_file(self, name: str, file: Path) -> None:
        with file.open("rb") as opened:
            info = self.tar.gettarinfo(arcname=name, fileobj=opened)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            hashing = _Hashing(opened)
            self.tar.addfile(info, hashing)
        self.parts[name] = {"sha256": hashing.digest.hexdigest(), "bytes": info.size}

    def add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, content)
        self.parts[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    def finish(self, about: dict[str, Any]) -> None:
        body = {"format": FORMAT, **about, "parts": self.parts}
        said = json.dumps(body, sort_keys=True)
        whole = {"sha256": hashlib.sha256(said.encode()).hexdigest(), "manifest": body}
        self._add(MANIFEST, json.dumps(whole, indent=1).encode())

    def _add(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o600
        self.tar.addfile(info, io.BytesIO(content))


class _Hashing:
    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        read = self.file.read(size)
        self.digest.update(read)
        return read


@contextmanager
def writing(to: Path) -> Iterator[Writer]:
    """A file that appears under its name when it is complete and on disk, readable for its owner alone."""
    unfinished = to.with_name(f".{to.name}.new")
    unfinished.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(to)
        directory = os.open(to.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        unfinished.unlink(missing_ok=True)


def verify(file: Path) -> dict[str, Any]:
    """The manifest, once every byte of every part was read and is right. Raises Damaged."""
    found: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None or not member.isfile() or not _is_plain(member.name):
                    raise Damaged(f"{member.name!r} has no place in a backup")
                if member.name == MANIFEST:
                    manifest = _manifest(content.read())
                else:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
                    found[member.name] = {"sha256": digest, "bytes": member.size}
    except (tarfile.TarError, EOFError) as error:
        raise Damaged(f"no readable backup: {error}") from None
    if manifest is None:
        raise Damaged("its end is missing: the backup was not finished, or the file was cut")
    if manifest.get("format") != FORMAT:
        raise Damaged(f"its format is {manifest.get('format')}, and this version reads {FORMAT}")
    wrong = sorted(name for name in {*found, *manifest["parts"]} if found.get(name) != manifest["parts"].get(name))
    if wrong:
        raise Damaged(f"{', '.join(wrong[:5])}: not what was written")
    return manifest


def _manifest(content: bytes) -> dict[str, Any]:
    try:
        whole = json.loads(content)
        body: dict[str, Any] = whole["manifest"]
        said = json.dumps(body, sort_keys=True)
        if hashlib.sha256(said.encode()).hexdigest() == whole["sha256"]:
            return body
    except (ValueError, KeyError, TypeError):
        pass
    raise Damaged(f"{MANIFEST}: not what was written")


def _is_plain(name: str) -> bool:
    """A file below a directory: neither a way out of it nor anything but a file."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def extract(file: Path, name: str, to: Path) -> None:
    """Copy one part to a file. The archive was verified before."""
    with tarfile.open(file, "r:") as tar:
        content = tar.extractfile(name)
        assert content is not None
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("wb") as out:
            while block := content.read(CHUNK):
                out.write(block)


def lines(file: Path, name: str) -> Iterator[Any]:
    """A part of one JSON value a line."""
    with tarfile.open(file, "r:") as tar:
        content = tar.extractfile(name)
        assert content is not None
        for line in content:
            yield json.loads(line)
