"""A database in which every migration ran. The first that asks runs them, which takes four seconds of processor, and
leaves a dump; whoever asks after that, in this run or in the next, reads the dump in a tenth of the time.

The dump is of these sources alone: whatever changes in the product, the migrations run again.
"""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from operations.local.embedded_postgres import MAJOR, PROGRAMS, Postgres
from tests.servers import ROOT, Running, wait_until

KEPT = ROOT / ".pytest_cache"
PACKAGES = ("classroom", "config", "core", "events", "instructors", "lms", "operations", "realtime")


def sources() -> Iterator[Path]:
    """What can decide what a migrated database is like: what is installed, and every module of the product, because
    permissions follow the models and settings choose what is migrated."""
    yield ROOT / "requirements.txt"
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def key() -> str:
    digest = hashlib.sha256(f"{sys.version} {MAJOR}".encode())
    for file in sources():
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:32]


def fill(url: str, *, migrate: Callable[[], None]) -> None:
    """Make the empty database there a migrated one. Only one process at a time migrates or looks whether to."""
    KEPT.mkdir(exist_ok=True)
    dump = KEPT / f"migrated-{key()}.sql"
    with (KEPT / "migrated.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not dump.exists():
            migrate()
            for older in KEPT.glob("migrated-*.sql*"):
                older.unlink()
            unfinished = dump.with_suffix(".sql.new")
            run("pg_dump", "--no-owner", f"--file={unfinished}", url)
            unfinished.rename(dump)
            return
        text = dump.read_bytes()
    read(text, into=url)


def fill_again(url: str) -> None:
    """Make the empty database there a migrated one, where the fixture `migrated` has left a dump."""
    read((KEPT / f"migrated-{key()}.sql").read_bytes(), into=url)


def read(text: bytes, *, into: str) -> None:
    run("psql", "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", into, given=text)


def furnish(data_dir: Path) -> None:
    """Leave the PostgreSQL in the folder of a copy that has not started yet as its first start would have, as
    `fill_again` does. That the first start can do it is for tests/operations/local/test_up.py to say."""
    postgres = Postgres(data_dir=data_dir / "postgres", durable=False)
    postgres.prepare()
    server = Running(program=postgres.program(), log=data_dir / "furnished.log")
    server.start()
    wait_until(postgres.ready, what=f"an answer from PostgreSQL\n{server.tail()}")
    postgres.finish()
    fill_again(postgres.url)
    server.stop()
    server.log.unlink()


def run(program: str, *arguments: str, given: bytes | None = None) -> None:
    done = subprocess.run([PROGRAMS / program, *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
