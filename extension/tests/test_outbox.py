"""The queue on disk: order, limits, adoption, and what a killed process leaves."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cell_monitor_lab import outbox as module_of_outbox
from cell_monitor_lab import queue_file
from cell_monitor_lab import store as module
from cell_monitor_lab.outbox import Outbox
from cell_monitor_lab.store import Item


def event(number, kind="cell_execution_complete", **fields):
    return {
        "eventId": str(number),
        "eventType": kind,
        "eventTime": "2026-11-28T00:00:00.000Z",
        "metadata": {},
        **fields,
    }


def item(number, kind="end", **fields):
    return Item(event(number, **fields), kind)


def ids(outbox):
    return [row.event["eventId"] for row in outbox.batch(100_000, 10**9)]


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox.in_folder(tmp_path)
    yield outbox
    outbox.close()


def test_events_come_out_in_the_order_in_which_they_came_and_once(outbox):
    outbox.add([item(1), item(2)])
    outbox.add([item(2), item(3)])
    assert ids(outbox) == ["1", "2", "3"]
    assert outbox.waiting == 3


def test_batch_is_limited_by_number_and_bytes_but_never_empty(outbox):
    outbox.add([item(number, code="x" * 1000) for number in range(10)])
    assert len(outbox.batch(3, 10**9)) == 3
    assert len(outbox.batch(100, 2500)) == 2
    assert len(outbox.batch(100, 10)) == 1


def test_the_file_is_the_students_alone(outbox):
    assert os.stat(outbox.path).st_mode & 0o777 == 0o600


def test_delivered_and_refused_leave_the_queue_and_can_be_read(outbox):
    outbox.add([item(1), item(2)])
    first, second = outbox.batch(2, 10**9)
    outbox.delivered([first])
    outbox.refused([(second, "no")])
    assert ids(outbox) == []
    assert outbox.sent()[0]["event"]["eventId"] == "1"
    assert outbox.refusals()[0]["reason"] == "no"
    assert outbox.status()["refused"] == 1


def test_the_last_200_that_were_sent_are_kept(outbox):
    outbox.add([item(number) for number in range(250)])
    outbox.delivered(outbox.batch(250, 10**9))
    assert [found["event"]["eventId"] for found in outbox.sent()] == [str(number) for number in range(249, 49, -1)]


def test_a_replaceable_event_waits_once(outbox):
    for number in range(3):
        outbox.add([Item(event(number, "help"), "help", replaces=True)])
    assert ids(outbox) == ["2"]


def test_starts_and_outputs_of_the_oldest_go_first_then_the_oldest(outbox, monkeypatch):
    monkeypatch.setattr(module, "MAX_EVENTS", 100)
    outbox.add([item(f"s{number}", "start") for number in range(40)])
    outbox.add([item(f"e{number}") for number in range(60)])
    assert outbox.waiting == 80
    assert ids(outbox)[:2] == ["s20", "s21"]
    assert outbox.status()["dropped"] == 20
    outbox.add([item(f"f{number}") for number in range(100)])
    assert ids(outbox) == [f"f{number}" for number in range(100)]
    assert outbox.status()["dropped"] == 100


def test_outputs_are_cut_where_bytes_are_short(outbox, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    outbox.add([item(number, result="x" * 9000) for number in range(10)])
    rows = outbox.batch(100, 10**9)
    assert len(rows) == 10
    assert "result" not in rows[0].event
    assert rows[0].event["metadata"]["outputDropped"]
    assert "result" in rows[9].event
    assert outbox.status()["bytes"] <= 80_000
    assert outbox.status()["bytes"] == sum(row.size for row in rows)


def test_what_is_too_old_for_the_product_is_dropped(outbox, monkeypatch):
    outbox.add([item(1)])  # of an earlier process: no clock of this one
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + module.MAX_AGE_SECONDS + 1)
    outbox.add([item(2)])
    assert ids(outbox) == ["2"]
    assert outbox.status()["dropped"] == 1


def test_what_was_recorded_before_a_clock_was_set_right_is_not_too_old(outbox, monkeypatch):
    """A computer without a battery for its clock begins in another year, until it has a network."""
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now - 400 * 86_400)
    outbox.add([Item(event(1), "end", clock_epoch=0)])
    monkeypatch.undo()
    outbox.add([Item(event(2), "end", clock_epoch=1)])
    assert ids(outbox) == ["1", "2"]
    assert outbox.status()["dropped"] == 0


def test_a_file_in_use_is_left_alone_and_an_orphan_is_adopted(tmp_path):
    first = Outbox.in_folder(tmp_path)
    first.add([item(1), Item(event(2), "start", opens="run", unfinished=event("2-end"))])
    first.put("drafts", {"3": {"sha256": "x", "key": "k"}})
    second = Outbox.in_folder(tmp_path)
    assert ids(second) == []
    first.store.db.close()  # as if killed
    third = Outbox.in_folder(tmp_path)
    assert ids(third) == ["1", "2", "2-end"]
    assert third.get("drafts")["3"]["key"] == "k"
    assert len(list(tmp_path.glob("*.sqlite3"))) == 2
    second.close()
    third.close()


def test_a_new_file_needs_no_journal_and_what_comes_into_it_does(tmp_path):
    """Jupyter's server starts meanwhile, and each write to a busy disk takes a tenth of a second."""
    outbox = Outbox.made_in(tmp_path)
    assert [str(path) for path in tmp_path.iterdir()] == [outbox.path]
    db = outbox.store.db
    assert [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")] == ["truncate", 2]
    outbox.add([item(1)])
    assert Path(f"{outbox.path}-journal").exists()
    outbox.close()


def test_what_an_earlier_process_left_is_adopted_apart_from_the_making(tmp_path):
    left = Outbox.in_folder(tmp_path)
    left.add([item(1), item(2)])
    left.store.db.close()
    outbox = Outbox.made_in(tmp_path)
    assert ids(outbox) == []
    assert outbox.adopt_all(tmp_path) == 2
    assert ids(outbox) == ["1", "2"]
    outbox.close()


def test_the_end_of_a_killed_session_is_the_last_time_it_was_seen(tmp_path):
    first = Outbox.in_folder(tmp_path)
    end = event("end", "session_end")
    first.add([Item(event("start", "session_start"), "session_start", opens="session", unfinished=end)])
    first.put("seen_at", 1_800_000_000.0)
    first.store.db.close()
    second = Outbox.in_folder(tmp_path)
    assert second.batch(9, 10**9)[-1].event["eventTime"] == "2027-01-15T08:00:00.000Z"
    second.close()


def test_a_run_that_ended_leaves_nothing_unfinished(tmp_path):
    first = Outbox.in_folder(tmp_path)
    first.add([Item(event(1), "start", opens="run", unfinished=event(2))])
    first.add([Item(event(2), "end", closes="run")])
    first.store.db.close()
    second = Outbox.in_folder(tmp_path)
    assert ids(second) == ["1", "2"]
    second.close()


def test_a_damaged_file_is_set_aside(tmp_path):
    (tmp_path / "x.sqlite3").write_bytes(b"not a database" * 1000)
    outbox = Outbox.in_folder(tmp_path)
    assert (tmp_path / "x.damaged").exists()
    outbox.close()


def test_a_damaged_file_that_cannot_be_set_aside_stops_nobody(tmp_path, monkeypatch):
    (tmp_path / "broken.sqlite3").write_bytes(b"no database" * 1000)

    def read_only(*_args):
        raise OSError("Read-only file system")

    monkeypatch.setattr(Path, "replace", read_only)
    outbox = Outbox.in_folder(tmp_path)
    assert outbox.add([item(1)])
    outbox.close()


def test_an_empty_queue_leaves_no_file(tmp_path):
    Outbox.in_folder(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_without_a_place_for_a_file_it_works_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    outbox = Outbox.in_folder(tmp_path / "file")
    outbox.add([item(1)])
    assert ids(outbox) == ["1"]
    assert not outbox.status()["is_durable"]
    outbox.close()


def test_on_a_full_disk_events_wait_in_memory(outbox, monkeypatch):
    def full(_work):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(outbox.store, "write", full)
        assert not outbox.add([item(1)])
    assert outbox.status()["waiting"] == 1
    assert outbox.add([item(2)])
    assert ids(outbox) == ["1", "2"]


@given(st.lists(st.tuples(st.sampled_from(["add", "deliver", "refuse", "kill"]), st.integers(1, 5)), max_size=25))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_work_and_kills_loses_nothing_and_keeps_the_order(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("queue")
    outbox = Outbox.in_folder(folder)
    expected, number = [], 0
    for what, amount in steps:
        if what == "add":
            outbox.add([item(number + index) for index in range(amount)])
            expected += [str(number + index) for index in range(amount)]
            number += amount
        elif what == "kill":
            outbox.store.db.close()
            outbox = Outbox.in_folder(folder)
        else:
            rows = outbox.batch(amount, 10**9)
            if what == "deliver":
                outbox.delivered(rows)
            else:
                outbox.refused([(row, "no") for row in rows])
            expected = expected[len(rows) :]
        assert ids(outbox) == expected
        assert outbox.waiting == len(expected)
    outbox.close()


WRITER = """
import sys
from pathlib import Path
from cell_monitor_lab.outbox import Outbox
from cell_monitor_lab.store import Item
outbox = Outbox.in_folder(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    event = {"eventId": str(number), "eventType": "cell_execution_complete", "metadata": {}}
    if outbox.add([Item(event, "end")]):
        print(number, flush=True)
    number += 1
"""


def test_kill_9_at_random_moments_loses_nothing_that_was_committed(tmp_path):
    chance = random.Random(7)
    committed, next_number = [], 0
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(next_number)], stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        last = int(lines[-1]) if lines else next_number
        committed += [str(number) for number in range(next_number, last + 1)]
        next_number = last + 1_000_000
    outbox = Outbox.in_folder(tmp_path)
    found = ids(outbox)
    assert set(committed) <= set(found)
    assert len(found) == len(set(found))
    assert found == sorted(found, key=int)
    assert len(list(tmp_path.glob("*.sqlite3"))) == 1
    outbox.close()


def test_half_of_a_surrogate_pair_can_be_kept(outbox):
    outbox.add([item(1, code="\ud83d")])
    assert json.dumps(outbox.batch(1, 10**9)[0].event)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The folder of temporary files of the machine, for this test alone."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def refuse_locks(monkeypatch, refused):
    """Files below `refused` cannot be locked, as on a network file system without a lock service."""
    real = queue_file.open_file

    def open_file(path, timeout=5):
        if str(refused) in path:
            raise sqlite3.OperationalError("database is locked")
        return real(path, timeout)

    monkeypatch.setattr(queue_file, "open_file", open_file)


def test_where_the_home_refuses_locks_the_queue_lies_on_this_machine(tmp_path, elsewhere, monkeypatch):
    home = tmp_path / "home"
    with monkeypatch.context() as patch:
        refuse_locks(patch, home)
        first = Outbox.in_folder(home)
        first.add([item(1)])
        assert first.path.startswith(str(elsewhere))
        assert first.status()["is_durable"]
        first.store.db.close()  # as if killed
        second = Outbox.in_folder(home)
        assert ids(second) == ["1"], "and is found there by the next process"
        second.store.db.close()
    third = Outbox.in_folder(home)
    assert ids(third) == ["1"], "and where the home takes locks again"
    assert third.path.startswith(str(home))
    third.close()


def test_a_folder_of_temporary_files_that_another_user_could_read_is_not_used(tmp_path, elsewhere, monkeypatch):
    home = tmp_path / "home"
    refuse_locks(monkeypatch, home)
    place = queue_file.places(home)[1]
    place.mkdir(mode=0o755)
    place.chmod(0o755)
    outbox = Outbox.in_folder(home)
    assert outbox.path == ":memory:"
    assert not outbox.status()["is_durable"]
    outbox.close()


def test_what_is_in_memory_takes_no_file_from_the_disk(tmp_path, elsewhere, monkeypatch):
    """It would be lost with this process."""
    left = Outbox.in_folder(tmp_path / "home")
    left.add([item(1)])
    left.store.db.close()
    monkeypatch.setattr(module_of_outbox, "new_file", fail)
    outbox = Outbox.in_folder(tmp_path / "home")
    assert ids(outbox) == ["1"]
    assert Path(left.path).exists()
    outbox.close()


def fail(_work):
    raise sqlite3.OperationalError("database or disk is full")


def test_on_a_full_disk_what_comes_is_sent_from_memory_and_once(outbox, monkeypatch):
    outbox.add([item(1)])
    with monkeypatch.context() as patch:
        patch.setattr(outbox.store, "write", fail)
        assert not outbox.add([item(2)])
        assert not outbox.add([item(2), item(3)]), "the page posts again what was not stored"
        assert ids(outbox) == ["1", "2", "3"]
        assert (outbox.waiting, outbox.status()["is_durable"]) == (3, False)
        first, second, third = outbox.batch(9, 10**9)
        outbox.delivered([first, second])
        outbox.refused([(third, "no")])
        assert ids(outbox) == []
        assert outbox.waiting == 0
    assert outbox.add([item(4)])
    assert ids(outbox) == ["4"]
    assert {found["event"]["eventId"] for found in outbox.sent()} == {"1", "2"}
    assert outbox.refusals()[0]["event"]["eventId"] == "3"


def test_a_request_for_help_waits_once_in_memory_too(outbox, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(outbox.store, "write", fail)
        for number in range(3):
            outbox.add([Item(event(number, "help"), "help", is_urgent=True, replaces=True)])
        assert ids(outbox) == ["2"]
        assert outbox.has_urgent()


def test_what_is_too_much_for_memory_is_counted(outbox, monkeypatch):
    monkeypatch.setattr(module_of_outbox, "MAX_HELD", 10)
    with monkeypatch.context() as patch:
        patch.setattr(outbox.store, "write", fail)
        outbox.add([item(number) for number in range(15)])
        assert outbox.status()["dropped"] == 5
    outbox.touch()
    assert ids(outbox) == [str(number) for number in range(5, 15)]
    assert outbox.status()["dropped"] == 5


def test_a_real_full_disk(tmp_path):
    """SQLite is allowed so many pages and no more, which is what it says of a full disk."""
    outbox = Outbox.in_folder(tmp_path)
    outbox.add([item(1)])
    pages = outbox.store.db.execute("PRAGMA page_count").fetchone()[0]
    outbox.store.db.execute(f"PRAGMA max_page_count = {pages}")
    assert not outbox.add([item(2, code="x" * 50_000)])
    assert ids(outbox) == ["1", "2"]
    outbox.store.db.execute("PRAGMA max_page_count = 1000000")
    outbox.touch()
    assert outbox.status()["is_durable"]
    assert ids(outbox) == ["1", "2"]
    outbox.close()


def test_a_file_that_cannot_be_read_any_more_stops_nobody(outbox):
    outbox.add([item(1)])
    outbox.store.db.close()
    assert not outbox.add([item(2)])
    assert ids(outbox) == ["2"]
    assert not outbox.status()["is_durable"]
    outbox.touch()
    outbox.delivered(outbox.batch(9, 10**9))
    assert ids(outbox) == []
