"""Runs without foreign keys: nothing that a run refers to can be deleted, before it is stored, meanwhile or after."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from events.models import CellExecution, OfflineQueueEntry
from events.processing import pipeline, store
from lms import deletion
from lms.models import Cell, Notebook, Session, Student
from tests.events.conftest import event
from tests.lms.test_one_row_migrations import Older

MODELS = (Student, Notebook, Cell, Session)
ORPHANS = """
    SELECT count(*) FROM cell_executions x
    LEFT JOIN students s ON s.id = x.student_id LEFT JOIN notebooks n ON n.id = x.notebook_id
    LEFT JOIN cells c ON c.id = x.cell_id LEFT JOIN sessions e ON e.id = x.session_id
    WHERE s.id IS NULL OR n.id IS NULL OR c.id IS NULL OR e.id IS NULL"""


def orphans() -> int:
    with connection.cursor() as cursor:
        cursor.execute(ORPHANS)
        return cursor.fetchone()[0]


def other_connection() -> "psycopg.Connection[tuple]":
    where = connection.settings_dict
    return psycopg.connect(
        host=where["HOST"], port=where["PORT"], user=where["USER"], password=where["PASSWORD"], dbname=where["NAME"]
    )


@contextmanager
def batch(event_pipeline, *records) -> Iterator[None]:
    """A worker's transaction that has stored these events and is not committed until the end of the block."""
    event_pipeline.append(*records)
    lease = event_pipeline.lease()
    events = [origin.event for origin in pipeline.decode(lease.read(count=100))]
    with transaction.atomic():
        store.lock_shard(lease.shard)
        store.save(events, rule=pipeline.current_rule(), now=datetime.now(UTC))
        yield
    lease.release()


@pytest.mark.parametrize("model", MODELS)
def test_what_a_run_refers_to_cannot_be_deleted_by_hand(event_pipeline, model):
    event_pipeline.post(event())
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {table}_without_runs IMMEDIATE")
        with (
            pytest.raises(IntegrityError, match=r"still referenced from table \"cell_executions\""),
            transaction.atomic(),
        ):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM cell_executions")
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        assert cursor.rowcount or not model.objects.exists()
        transaction.set_rollback(True)  # other tables refer to it too


@pytest.mark.parametrize("model", MODELS)
def test_a_deletion_takes_the_runs_along(event_pipeline, model):
    event_pipeline.post(event(), event(emailAddress="taro@example.com", notebookPath="b.ipynb", sessionId="other"))
    row = model.objects.order_by("pk").first()
    deletion.delete_row(row)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert CellExecution.objects.count() == 1
    assert not orphans()


@pytest.mark.parametrize("model", MODELS)
def test_nobody_deletes_what_a_batch_has_just_referred_to(event_pipeline, transactional_db, model):
    event_pipeline.post(event("cell_execution_start"), event("notebook_opened"))  # the rows, and no runs yet
    table = model._meta.db_table
    with batch(event_pipeline, event()), other_connection() as other:
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(f"DELETE FROM {table}")
    assert CellExecution.objects.count() == 1
    assert not orphans()


def test_a_deletion_that_had_to_wait_for_a_batch_is_refused(event_pipeline, transactional_db):
    event_pipeline.post(event("notebook_opened"))
    outcomes = []

    def delete_the_session() -> None:
        with other_connection() as other:
            other.execute("DELETE FROM cell_executions")
            other.execute("DELETE FROM sessions")
            try:
                other.commit()
            except psycopg.errors.ForeignKeyViolation as error:
                outcomes.append(error.diag.table_name)

    with batch(event_pipeline, event()):
        thread = threading.Thread(target=delete_the_session)
        thread.start()
        wait_until_blocked()
    thread.join(60)
    assert outcomes == ["cell_executions"]
    assert CellExecution.objects.count() == 1
    assert not orphans()


def test_a_row_that_was_deleted_before_the_batch_is_made_again(event_pipeline, transactional_db):
    event_pipeline.post(event("cell_execution_start"))
    event_pipeline.append(event())
    with other_connection() as other:
        other.execute("DELETE FROM sessions")
        thread = threading.Thread(target=after_a_block, args=(other.commit,))
        thread.start()
        event_pipeline.drain()
        thread.join(60)
    assert CellExecution.objects.count() == 1
    assert not OfflineQueueEntry.objects.exists()
    assert not orphans()


def test_an_event_that_another_shard_stores_at_the_same_moment_is_stored_once(event_pipeline, transactional_db):
    first, twice = event(), event()
    event_pipeline.post(first)
    event_pipeline.append(twice)
    columns = ", ".join(
        each.column
        for each in CellExecution._meta.concrete_fields
        if each.name not in ("id", "event_id", "execution_id")
    )
    with other_connection() as other:
        other.execute(
            f"INSERT INTO cell_executions (event_id, {columns}) SELECT %s, {columns} FROM cell_executions",
            [twice["eventId"]],
        )
        thread = threading.Thread(target=after_a_block, args=(other.commit,))
        thread.start()
        event_pipeline.drain()
        thread.join(60)
    assert CellExecution.objects.filter(event_id=twice["eventId"]).count() == 1
    assert not OfflineQueueEntry.objects.exists()
    assert Student.objects.get().execution_count == 1, "the other shard counts what it stores"


def wait_until_blocked() -> None:
    """Return when a statement waits for a lock of another transaction."""
    with other_connection() as watcher:
        watcher.autocommit = True
        for _ in range(500):
            [waiting] = watcher.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() or (0,)
            if waiting:
                return
            threading.Event().wait(0.01)
    raise AssertionError("nothing waits")


def after_a_block(action) -> None:
    wait_until_blocked()
    action()


def test_the_migration_waits_for_whoever_uses_the_tables_and_keeps_all_runs(postgres_server):
    name = f"runs_{uuid4().hex[:8]}"
    postgres_server.create_database(name)
    url = postgres_server.url_of(name)
    with psycopg.connect(url, autocommit=True) as database, psycopg.connect(url) as reader:
        older = Older(url, database)
        older.migrate((("lms", "0015"), ("events", "0008")))
        student = older.add("students", email="a@example.com", email_key="a@example.com")
        notebook = older.add("notebooks", path="a.ipynb", name="a.ipynb")
        cell = older.add("cells", notebook_id=notebook, cell_id="c")
        session = older.add("sessions", student_id=student, session_id="s")
        for _ in range(3):
            older.add("cell_executions", student_id=student, notebook_id=notebook, cell_id=cell, session_id=session)
        reader.execute("SELECT count(*) FROM cell_executions")  # holds its lock until the end of its transaction
        threading.Timer(8, reader.rollback).start()
        older.migrate((("events", "0009"),))
        assert older.ask("SELECT count(*) FROM cell_executions") == [3]
        constraints = "SELECT contype::text FROM pg_constraint WHERE conrelid = 'cell_executions'::regclass"
        assert sorted(set(older.ask(f"{constraints} AND contype IN ('f', 'u')"))) == ["u"]
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            database.execute("DELETE FROM sessions")
        older.migrate((("events", "0008"),))
        assert len(older.ask(f"{constraints} AND contype IN ('f', 'u')")) == 6
