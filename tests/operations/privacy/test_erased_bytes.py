"""What an erasure does to the files of Redis and PostgreSQL, and what it says where it may not."""

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection

from events import timeseries
from events.queue import maintenance
from events.timeseries import buffer as points_waiting
from lms.models import Class
from operations.privacy import tables, verification
from tests.events.conftest import event, event_pipeline  # noqa: F401 - a fixture

MINE, THEIRS = "hanako@example.com", "ren@example.com"


@pytest.fixture
def limited_redis(redis, settings):
    """An account that may write and read, and nothing that is the operator's."""
    redis.acl_setuser(
        "limited", enabled=True, passwords=["+p"], keys=["*"], categories=["+@all", "-@admin", "-@dangerous"]
    )
    redis.execute_command("ACL", "SETUSER", "limited", "+info")
    at = redis.connection_pool.connection_kwargs
    settings.REDIS_URL = f"redis://limited:p@{at['host']}:{at['port']}/0"
    yield
    redis.acl_deluser("limited")


@pytest.fixture
def uncompressed(redis):
    """So that DUMP, as the append-only file, shows what a stream really holds."""
    redis.config_set("rdbcompression", "no")
    yield redis
    redis.config_set("rdbcompression", "yes")


def test_the_append_only_file_is_rewritten_before_it_returns(redis):
    redis.set("a", MINE)
    redis.delete("a")
    before = redis.info("persistence")
    assert list(verification._redis_file()) == []
    after = redis.info("persistence")
    assert (after["aof_rewrite_in_progress"], after["aof_last_bgrewrite_status"]) == (0, "ok")
    assert after["aof_base_size"] != before["aof_base_size"] or after["aof_current_size"] <= before["aof_current_size"]
    assert after["aof_current_size"] == after["aof_base_size"]


def test_a_redis_that_forbids_it_is_a_sentence(limited_redis):
    [said] = verification._redis_file()
    assert "BGREWRITEAOF" in said
    assert "permission" in said.lower()


def test_a_redis_that_is_away_is_a_sentence(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    [said] = verification._redis_file()
    assert "rewrite its file" in said


def test_a_stream_keeps_no_bytes_of_what_was_taken_out(event_pipeline, uncompressed):  # noqa: F811
    """Redis only marks a deleted entry while others lie beside it."""
    event_pipeline.append(event(emailAddress=THEIRS, userName="Ren", code="x"), event())
    event_pipeline.append(event(), event(emailAddress=THEIRS, userName="Ren", code=f"# {MINE}"))
    streams = [key for key in uncompressed.scan_iter("events:*") if uncompressed.type(key) == b"stream"]
    assert any(MINE.encode() in uncompressed.dump(key) for key in streams)
    maintenance.remove_person(lambda email: email == MINE, cut=lambda text: text.replace(MINE, "X"), timeout=1)
    assert [key for key in streams if MINE.encode() in (uncompressed.dump(key) or b"")] == []
    assert [found.email for found in maintenance.events(uncompressed)] == [THEIRS, THEIRS]


def test_what_a_drain_deleted_before_leaves_too(event_pipeline, uncompressed):  # noqa: F811
    shard_streams = set()
    event_pipeline.append(event(code="secret of hers"))
    event_pipeline.append(event(emailAddress="other@example.com", code="x"))
    for key in uncompressed.scan_iter("events:*"):
        if uncompressed.type(key) == b"stream":
            shard_streams.add(key)
            uncompressed.xadd(key, {"b": b"[]"})
            uncompressed.xdel(key, uncompressed.xrange(key, count=1)[0][0])
    assert any(b"secret of hers" in uncompressed.dump(key) for key in shard_streams)
    maintenance.remove_person(lambda email: email == MINE, cut=str, timeout=1)
    assert [key for key in shard_streams if b"secret of hers" in (uncompressed.dump(key) or b"")] == []


def test_points_that_were_taken_out_leave_no_bytes(uncompressed):
    lines = [f"student_progress,userId={email},event=x a=1i 1000000" for email in (THEIRS, MINE, THEIRS)]
    for line in lines:
        points_waiting.append(uncompressed, [line], now_ms=1)
    timeseries.erase({MINE}, cut=str, now=None)
    assert MINE.encode() not in uncompressed.dump("points:waiting")
    assert timeseries.backlog_status().waiting == 2


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_read_for_long_is_named_and_nobody_waits(monkeypatch):
    monkeypatch.setattr(verification, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(tables, "all_models", lambda: [Class])
    with psycopg.connect(_url()) as reader:
        reader.execute("SELECT * FROM classes")
        [said] = verification._tables()
    assert "VACUUM FULL classes;" in said
    assert list(verification._tables()) == []


@pytest.mark.django_db(transaction=True)
def test_a_large_table_is_left_to_a_quiet_hour(monkeypatch):
    monkeypatch.setattr(verification, "MAX_REWRITTEN_BYTES", -1)
    monkeypatch.setattr(tables, "all_models", lambda: [Class])
    [said] = verification._tables()
    assert "VACUUM FULL classes;" in said


@pytest.mark.django_db(transaction=True)
def test_the_planner_forgets_an_empty_table(monkeypatch):
    monkeypatch.setattr(tables, "all_models", lambda: [Class])
    Class.objects.bulk_create([Class(class_code=f"{MINE}{n}", name=MINE) for n in range(3)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE classes")
        Class.objects.all().delete()
        assert list(verification._tables()) == []
        cursor.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'classes'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_a_postgresql_that_forbids_it_is_a_sentence():
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE limited")
        try:
            cursor.execute("SET ROLE limited")
            [said] = verification._write_ahead_log()
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("DROP ROLE limited")
    assert "CHECKPOINT" in said
    assert "permission" in said


def _url() -> str:
    chosen = django_settings.DATABASES["default"]
    return f"postgresql://{chosen['USER']}@/{connection.settings_dict['NAME']}?host={chosen['HOST']}"
