"""What `restore` refuses: damaged files, hostile ones, and those of other programs and versions."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from operations.backup import archive, postgres_client
from tests.operations.backup.backup_files import PARTS, hostile
from tests.operations.backup.live_copy import Copy


@pytest.mark.parametrize("what", ["byte", "cut", "part", "other"])
def test_a_file_that_is_not_what_was_written_is_refused(backed_up, tmp_path, what):
    file = tmp_path / "bad.tar"
    content = bytearray(backed_up.read_bytes())
    if what == "byte":
        content[len(content) // 2] ^= 1
    elif what == "cut":
        del content[len(content) * 2 // 3 :]
    file.write_bytes({"other": b"no backup"}.get(what, bytes(content)))
    if what == "part":
        with tarfile.open(file, "a") as tar:
            tar.addfile(tarfile.TarInfo("media/../../evil"))
    with pytest.raises(archive.Damaged):
        archive.verify(file)


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def sparse() -> tarfile.TarInfo:
    """Ten bytes of header that unfold to a petabyte of zeros."""
    info = tarfile.TarInfo("media/zeros")
    info.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**15), "GNU.sparse.realsize": str(10**15)}
    return info


HOSTILE: dict[str, tuple[list[object], dict[str, object], str]] = {
    "a way out": ([*PARTS, ("media/../../evil", b"x")], {}, "no place in a backup"),
    "an absolute way out": ([*PARTS, ("/tmp/evil", b"x")], {}, "no place in a backup"),
    "a folder's own name": ([*PARTS, ("media/.", b"x")], {}, "no place in a backup"),
    "a file that is none of ours": ([*PARTS, ("evil.sh", b"x")], {}, "no place in a backup"),
    "a name that no folder has": ([*PARTS, ("media/" + "n" * 300, b"x")], {}, "no place in a backup"),
    "a link": ([*PARTS, special("media/link", tarfile.SYMTYPE, "/etc/passwd")], {}, "no place in a backup"),
    "a link to nowhere": ([*PARTS, special("database.dump", tarfile.LNKTYPE, "gone")], {}, "no place in a backup"),
    "a device": ([*PARTS, special("media/null", tarfile.CHRTYPE)], {}, "no place in a backup"),
    "a pipe": ([*PARTS, special("media/pipe", tarfile.FIFOTYPE)], {}, "no place in a backup"),
    "a folder": ([*PARTS, special("media/maps", tarfile.DIRTYPE)], {}, "no place in a backup"),
    "a petabyte of zeros": ([*PARTS, sparse()], {}, "no place in a backup"),
    "a part twice": ([*PARTS, PARTS[0]], {}, "is there twice"),
    "a file that is a folder": ([*PARTS, ("media/a", b""), ("media/a/b", b"")], {}, "is a file and a folder"),
    "no database": ([PARTS[1]], {}, "missing"),
    "parts that are none": (PARTS, {"parts": [1, 2]}, "parts cannot be understood"),
    "rows that are none": (PARTS, {"rows": None}, "rows cannot be understood"),
    "SQL for a table": (PARTS, {"rows": {"a; DROP TABLE x": 1}}, "rows cannot be understood"),
    "migrations that are none": (PARTS, {"migrations": "all"}, "migrations cannot be understood"),
    "a version that is none": (PARTS, {"postgresql": "x"}, "postgresql cannot be understood"),
    "another format": (PARTS, {"format": {"a": 1}}, "its format is"),
    "nothing but a manifest": ([], {}, "missing"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_whatever_its_checksums_say(tmp_path, what):
    members, changes, words = HOSTILE[what]
    file = hostile(tmp_path / "bad.tar", *members, **changes)
    with pytest.raises(CommandError, match=rf"bad\.tar is damaged: .*{words}.*\. Nothing was changed\.$"):
        call_command("restore", str(file), "--check")


def with_manifest(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(archive.MANIFEST)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def header(**fields: bytes) -> bytes:
    """A member's header that tarfile itself would not write, with a right checksum."""
    block = bytearray(tarfile.TarInfo("database.dump").tobuf(tarfile.USTAR_FORMAT))
    places = {"size": 124, "type": 156}
    for name, value in fields.items():
        block[places[name] : places[name] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


BYTES = {
    "nothing": b"",
    "zeros": b"\0" * 10240,
    "rubbish": bytes(range(256)) * 100,
    "a gzip": gzip.compress(b"x" * 10_000),
    "a zip": b"PK\x03\x04" + b"\0" * 1000,
    "plain SQL": b"DROP TABLE students;\n" * 1000,
    "JSON without an end": with_manifest(b'{"manifest": '),
    "JSON that is no object": with_manifest(b"[1, 2]"),
    "JSON without a bottom": with_manifest(b"[" * 100_000),
    "a manifest that is no object": with_manifest(
        json.dumps({"manifest": [], "sha256": hashlib.sha256(b"[]").hexdigest()}).encode()
    ),
    "a member of eight exabytes": header(size=b"\x80\0\0\0" + b"\x7f" * 8) + b"\0" * 1024,
    "a size below nothing": header(size=b"\xff" * 12) + b"\0" * 1024,
    "a number that is none": header(size=b"not a size!!") + b"\0" * 1024,
    "a header of pax that is none": header(type=b"x", size=b"00000000010\0") + b"99 size=x\n".ljust(512, b"\0"),
}


@pytest.mark.parametrize("what", BYTES)
def test_any_bytes_are_refused_in_a_sentence(tmp_path, what):
    (tmp_path / "bad.tar").write_bytes(BYTES[what])
    with pytest.raises(CommandError, match=r"bad\.tar is damaged: .*\. Nothing was changed\.$"):
        call_command("restore", str(tmp_path / "bad.tar"), "--check")


def test_a_backup_cut_anywhere_is_refused(backed_up, tmp_path):
    content = backed_up.read_bytes()
    for place in (511, 512, 5000, len(content) // 2, len(content) - 10_240, content.rindex(b'"sha256"')):
        (tmp_path / "cut.tar").write_bytes(content[:place])
        with pytest.raises(archive.Damaged):
            archive.verify(tmp_path / "cut.tar")


def parts_of(backed_up: Path) -> tuple[dict[str, object], bytes, bytes]:
    with tarfile.open(backed_up) as tar:
        return archive.verify(backed_up), *(tar.extractfile(name).read() for name in (archive.DUMP, archive.STREAMS))


def foreign_dump(copy: Copy, tmp_path: Path, tables: list[str]) -> bytes:
    """Another program's database, as pg_dump writes it."""
    address = re.sub(r"/live_\d+\?", "/another?", copy.system.database_url)
    with psycopg.connect(copy.system.database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS another")
        connection.execute("CREATE DATABASE another")
    with psycopg.connect(address) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (app text DEFAULT 'x', name text DEFAULT 'y')")
    programs = postgres_client.directory()
    command = [programs / "pg_dump", f"--dbname={address}", "--format=custom", f"--file={tmp_path / 'dump'}"]
    subprocess.run(command, check=True)
    return (tmp_path / "dump").read_bytes()


def test_what_is_no_backup_of_this_product_changes_nothing(copy, backed_up, tmp_path):
    """Its checksums are right, and its manifest is a true one's: the database in it, or what waited, is not."""
    copy.stop()
    manifest, dump, streams = parts_of(backed_up)
    true = {name: manifest[name] for name in ("rows", "migrations", "postgresql", "waiting_entries", "created_at")}
    ours = ["django_migrations", "instructors", "students", "classes", "audit_logs"]
    before, pictures = copy.counts(), copy.pictures()
    cases = {
        "no dump": ([(archive.DUMP, b"PGDMP" + b"x" * 100), (archive.STREAMS, streams)], true, "cannot be read"),
        "plain SQL": (
            [(archive.DUMP, b"DROP TABLE students;\n"), (archive.STREAMS, streams)], true, "cannot be read",
        ),
        "half a dump": (
            [(archive.DUMP, dump[: len(dump) // 2]), (archive.STREAMS, streams)], true, "Nothing was changed",
        ),
        "another program's": (
            [(archive.DUMP, foreign_dump(copy, tmp_path, ["wp_posts"])), (archive.STREAMS, streams)], true,
            "none of this product's",
        ),
        "another program's with our names": (
            [(archive.DUMP, foreign_dump(copy, tmp_path, [*ours, "wp_posts"])), (archive.STREAMS, streams)],
            {**true, "rows": dict.fromkeys(ours, 0)},
            "the tables differ from the backup's list: wp_posts",
        ),
        "fewer rows than it says": (
            [(archive.DUMP, dump), (archive.STREAMS, streams)],
            {**true, "rows": {**true["rows"], "students": 99}},
            "differs from the backup's count: students",
        ),
        "other migrations than it says": (
            [(archive.DUMP, dump), (archive.STREAMS, streams)], {**true, "migrations": ["lms.0001_initial"]},
            "the restored migrations differ",
        ),
        "no entry of the stream": (
            [(archive.DUMP, dump), (archive.STREAMS, b'[0, "high", "not base64!"]\n')], true,
            "is no entry of the stream",
        ),
        "no line of the stream": ([(archive.DUMP, dump), (archive.STREAMS, b"{]\n")], true, "cannot be understood"),
        "no priority": ([(archive.DUMP, dump), (archive.STREAMS, b'[0, "x", ""]\n')], true, "no entry of the stream"),
    }  # fmt: skip
    for name, (members, changes, words) in cases.items():
        file = hostile(tmp_path / "bad.tar", *members, **changes)
        said = copy.refused("restore", str(file), "--force")
        assert words in said, (name, said)
        assert "Traceback" not in said, name
        [sentence] = [line for line in said.splitlines() if line.startswith("CommandError: ")]
        assert "Nothing was changed" in sentence, name
        assert (copy.counts(), copy.pictures()) == (before, pictures), name
        assert not list(tmp_path.glob(".restore-*")), name


def test_a_dump_that_unfolds_to_more_than_the_disk_is_refused(copy, backed_up, tmp_path):
    """pg_restore may write no more than it was told."""
    (tmp_path / "dump").write_bytes(parts_of(backed_up)[1])
    with pytest.raises(postgres_client.ProgramFailed):
        postgres_client.run_locally(
            "pg_restore", f"--file={tmp_path / 'script'}", str(tmp_path / "dump"), max_bytes=20_000
        )
    assert (tmp_path / "script").stat().st_size <= 20_000


def test_a_backup_of_a_newer_version_is_refused(copy, backed_up, tmp_path):
    manifest = archive.verify(backed_up)
    with archive.writing(tmp_path / "newer.tar") as writer:
        writer.add_bytes(archive.DUMP, b"")
        writer.finish({**manifest, "migrations": [*manifest["migrations"], "lms.9999_later"]})
    before = copy.counts()
    assert "newer version" in copy.refused("restore", str(tmp_path / "newer.tar"), "--force")
    assert copy.counts() == before


def test_a_damaged_file_is_said_by_the_command(copy, tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"no backup")
    assert "is damaged" in copy.refused("restore", str(tmp_path / "bad.tar"))
