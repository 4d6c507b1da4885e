"""Append-only files as a kill, a power cut or a bad disk leaves them: what starts, is refused, or is repaired."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis as redis_client
from django.core.management import CommandError, call_command

from operations.local import append_only_file, services
from operations.local.append_only_file import Damaged, scan
from operations.local.embedded_valkey import Valkey, server_program
from operations.local.launch import start_servers
from operations.local.supervisor import StartFailed, Supervisor
from tests.servers import Running, wait_until

ENTRIES = 20  # before the file is written anew, and as many after


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """The folder of a Valkey that was killed: a base, writes, among them transactions of a script and of a client."""
    data_dir = tmp_path_factory.mktemp("written").resolve() / "valkey"
    with serving(data_dir) as link:
        for number in range(ENTRIES):
            link.xadd("events", {"n": number})
        link.bgrewriteaof()
        wait_until(lambda: len(list((data_dir / "appendonlydir").glob("*.2.*"))) == 2, what="new files")
        wait_until(lambda: not link.info("persistence")["aof_rewrite_in_progress"], what="the end of the rewrite")
        wait_until(lambda: not list((data_dir / "appendonlydir").glob("*.1.*")), what="the end of the old files")
        for number in range(ENTRIES, 2 * ENTRIES - 2):
            link.xadd("events", {"n": number})
        with link.pipeline(transaction=True) as pipe:
            pipe.xadd("events", {"n": 2 * ENTRIES - 2}).incr("held").execute()
        link.eval("redis.call('XADD', 'events', '*', 'n', ARGV[1]) redis.call('INCR', 'held')", 0, 2 * ENTRIES - 1)
    return data_dir


class serving:
    """A Valkey on this folder, started as `up` starts it, and killed at the end; `said` is what prepare() said."""

    def __init__(self, data_dir: Path) -> None:
        self.valkey = Valkey(data_dir=data_dir)
        self.said = self.valkey.prepare()

    def __enter__(self) -> redis_client.Redis:
        self.running = Running(program=self.valkey.program(), log=self.valkey.data_dir.with_suffix(".log"))
        self.running.start()
        wait_until(self.valkey.ready, what="an answer from Valkey")
        self.link = redis_client.Redis.from_url(self.valkey.url)
        return self.link

    def __exit__(self, *_: object) -> None:
        self.link.close()
        self.running.kill()


@pytest.fixture
def copy(written, tmp_path) -> Path:
    return Path(shutil.copytree(written, tmp_path.resolve() / "valkey"))


def writes_of(data_dir: Path) -> Path:
    [file] = (data_dir / "appendonlydir").glob("*.incr.aof")
    return file


def base_of(data_dir: Path) -> Path:
    [file] = (data_dir / "appendonlydir").glob("*.base.rdb")
    return file


def numbers(link: redis_client.Redis) -> list[int]:
    return [int(fields[b"n"]) for _, fields in link.xrange("events")]


def start(data_dir: Path) -> tuple[list[str], list[int]]:
    """What is said, and which entries are there."""
    started = serving(data_dir)
    with started as link:
        return started.said, numbers(link)


def last(content: bytes, command: bytes) -> int:
    """Where the last record of this command begins."""
    return content.rindex(b"\r\n*", 0, content.rindex(b"\r\n" + command + b"\r\n")) + 2


def test_what_is_whole_starts_without_a_word(copy):
    before = writes_of(copy).read_bytes()
    assert start(copy) == ([], list(range(2 * ENTRIES)))
    assert writes_of(copy).read_bytes().startswith(before)
    assert append_only_file.truncate_damaged_end(copy.with_name("nowhere"), server=server_program()) == []


ENDS: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "zeros": (lambda content: content + b"\0" * 4096, 0),
    "a cut record": (lambda content: content + b"*5\r\n$4\r\nXADD\r\n$6\r\neve", 0),
    "a cut number": (lambda content: content + b"*", 0),
    "rubbish": (lambda content: content + os.urandom(4096).replace(b"*", b"+"), 0),
    "a cut record, then zeros": (lambda content: content + b"*5\r\n$4\r\nXA" + b"\0" * 8192, 0),
    "a transaction without its end": (lambda content: content[: last(content, b"EXEC")], 1),
    "half of a transaction": (lambda content: content[: last(content, b"XADD")], 1),
    "zeros in the place of the last record": (lambda content: content[: last(content, b"EXEC")] + b"\0" * 14, 1),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_damaged_end_is_cut_off_and_said(copy, end):
    change, lost = ENDS[end]
    file = writes_of(copy)
    whole = file.read_bytes()
    file.write_bytes(damaged := change(whole))
    kept_from = len(whole) if not lost else last(whole, b"MULTI")
    said, found = start(copy)
    assert found == list(range(2 * ENTRIES - lost)), "nothing that was whole is lost"
    [sentence] = said
    assert f"The last {len(damaged) - kept_from} bytes of {file}" in sentence
    assert file.read_bytes() == whole[:kept_from]
    kept = list((copy / "cut-off").glob("*")) if (copy / "cut-off").exists() else []
    if end == "zeros":
        assert "but zeros" in sentence
        assert not kept
    else:
        assert [each.read_bytes() for each in kept] == [damaged[kept_from:]]
        assert str(kept[0]) in sentence
        assert kept[0].stat().st_mode & 0o777 == 0o600
    records = int(re.search(r"The (\d+) records before", sentence)[1])
    assert records == scan(file).records
    assert start(copy)[0] == [], "said once"


def at(content: bytes, part: bytes, number: int, new: bytes) -> bytes:
    """With the n-th of these parts replaced."""
    place = [found.start() for found in re.finditer(re.escape(part), content)][number]
    return content[:place] + new + content[place + len(part) :]


MIDDLES: dict[str, Callable[[bytes], bytes]] = {
    "a flipped mark": lambda content: at(content, b"$4\r\nXADD", 5, b"#4\r\nXADD"),
    "a flipped count": lambda content: at(content, b"*5\r\n", 5, b"*7\r\n"),
    # Valkey by itself would take everything behind it for a cut record, and throw it away.
    "a length beyond the end": lambda content: at(content, b"$4\r\nXADD", 5, b"$9999999\r\nXADD"),
    "zeros over one record": lambda content: at(content, b"*5\r\n$4\r\nXADD\r\n", 5, b"\0" * 14),
    "a lost end of a transaction": lambda content: at(content, b"*1\r\n$4\r\nEXEC\r\n", 0, b"\0" * 14),
    "a lost beginning of a transaction": lambda content: at(content, b"*1\r\n$5\r\nMULTI\r\n", 1, b"\0" * 15),
}
# Which entries a repair loses.
LOST = {
    "a lost end of a transaction": {2 * ENTRIES - 2},
    "a lost beginning of a transaction": {2 * ENTRIES - 1},
}


@pytest.mark.parametrize("middle", MIDDLES)
def test_damage_in_the_middle_is_refused_and_repaired_on_request(copy, settings, middle, capsys):
    settings.DATA_DIR = copy.parent
    file = writes_of(copy)
    file.write_bytes(damaged := MIDDLES[middle](file.read_bytes()))
    before = {path: path.read_bytes() for path in (copy / "appendonlydir").iterdir()}
    with pytest.raises(Damaged) as refusal:
        Valkey(data_dir=copy).prepare()
    sentence = str(refusal.value)
    assert f"{file} is damaged at byte " in sentence
    assert "Nothing was changed" in sentence
    assert "manage.py repair_valkey" in sentence
    assert {path: path.read_bytes() for path in (copy / "appendonlydir").iterdir()} == before
    call_command("repair_valkey")
    said = capsys.readouterr().out
    [kept] = copy.glob("appendonlydir.kept-*")
    assert str(kept) in said
    assert (kept / file.name).read_bytes() == damaged
    assert kept.stat().st_mode & 0o777 == 0o700
    _, found = start(copy)
    assert set(range(2 * ENTRIES)) - set(found) == LOST.get(middle, {ENTRIES + 5})
    assert re.search(r"\d+ bytes of \d+ are taken out, \d+ whole records stay", said)


def test_a_command_that_nobody_knows(copy, settings, capsys):
    """Its form is right, so only Valkey itself can tell: `up` passes on its words and says what to do."""
    file = writes_of(copy)
    file.write_bytes(at(file.read_bytes(), b"XADD", 5, b"XAxD"))
    settings.DATA_DIR = copy.parent
    supervisor = Supervisor(output=(log := (copy.parent / "log").open("w+")))
    child = supervisor.start(prepared(copy).program())
    with pytest.raises(StartFailed) as failure:
        supervisor.wait_for(lambda: False, seconds=60, what="It", of=child, advice=Valkey(data_dir=copy).advice())
    supervisor.stop()
    log.close()
    assert "unknown command" in str(failure.value)
    assert "manage.py repair_valkey" in str(failure.value)
    call_command("repair_valkey")
    assert start(copy)[1] == [number for number in range(2 * ENTRIES) if number != ENTRIES + 5]


def prepared(data_dir: Path) -> Valkey:
    valkey = Valkey(data_dir=data_dir)
    valkey.prepare()
    return valkey


FILES: dict[str, tuple[Callable[[Path], object], str, int]] = {
    "an empty manifest": (lambda copy: manifest(copy).write_bytes(b""), "it is empty", 0),
    "zeros for a manifest": (lambda copy: manifest(copy).write_bytes(b"\0" * 88), "its last line is cut", 0),
    "a cut manifest": (lambda copy: manifest(copy).write_bytes(manifest(copy).read_bytes()[:-5]), "is cut", 0),
    "rubbish for a manifest": (lambda copy: manifest(copy).write_bytes(b"\xff\n"), "cannot be read", 0),
    # Valkey by itself would begin anew, and write over the files.
    "no manifest": (lambda copy: manifest(copy).unlink(), "manifest is missing", 0),
    "a cut base": (lambda copy: os.truncate(base_of(copy), 50), "its checksum, or its form, is wrong", ENTRIES),
    "a flipped base": (lambda copy: flip(base_of(copy), 120), "its checksum, or its form, is wrong", ENTRIES),
    "no base": (lambda copy: base_of(copy).unlink(), ".base.rdb is missing", ENTRIES),
    "no writes": (lambda copy: writes_of(copy).unlink(), ".incr.aof is missing", -ENTRIES),
}


def manifest(copy: Path) -> Path:
    return copy / "appendonlydir" / "appendonly.aof.manifest"


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 0x20
    file.write_bytes(content)


@pytest.mark.parametrize("what", FILES)
def test_other_files_are_refused_and_repaired_too(copy, settings, what, capsys):
    settings.DATA_DIR = copy.parent
    change, words, lost = FILES[what]
    change(copy)
    with pytest.raises(Damaged) as refusal:
        Valkey(data_dir=copy).prepare()
    assert words in str(refusal.value)
    assert "manage.py repair_valkey" in str(refusal.value)
    call_command("repair_valkey")
    whole = list(range(2 * ENTRIES))
    assert start(copy)[1] == (whole[lost:] if lost >= 0 else whole[:lost])


def test_files_of_a_rewrite_that_was_cut_off_lose_nothing(copy, settings):
    """Old and new lie side by side, and no manifest says which are meant."""
    settings.DATA_DIR = copy.parent
    folder = copy / "appendonlydir"
    with serving(copy) as link:
        link.xadd("events", {"n": 2 * ENTRIES})
        old = {path.name: path.read_bytes() for path in folder.iterdir()}
        link.bgrewriteaof()
        wait_until(lambda: (folder / "appendonly.aof.3.base.rdb").exists(), what="a new base")
        wait_until(lambda: not (folder / "appendonly.aof.2.base.rdb").exists(), what="the end of the old base")
        link.xadd("events", {"n": 2 * ENTRIES + 1})
    for name, content in old.items():
        if not name.endswith("manifest"):
            (folder / name).write_bytes(content)
    manifest(copy).unlink()
    call_command("repair_valkey")
    assert start(copy)[1] == list(range(2 * ENTRIES + 2))


def test_repairing_what_is_whole_or_not_there_changes_nothing(copy, settings, tmp_path, capsys):
    settings.DATA_DIR = copy.parent
    before = writes_of(copy).read_bytes()
    call_command("repair_valkey")
    assert "is whole" in capsys.readouterr().out
    assert writes_of(copy).read_bytes() == before
    settings.DATA_DIR = tmp_path / "empty"
    call_command("repair_valkey")
    assert "nothing to repair" in capsys.readouterr().out


def test_it_is_not_repaired_while_it_runs(copy, settings):
    settings.DATA_DIR = copy.parent
    with services.own(copy.parent), pytest.raises(CommandError, match="already runs"):
        call_command("repair_valkey")
    assert not list(copy.glob("appendonlydir.kept-*"))


def test_up_says_what_was_cut_off(copy, monkeypatch):
    """And a refusal ends the start, before anything else runs."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    for name in ("REDIS_URL", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    writes_of(copy).write_bytes(writes_of(copy).read_bytes() + b"\0" * 10)
    with (copy.parent / "log").open("w+") as log:
        supervisor = Supervisor(output=log)
        start_servers(supervisor, copy.parent)
        supervisor.stop()
        log.seek(0)
        assert "The last 10 bytes of" in log.read()
    monkeypatch.delenv("REDIS_URL")
    manifest(copy).unlink()
    with pytest.raises(Damaged):
        start_servers(Supervisor(), copy.parent)


@pytest.fixture(autouse=True)
def _no_address_stays(monkeypatch) -> Iterator[None]:
    """`start_servers` tells its addresses to the environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
