"""Files as the backup writes them, with any content."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from operations.backup import archive

PARTS = [(archive.DUMP, b"PGDMP"), (archive.STREAMS, b"")]


def signed(**changes: object) -> bytes:
    """A manifest whose own checksum is right, whatever it says."""
    body = {
        "format": archive.FORMAT,
        "parts": {},
        "rows": {"students": 0},
        "migrations": ["lms.0001_initial"],
        "postgresql": 18,
        "waiting_entries": 0,
        "created_at": "2026-01-01T00:00:00+00:00",
        **changes,
    }
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps({"sha256": digest, "manifest": body}).encode()


def hostile(file: Path, *members: tuple[str, bytes] | tarfile.TarInfo, **changes: object) -> Path:
    """A tar of ours with these members, each named in the manifest with its right checksum."""
    contents = [each for each in members if isinstance(each, tuple)]
    parts = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in contents}
    with tarfile.open(file, "w") as tar:
        for each in [*members, (archive.MANIFEST, signed(**{"parts": parts, **changes}))]:
            if isinstance(each, tarfile.TarInfo):
                tar.addfile(each)
            else:
                info = tarfile.TarInfo(each[0])
                info.size = len(each[1])
                tar.addfile(info, io.BytesIO(each[1]))
    return file
