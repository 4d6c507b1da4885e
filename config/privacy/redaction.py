"""Replacing a person's address and name inside texts that stay: one statement a table, in every text column it has.

Each reads its whole table once (60 to 100 MB a second of PostgreSQL's processor) and writes only the rows that name the
person.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, models
from psycopg import sql

from config.privacy import tables
from config.privacy.person import Person
from config.privacy.tables import Model, Text
from instructors.models import AuditLog


@dataclass
class _Column:
    """How one column is searched and what it becomes; values are parameters."""

    condition: sql.Composable
    condition_values: list[str]
    change: sql.Composable
    change_values: list[str] = field(default_factory=list)


def redact(person: Person) -> dict[str, int]:
    """Replace what names the person by the pseudonym, everywhere. Returns rows changed by table. In a transaction."""
    changed = {model._meta.db_table: _redact_table(model, person) for model in tables.readable()}
    changed[Session._meta.db_table] = _end_sessions(person)
    return {table: number for table, number in changed.items() if number}


def mentions(person: Person) -> dict[str, int]:
    """How many rows of each table name the person, changing nothing."""
    found = {}
    for model in tables.readable():
        columns = _columns(model, person)
        if columns:
            where = sql.SQL(" OR ").join([column.condition for column in columns])
            query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(model._meta.db_table), where)
            [[number]] = _run(query, [value for column in columns for value in column.condition_values])
            found[model._meta.db_table] = number
    return {table: number for table, number in found.items() if number}


def _redact_table(model: Model, person: Person) -> int:
    columns = _columns(model, person)
    if not columns:
        return 0
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join([column.change for column in columns]),
        sql.SQL(" OR ").join([column.condition for column in columns]),
    )
    values = [value for column in columns for value in column.change_values]
    values += [value for column in columns for value in column.condition_values]
    if model is not AuditLog:
        return _execute(statement, values)
    # Most erasures find nothing here, and then nobody has to wait for the lock.
    if not mentions_in(model, person):
        return 0
    with rewriting_audit_log():
        return _execute(statement, values)


def mentions_in(model: Model, person: Person) -> bool:
    columns = _columns(model, person)
    where = sql.SQL(" OR ").join([column.condition for column in columns])
    query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE {})").format(sql.Identifier(model._meta.db_table), where)
    [[found]] = _run(query, [value for column in columns for value in column.condition_values])
    return bool(found)


@contextmanager
def rewriting_audit_log() -> Iterator[None]:
    """Its trigger refuses every change; it is off for this transaction, while nobody else may write the table.

    Only for what the law asks of us. Each use leaves an entry that says what was changed (docs/privacy.md).
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else what is pending forbids to alter the table
        cursor.execute("ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE audit_logs ENABLE TRIGGER audit_logs_append_only")


def _columns(model: Model, person: Person) -> list[_Column]:
    columns = [_column(found, person) for found in tables.texts(model)]
    return [column for column in columns if column.condition_values]


def _column(found: Text, person: Person) -> _Column:
    in_json = isinstance(found, models.JSONField)
    name = sql.Identifier(str(found.column))
    value: sql.Composable = sql.SQL("{}::text").format(name) if in_json else name
    conditions: list[sql.Composable] = []
    condition_values, change_values = [], []
    change = value
    for pattern, flags in person.patterns(in_json=in_json):
        operator = sql.SQL("~*" if "i" in flags else "~")
        conditions.append(sql.SQL("{} {} %s::text").format(value, operator))
        condition_values.append(pattern)
        change = sql.SQL("regexp_replace({}, %s::text, %s::text, %s::text)").format(change)
        change_values += [pattern, person.pseudonym, flags]
    for whole in [] if isinstance(found, models.TextField) else person.whole_values:
        said, instead = (_quoted(whole), _quoted(person.pseudonym)) if in_json else (whole, person.pseudonym)
        test = "strpos({}, %s::text) > 0" if in_json else "{} = %s::text"
        conditions.append(sql.SQL(test).format(value))
        condition_values.append(said)
        if in_json:
            change = sql.SQL("replace({}, %s::text, %s::text)").format(change)
        else:
            change = sql.SQL("CASE WHEN {} = %s::text THEN %s::text ELSE {} END").format(name, change)
        # The innermost expression comes first in the statement, but CASE puts its own values before it.
        change_values = [*change_values, said, instead] if in_json else [said, instead, *change_values]
    if in_json:
        change = sql.SQL("({})::jsonb").format(change)
    elif found.max_length is not None:
        change = sql.SQL("left({}, {})").format(change, sql.Literal(found.max_length))
    condition = sql.SQL("({})").format(sql.SQL(" OR ").join(conditions)) if conditions else sql.SQL("false")
    return _Column(condition, condition_values, sql.SQL("{} = {}").format(name, change), change_values)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _end_sessions(person: Person) -> int:
    """Logins whose stored messages name the person end; whose they were logs in again."""
    named = [session.pk for session in Session.objects.iterator() if person.is_named_in(str(session.get_decoded()))]
    return Session.objects.filter(pk__in=named).delete()[0]


def _run(query: sql.Composable, values: list[str]) -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)  # Django hands it on to psycopg
        return [list(row) for row in cursor.fetchall()]


def _execute(statement: sql.Composable, values: list[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
