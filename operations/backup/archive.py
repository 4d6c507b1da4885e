"""The backup file: a tar with a manifest that has the digest of every part.

    manifest.json    versions, migrations, rows by table, and SHA-256 and size of every part
    database.dump    pg_dump's custom format
    events.jsonl     events that were accepted and not yet stored, a stream entry a line; river.jsonl in older backups
    settings.json    the settings of that copy, without secrets
    media/…          uploaded files

Events are copied before the database: whatever was accepted before the backup began is in one or both, and processing
an event twice changes nothing.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.core.files import File

FORMAT = 1
MANIFEST, DUMP, STREAMS, SETTINGS, MEDIA = "manifest.json", "database.dump", "events.jsonl", "settings.json", "media/"
OLDER_STREAMS = "river.jsonl"  # STREAMS in backups of older releases
CHUNK = 1024 * 1024
MAX_MANIFEST_BYTES = 256 * 1024 * 1024  # bytes; a hundred thousand uploads are fifteen
MAX_LINE_BYTES = 64 * 1024 * 1024  # a stream entry is at most as large as one event
MAX_NAME_BYTES, MAX_PATH_BYTES = 240, 2048  # a temporary file has a longer name


class Damaged(Exception):
    """The file is damaged or not a backup."""


@dataclass
class Writer:
    """Write the parts, and at last the manifest."""

    tar: tarfile.TarFile
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_file(self, name: str, file: Path) -> None:
        with file.open("rb") as opened:
            self.add_stream(name, opened, size=os.fstat(opened.fileno()).st_size)

    def add_stream(self, name: str, content: "IO[bytes] | File[bytes]", *, size: int) -> None:
        """Write a part of `size` bytes as it is read."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashing = _Hashing(content)
        self.tar.addfile(info, hashing)
        self.parts[name] = {"sha256": hashing.digest.hexdigest(), "bytes": size}

    def add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, content)
        self.parts[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    def finish(self, about: dict[str, Any]) -> None:
        body = {"format": FORMAT, **about, "parts": self.parts}
        text = json.dumps(body, sort_keys=True)
        whole = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "manifest": body}
        self._add(MANIFEST, json.dumps(whole, indent=1).encode())

    def _add(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o600
        self.tar.addfile(info, io.BytesIO(content))


class _Hashing:
    """A file object that computes the digest of what is read."""

    def __init__(self, file: "IO[bytes] | File[bytes]") -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        read = self.file.read(size)
        self.digest.update(read)
        return read


@contextmanager
def writing(to: Path) -> Iterator[Writer]:
    """Write to a temporary file, readable by its owner only, that is synced and renamed at the end."""
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
    """Check every byte of every part, and return the manifest.

    Raises Damaged for any invalid content, OSError if the file cannot be read.
    """
    try:
        return _verify(file)
    except (Damaged, OSError):
        raise
    except (tarfile.TarError, EOFError) as error:
        raise Damaged(f"no readable backup: {str(error)[:200]}") from None
    except Exception as error:  # malicious content can make a decoder raise anything
        raise Damaged(f"no readable backup ({type(error).__name__})") from None


def _verify(file: Path) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    with tarfile.open(file, "r:") as tar:
        for member in tar:
            # A few bytes of a sparse file can expand to any number of zeros.
            if not member.isreg() or member.issparse() or not _is_expected(member.name):
                raise Damaged(f"{member.name[:200]!r} has no place in a backup")
            if member.name in found or (member.name == MANIFEST and manifest is not None):
                raise Damaged(f"{member.name[:200]!r} is there twice")
            content = tar.extractfile(member)
            assert content is not None
            if member.name == MANIFEST:
                manifest = _manifest(content.read(MAX_MANIFEST_BYTES + 1))
            else:
                digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
                found[member.name] = {"sha256": digest, "bytes": member.size}
    if manifest is None:
        raise Damaged("its end is missing: the backup was not finished, or the file was cut")
    if manifest.get("format") != FORMAT:
        raise Damaged(f"its format is {str(manifest.get('format'))[:40]}, and this version reads {FORMAT}")
    if wrong := [name for name, is_right in SHAPE.items() if not is_right(manifest.get(name))]:
        raise Damaged(f"{MANIFEST}: {', '.join(wrong)} cannot be understood")
    wrong = sorted(name for name in {*found, *manifest["parts"]} if found.get(name) != manifest["parts"].get(name))
    if wrong:
        raise Damaged(f"{', '.join(map(repr, wrong[:5]))[:200]}: not what was written")
    _refuse_clashes(found)
    return manifest


def refuse_incomplete(manifest: dict[str, Any]) -> None:
    """Raise Damaged if a part is missing. Call after the version check: other versions may have other parts."""
    if missing := sorted({DUMP, streams_part(manifest)} - manifest["parts"].keys()):
        raise Damaged(f"{', '.join(missing)}: missing")


def streams_part(manifest: dict[str, Any]) -> str:
    """Return the name of the part that contains the waiting entries."""
    return OLDER_STREAMS if OLDER_STREAMS in manifest["parts"] else STREAMS


def _manifest(content: bytes) -> dict[str, Any]:
    try:
        whole = json.loads(content)
        body: dict[str, Any] = whole["manifest"]
        text = json.dumps(body, sort_keys=True)
        if isinstance(body, dict) and hashlib.sha256(text.encode()).hexdigest() == whole["sha256"]:
            return body
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise Damaged(f"{MANIFEST}: not what was written")


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_number(number) for number in value.values())


TABLE, MIGRATION = re.compile(r"[a-z_][a-z0-9_]{0,62}"), re.compile(r"\w{1,100}\.\w{1,255}", re.ASCII)
# The keys of the manifest that restore() reads.
SHAPE: dict[str, Callable[[Any], bool]] = {
    "parts": lambda value: isinstance(value, dict),
    "rows": lambda value: _is_counts(value) and all(TABLE.fullmatch(name) for name in value),
    "migrations": lambda value: isinstance(value, list) and all(MIGRATION.fullmatch(str(name)) for name in value),
    "postgresql": _is_number,
    "waiting_entries": _is_number,
    "created_at": lambda value: isinstance(value, str),
}


def _is_expected(name: str) -> bool:
    """Return whether a name is that of a part, or a safe path below media/."""
    if name in (MANIFEST, DUMP, STREAMS, OLDER_STREAMS, SETTINGS):
        return True
    path = PurePosixPath(name)
    is_plain = str(path) == name and not path.is_absolute() and ".." not in path.parts and "\0" not in name
    is_short = len(os.fsencode(name)) < MAX_PATH_BYTES and all(
        len(os.fsencode(p)) <= MAX_NAME_BYTES for p in path.parts
    )
    return name.startswith(MEDIA) and len(path.parts) > 1 and is_plain and is_short


def _refuse_clashes(names: Iterable[str]) -> None:
    """Raise Damaged if a path is both a file and a folder, before the restore changes the database."""
    known = set(names)
    for name in known:
        for parent in PurePosixPath(name).parents:
            if str(parent) in known:
                raise Damaged(f"{str(parent)[:200]!r} is a file and a folder")


def extract(file: Path, name: str, to: Path) -> None:
    """Copy a part to a file. The archive must have been verified."""
    with tarfile.open(file, "r:") as tar:
        content = tar.extractfile(name)
        assert content is not None
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("wb") as out:
            while block := content.read(CHUNK):
                out.write(block)


def lines(file: Path, name: str) -> Iterator[Any]:
    """Yield the JSON values of a part with one a line. Raises Damaged."""
    with tarfile.open(file, "r:") as tar:
        content = tar.extractfile(name)
        assert content is not None
        while line := content.readline(MAX_LINE_BYTES):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                raise Damaged(f"{name}: a line of it cannot be understood") from None
