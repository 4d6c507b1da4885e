"""Replace a person's addresses and names in texts that stay.

Each table is read once, as a stream; only rows that name the person are locked, read again and written.

Measured: see docs/privacy.md, Cost.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.utils import IntegrityError
from psycopg import sql

from core.identity import row_number
from core.postgres import execute, fetch_all
from instructors.models import AuditLog
from operations.privacy import data_map, tables
from operations.privacy.matching import Matcher
from operations.privacy.person import Person
from operations.privacy.tables import Model

PAGE = 2_000  # rows per fetch
SAMPLES, AROUND = 3, 24  # samples per table, and characters on each side
MAX_DUPLICATES = 1_000  # values of one unique column that become the same


@dataclass
class Mentions:
    """The number of rows of a table that name the person, and samples."""

    rows: int = 0
    samples: list[str] = field(default_factory=list)


def redact(person: Person) -> dict[str, int]:
    """Replace the person's names by the pseudonym in all tables. Return changed rows by table. Needs a transaction."""
    changed: Counter[str] = Counter()
    for model in tables.readable():
        if found := [pk for pk, _ in _named_rows(model, person.matcher)]:
            changed[model._meta.db_table] = _rewrite(model, found, person)
    changed[Session._meta.db_table] = _end_sessions(person)
    return dict(+changed)


def mentions(person: Person) -> dict[str, Mentions]:
    """Return the rows of each table that name the person, including their own."""
    found: dict[str, Mentions] = {}
    for model in tables.readable():
        for _, values in _named_rows(model, person.matcher):
            table_mentions = found.setdefault(model._meta.db_table, Mentions())
            table_mentions.rows += 1
            if (missing := SAMPLES - len(table_mentions.samples)) > 0:
                table_mentions.samples += _samples(values, person.matcher)[:missing]
    if logins := _named_sessions(person):
        found[Session._meta.db_table] = Mentions(len(logins))
    return found


# --- Finding --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    name: str
    is_json: bool
    is_short: bool  # its whole value may be a name
    has_numbers: bool  # digits in it are a primary key
    length: int | None

    @property
    def as_text(self) -> sql.Composable:
        """Return the column cast to text."""
        return sql.SQL("{}::text").format(sql.Identifier(self.name))

    def cut(self, text: str | None, matcher: Matcher, *, instead: str) -> str | None:
        if text is None or (self.has_numbers and row_number(text) is not None):
            return text
        if self.is_json:
            return matcher.cut_json(text, instead=instead)
        cut = matcher.cut_value(text, instead=instead) if self.is_short else matcher.cut(text, instead=instead)
        return text if cut == text else cut[: self.length]


def _columns(model: Model) -> list[_Column]:
    return [
        _Column(
            name=str(found.column),
            is_json=isinstance(found, models.JSONField),
            is_short=not isinstance(found, models.TextField),
            has_numbers=found.name in data_map.NUMBERS.get(model._meta.label, ()),
            length=found.max_length,
        )
        for found in tables.texts(model)
    ]


def _named_rows(model: Model, matcher: Matcher) -> Iterator[tuple[Any, list[str | None]]]:
    """Yield the primary keys of rows that name the person, with the values of their text columns.

    All texts of a row are concatenated for a first, cheap check.
    """
    columns = _columns(model)
    together = sql.SQL("concat_ws(E'\\n', {})").format(sql.SQL(", ").join([column.as_text for column in columns]))
    scan = sql.SQL("SELECT {}, {} FROM {}").format(_key(model), together, _table(model))
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(scan)
        while rows := cursor.fetchmany(PAGE):
            maybe = [pk for pk, text in rows if matcher.may_name(text)]
            for pk, values in _read(model, columns, maybe).items() if maybe else []:
                if _are_cut(columns, values, matcher):
                    yield pk, values


def _are_cut(columns: list[_Column], values: list[str | None], matcher: Matcher) -> bool:
    return any(column.cut(value, matcher, instead="") != value for column, value in zip(columns, values, strict=True))


def _read(model: Model, columns: list[_Column], keys: list[Any], *, lock: bool = False) -> dict[Any, list[str | None]]:
    said = sql.SQL(", ").join([_key(model), *(column.as_text for column in columns)])
    query = sql.SQL("SELECT {} FROM {} WHERE {} = ANY(%s)").format(said, _table(model), _key(model))
    return {pk: list(values) for pk, *values in fetch_all(query + sql.SQL(" FOR UPDATE" if lock else ""), [keys])}


def _samples(values: list[str | None], matcher: Matcher) -> list[str]:
    """Return the text around the first mention in each column, on one line each."""
    found = [(text, *span) for text in values if text for span in matcher.spans(text)[:1]]
    around = [
        f"{text[max(0, start - AROUND) : start]}[{text[start:end]}]{text[end : end + AROUND]}"
        for text, start, end in found
    ]
    return [f"…{' '.join(each.split())}…" for each in around]


def _table(model: Model) -> sql.Identifier:
    return sql.Identifier(model._meta.db_table)


def _key(model: Model) -> sql.Identifier:
    assert model._meta.pk is not None
    return sql.Identifier(str(model._meta.pk.column))


# --- Changing -------------------------------------------------------------------------------------------------------


def _rewrite(model: Model, keys: list[Any], person: Person) -> int:
    if model is not AuditLog:
        return _write(model, keys, person)
    # Most erasures find nothing here, and then nobody has to wait for the lock.
    with rewriting_audit_log():
        return _write(model, keys, person)


def _write(model: Model, keys: list[Any], person: Person) -> int:
    """Rewrite row by row with the current values, which may have changed since the row was found."""
    columns, changed = _columns(model), 0
    for start in range(0, len(keys), PAGE):
        for pk, values in _read(model, columns, keys[start : start + PAGE], lock=True).items():
            if _are_cut(columns, values, person.matcher):
                _write_row(model, pk, columns, values, person)
                changed += 1
    return changed


def _write_row(model: Model, pk: Any, columns: list[_Column], values: list[str | None], person: Person) -> None:
    """Number the values of a unique column that become equal, as `home/Taro@…` and `home/taro@…` do."""
    for number in range(1, MAX_DUPLICATES):
        instead = person.pseudonym if number == 1 else f"{person.pseudonym}-{number}"
        changes = {
            column: after
            for column, before in zip(columns, values, strict=True)
            if (after := column.cut(before, person.matcher, instead=instead)) != before
        }
        try:
            with transaction.atomic():  # a savepoint
                _update(model, pk, changes)
            return
        except IntegrityError:
            if number == MAX_DUPLICATES - 1:
                raise


def _update(model: Model, pk: Any, changes: dict[_Column, str | None]) -> None:
    if not changes:
        return
    sets = [
        sql.SQL("{} = %s::{}").format(sql.Identifier(column.name), sql.SQL("jsonb" if column.is_json else "text"))
        for column in changes
    ]
    statement = sql.SQL("UPDATE {} SET {} WHERE {} = %s").format(_table(model), sql.SQL(", ").join(sets), _key(model))
    execute(statement, [*changes.values(), pk])


@contextmanager
def rewriting_audit_log() -> Iterator[None]:
    """Disable the trigger that refuses changes for this transaction, with the table locked for writing.

    Only for what the law asks of us. Each use leaves an entry that says what was changed (docs/privacy.md).
    """
    execute("SET CONSTRAINTS ALL IMMEDIATE")  # otherwise pending triggers forbid to alter the table
    execute("ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            execute("ALTER TABLE audit_logs ENABLE TRIGGER audit_logs_append_only")


# --- Logins ---------------------------------------------------------------------------------------------------------


def _named_sessions(person: Person) -> list[str]:
    """Return the sessions whose decoded data names the person."""
    return [session.pk for session in Session.objects.iterator() if person.matcher.names(str(session.get_decoded()))]


def _end_sessions(person: Person) -> int:
    """Delete sessions whose stored messages name the person; their users must log in again."""
    return Session.objects.filter(pk__in=_named_sessions(person)).delete()[0]
