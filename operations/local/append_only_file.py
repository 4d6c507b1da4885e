"""Check and repair the append-only files of the embedded Valkey.

    appendonlydir/appendonly.aof.manifest     the list of files, one a line
    appendonlydir/appendonly.aof.N.base.rdb   the data at the last rewrite, with a checksum
    appendonlydir/appendonly.aof.N.incr.aof   every write since, in Valkey's protocol: *3 $3 SET $1 a $1 b

A kill leaves a truncated record at the end, a power cut zeros too. These writes were never acknowledged, so
`truncate_damaged_end()` cuts them off, saves what it cut and reports it. For damage anywhere else it raises, and the
operator may run `manage.py repair_valkey`, which calls `repair()`. Valkey itself would cut off everything after a
damaged length, and would start empty, without a message, if the manifest is missing.
"""

import mmap
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FOLDER, NAME = "appendonlydir", "appendonly.aof"
CUT_OFF = "cut-off"  # the folder for what was cut off
LISTED = re.compile(r'file "?(\S+?)"? seq (\d+) type ([bhi])')
PART = re.compile(re.escape(NAME) + r"\.(\d+)\.(?:base\.(?:rdb|aof)|incr\.aof)")
START = re.compile(rb"\*[1-9]\d{0,6}\r\n\$[1-9]\d{0,2}\r\n[A-Za-z]")
MAX_NUMBER_BYTES = 16  # bytes of a line with a number
MAX_ARGUMENTS = 1024 * 1024
CHUNK = 1024 * 1024

ADVICE = (
    "Nothing was changed. `manage.py repair_valkey` takes out what cannot be read and keeps all the rest, after it has "
    "copied {folder} as it is. Only what waited there to be stored is concerned; what is in PostgreSQL is not."
)


class Damaged(ImproperlyConfigured):
    """A file is damaged; the message names it and says what to do."""


@dataclass(frozen=True)
class ManifestFile:
    """A file of the manifest."""

    name: str
    number: int
    is_base: bool


@dataclass
class Scan:
    """The readable parts of an incremental file. Offsets are in bytes."""

    size: int = 0
    whole: int = 0  # the offset of the first damage; before it are complete records and transactions only
    records: int = 0  # in `good`
    after: int = 0  # complete records after the first damage
    good: list[tuple[int, int]] = field(default_factory=list)  # ranges that can be kept

    @property
    def lost(self) -> int:
        return self.size - sum(end - start for start, end in self.good)


# --- Reading --------------------------------------------------------------------------------------------------------


def parts_of(folder: Path) -> list[ManifestFile]:
    """Return the files that the manifest lists, in its order. Raises ValueError if it cannot be read."""
    text = (folder / f"{NAME}.manifest").read_text(encoding="ascii")
    if not text:
        raise ValueError("it is empty")
    if not text.endswith("\n"):
        raise ValueError("its last line is cut")
    found = []
    for line in text.splitlines():
        listed = LISTED.fullmatch(line.strip())
        if listed is None:
            raise ValueError("a line of it is none of Valkey's")
        if listed[3] != "h":  # history: to be deleted
            found.append(ManifestFile(listed[1], int(listed[2]), listed[3] == "b"))
    return found


def parts_without_manifest(folder: Path) -> list[ManifestFile]:
    """Return the first base and all incremental files of a folder.

    Valkey deletes an old base before its incremental files, so these hold all data; writes that a newer base holds too
    are only applied twice.
    """
    found = sorted((int(match[1]), path.name) for path in folder.iterdir() if (match := _part(path)))
    parts = [ManifestFile(name, number, ".base." in name) for number, name in found]
    return [*[part for part in parts if part.is_base][:1], *[part for part in parts if not part.is_base]]


def _part(path: Path) -> "re.Match[str] | None":
    return PART.fullmatch(path.name)


def scan(file: Path, *, known: Collection[bytes] | None = None) -> Scan:
    """Read an incremental file. With `known` (upper case), a record of any other command counts as damage."""
    if file.stat().st_size == 0:
        return Scan()
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _scan(data, known)


def _scan(data: "mmap.mmap", known: Collection[bytes] | None) -> Scan:
    """Scan the records. A transaction is kept completely or not at all, because half of it would be inconsistent."""
    found, first = Scan(size=len(data)), None
    pending: tuple[int, int, int] | None = None  # start, end and number of records that may still be kept
    state = "plain"  # or "inside" a transaction, or "unsure" about that, after damage
    was_inside = False  # before the damage
    for start, end, name in _items(data, known):
        if name is None:
            first = _first(first, pending[0] if pending and state == "inside" else start)
            if state == "unsure" and not was_inside:
                _keep(found, pending)
            was_inside = state == "inside" or (state == "unsure" and was_inside)
            state, pending = "unsure", None
            continue
        found.after += first is not None
        if name == b"MULTI":
            if state == "unsure":
                _keep(found, pending)
            state, pending = "inside", (start, end, 1)
        elif name == b"EXEC":
            if state == "inside":
                _keep(found, _with(pending, start, end))
            else:  # its MULTI is lost, and records after it may be too
                first = _first(first, start)
            state, pending = "plain", None
        elif state == "plain":
            _keep(found, (start, end, 1))
        else:
            pending = _with(pending, start, end)
    if state == "inside" and pending:
        first = _first(first, pending[0])
    elif state == "unsure" and not was_inside:
        _keep(found, pending)
    found.whole = found.size if first is None else first
    return found


def _first(first: int | None, place: int) -> int:
    return place if first is None else first


def _with(pending: tuple[int, int, int] | None, start: int, end: int) -> tuple[int, int, int]:
    return (start, end, 1) if pending is None else (pending[0], end, pending[2] + 1)


def _keep(found: Scan, stretch: tuple[int, int, int] | None) -> None:
    if stretch is None:
        return
    start, end, records = stretch
    if found.good and found.good[-1][1] == start:
        start = found.good.pop()[0]
    found.good.append((start, end))
    found.records += records


def _items(data: "mmap.mmap", known: Collection[bytes] | None) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield start, end and command of each record; the command is None for a range without a valid record."""
    place = 0
    while place < len(data):
        end, name = _record(data, place)
        if end and (known is None or name in known):
            yield place, end, name
        else:
            end = end or _next_record(data, place + 1)
            yield place, end, None
        place = end


def _next_record(data: "mmap.mmap", place: int) -> int:
    """Return the start of the next complete record; the size of the file if there is none."""
    for found in START.finditer(data, place):
        if _record(data, found.start())[0]:
            return found.start()
    return len(data)


def _record(data: "mmap.mmap", place: int) -> tuple[int, bytes]:
    """Return the end of the record at an offset and its command in upper case; (0, b"") if there is none."""
    count, place = _number(data, b"*", place)
    if not 0 < count <= MAX_ARGUMENTS:
        return 0, b""
    name = b""
    for index in range(count):
        length, begin = _number(data, b"$", place)
        place = begin + length + 2
        if length < 0 or place > len(data) or data[place - 2 : place] != b"\r\n":
            return 0, b""
        if index == 0:
            name = data[begin : begin + length].upper()
    return place, name


def _number(data: "mmap.mmap", kind: bytes, place: int) -> tuple[int, int]:
    """Return the number in a line that starts with `kind`, and the start of the next line; (-1, …) if it is not one."""
    end = data.find(b"\r\n", place, place + MAX_NUMBER_BYTES)
    digits = data[place + 1 : end] if end > place else b""
    if data[place : place + 1] != kind or not digits.isdigit():
        return -1, place
    return int(digits), end + 2


def _checks(server: Path, checker: str, file: Path) -> bool:
    """Return whether a checker accepts a file. The server binary is both checkers too, depending on argv[0]."""
    done = subprocess.run([checker, str(file)], executable=str(server), capture_output=True, check=False)  # noqa: S603
    return done.returncode == 0


def truncate_damaged_end(data_dir: Path, *, server: Path) -> list[str]:
    """Cut off a damaged end and save it. Return messages for the operator. Raises Damaged, and then changes nothing."""
    folder = data_dir / FOLDER
    if not folder.is_dir() or not any(_part(path) for path in folder.iterdir()):
        return []
    advice = ADVICE.format(folder=folder)
    manifest = folder / f"{NAME}.manifest"
    try:
        parts = parts_of(folder)
    except FileNotFoundError:
        raise Damaged(f"{manifest} is missing, so that Valkey would not see its files. {advice}") from None
    except ValueError as error:
        raise Damaged(f"{manifest} cannot be read ({error}). {advice}") from None
    for part in parts:
        if not (folder / part.name).is_file():
            raise Damaged(f"{folder / part.name} is missing. {advice}")
        if part.is_base and not _base_is_whole(folder / part.name, server):
            raise Damaged(f"{folder / part.name} is damaged: its checksum, or its form, is wrong. {advice}")
    writes = [folder / part.name for part in parts if not part.is_base]
    damaged = [(file, scan(file)) for file in writes if not _checks(server, "valkey-check-aof", file)]
    for file, found in damaged:
        if found.after or file != writes[-1]:
            raise Damaged(
                f"{file} is damaged at byte {found.whole} of {found.size}, and {found.after} whole records come "
                f"behind. {advice}"
            )
    return [_cut(file, found) for file, found in damaged if found.whole < found.size]


def _base_is_whole(file: Path, server: Path) -> bool:
    return _checks(server, "valkey-check-rdb" if file.suffix == ".rdb" else "valkey-check-aof", file)


def _cut(file: Path, found: Scan) -> str:
    """Save the end elsewhere, then cut it off. Return the message for the operator."""
    number = f"The last {found.size - found.whole} bytes of {file} are no whole record, as after a power cut"
    kept = file.parent.parent / CUT_OFF / f"{file.name}.{_stamp()}.from-{found.whole}"
    if _copy_end(file, found.whole, kept):
        message = f"{number}. They are cut off, and kept in {kept}"
    else:
        message = f"{number}, but zeros. They are cut off"
    with file.open("r+b") as opened:
        opened.truncate(found.whole)
        os.fsync(opened.fileno())
    return f"{message}. The {found.records} records before them are whole, and nothing else is lost."


def _copy_end(file: Path, start: int, to: Path) -> bool:
    """Copy the end of a file. Return False, without copying, if it has only zeros."""
    with file.open("rb") as opened:
        opened.seek(start)
        if not any(block.strip(b"\0") for block in _blocks(opened.fileno())):
            return False
        to.parent.mkdir(mode=0o700, exist_ok=True)
        opened.seek(start)
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            for block in _blocks(opened.fileno()):
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
    return True


def _blocks(descriptor: int) -> Iterator[bytes]:
    while block := os.read(descriptor, CHUNK):
        yield block


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def repair(data_dir: Path, *, server: Path, known: Collection[bytes]) -> list[str]:
    """Copy the folder, then remove everything from its files that Valkey cannot read.

    Return messages for the operator. `known` has the existing commands in upper case. No server may be running. Raises
    OSError.
    """
    folder = data_dir / FOLDER
    if not folder.is_dir() or not any(_part(path) for path in folder.iterdir()):
        return [f"There is no append-only file in {data_dir}: nothing to repair."]
    copy = folder.with_name(f"{FOLDER}.kept-{_stamp()}")
    shutil.copytree(folder, copy)
    copy.chmod(0o700)
    messages = [f"{folder} is copied to {copy}: delete that when it is no longer needed."]
    try:
        parts = parts_of(folder)
    except (ValueError, FileNotFoundError):
        parts = parts_without_manifest(folder)
        messages.append(f"The manifest is rewritten, from the names of {len(parts)} files.")
    left = []
    for part in parts:
        file = folder / part.name
        if not file.is_file():
            messages.append(f"{part.name} is missing: what it held is lost.")
        elif part.is_base and not _base_is_whole(file, server):
            messages.append(
                f"{part.name} cannot be read: what waited when it was written is lost, {file.stat().st_size} bytes."
            )
            file.unlink()
        else:
            left.append(part)
            messages += [] if part.is_base else [_rewrite(file, scan(file, known=known))]
    manifest = folder / f"{NAME}.manifest"
    _write(manifest, "".join(f"file {p.name} seq {p.number} type {'b' if p.is_base else 'i'}\n" for p in left).encode())
    if not left:
        manifest.unlink()
    return messages


def _rewrite(file: Path, found: Scan) -> str:
    if not found.lost:
        return f"{file.name} is whole: {found.records} records."
    content = file.read_bytes()
    _write(file, b"".join(content[start:end] for start, end in found.good))
    return f"{file.name}: {found.lost} bytes of {found.size} are taken out, {found.records} whole records stay."


def _write(file: Path, content: bytes) -> None:
    """Replace a file atomically, and sync it to disk."""
    unfinished = file.with_name(f"temp-{file.name}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    unfinished.rename(file)
