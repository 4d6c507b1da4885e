"""Erasing a person: from what waits in Redis, from every table, from files, from InfluxDB; in that order, so that
nothing that is on its way comes back behind our back. Then the files of Redis and PostgreSQL are written anew, because
what was deleted still lies in them. Each step may be repeated.

What stays, and why (docs/privacy.md): a grade, without the work, under a pseudonym, because averages and decisions of a
class rest on it; an entry of the audit log, under the same pseudonym, because who looked at what is somebody else's
record as well.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import connection, models, transaction

from events import timeseries
from events.queue import maintenance
from instructors import audit
from lms.models import AssignmentSubmission, Student
from lms.notebooks import render_process
from operations.privacy import data_map, redis_erasure, tables
from operations.privacy.person import Person
from operations.privacy.redaction import redact

# Rows to look through, sessions times executions, from which on an index pays.
WORTH_AN_INDEX = 20_000_000
PATIENCE = 60.0  # seconds for workers to finish what they carry


class CameBack(Exception):
    """Something of the person arrived while we were at it."""


@dataclass
class Report:
    """What was done, by table, key or kind; nothing in it names the person."""

    deleted: Counter[str] = field(default_factory=Counter)
    redacted: dict[str, int] = field(default_factory=dict)
    grades_kept: int = 0
    waiting_events: int = 0
    keys: int = 0
    files: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "deleted": dict(self.deleted)}


def forget(person: Person, *, keep_grades: bool, now: datetime) -> Report:
    """Raises waiting.StillBusy, CameBack, and points.unreachable() where InfluxDB is away: then do it again. Then call
    `remains.clear`."""
    report = Report()
    report.waiting_events = maintenance.remove_person(person.is_called, cut=_in_json(person), patience=PATIENCE)
    with _index_for_sessions(person), transaction.atomic():
        _forget_rows(person, report, keep_grades=keep_grades)
        audit.record(
            action="student_forget",
            actor=None,
            request=None,
            target_type="student",
            target_id=person.student_ids[0] if person.student_ids else None,
            details={"pseudonym": person.pseudonym, **report.as_json()},
        )
    render_process.clear_cache()
    report.keys = redis_erasure.erase(person)
    timeseries.erase(person.spellings, cut=person.cut, now=now)
    if _came_back(person):
        raise CameBack
    return report


def _came_back(person: Person) -> bool:
    """Whether a student of this address is there, or an event of theirs on its way."""
    addresses = Student.objects.values_list("email", flat=True).iterator()
    return any(map(person.is_called, addresses)) or maintenance.mentions(person.is_called)


def _in_json(person: Person) -> Callable[[str], str]:
    return partial(person.matcher.cut_json, instead=person.pseudonym)


def _forget_rows(person: Person, report: Report, *, keep_grades: bool) -> None:
    found = list(Student.objects.select_for_update().filter(pk__in=person.student_ids).order_by("pk"))
    ids = [student.pk for student in found]
    graded: models.QuerySet[AssignmentSubmission] = AssignmentSubmission.objects.none()
    if keep_grades:
        graded = AssignmentSubmission.objects.filter(student__in=ids).exclude(grade=None)
    kept = dict(graded.values_list("pk", "student_id"))
    contents = tables.parts(ids)
    for table in reversed(tables.owned()):
        rows = table.rows(ids)
        if table.model is AssignmentSubmission:
            rows = rows.exclude(pk__in=list(kept))
        report.files += _delete_files(rows)
        report.deleted.update(_named(rows.delete()[1]))
    for model, keys in contents.items():
        report.deleted.update(_named(tables.unreferred(model, keys).delete()[1]))
    for label in data_map.THEIRS:
        report.deleted.update(_named(tables.theirs(label, key=person.key, numbers=person.student_ids).delete()[1]))
    if kept:
        _empty(AssignmentSubmission.objects.filter(pk__in=list(kept)))
    for student in found:
        if student.pk in kept.values():
            _pseudonymise(student, f"{person.pseudonym}.{student.pk}@invalid")
        else:
            report.deleted.update(_named(student.delete()[1]))
    report.grades_kept = len(kept)
    report.redacted = redact(person)


def _named(by_label: dict[str, int]) -> dict[str, int]:
    return {label: number for label, number in by_label.items() if number}


def _empty(rows: "models.QuerySet[AssignmentSubmission]") -> None:
    """The grade stays; what was handed in, and every word about it, goes."""
    texts = [name.name for name in tables.texts(AssignmentSubmission) if name.null]
    rows.update(**dict.fromkeys(texts))


def _pseudonymise(student: Student, address: str) -> None:
    """Every column as in a student who never did anything, so that one added later is covered."""
    for column in Student._meta.concrete_fields:
        if not column.primary_key and column.name != "created_at":
            setattr(student, column.attname, None if column.null else column.get_default())
    student.email = address
    student.save()


def _delete_files(rows: "models.QuerySet[models.Model]") -> int:
    """The files that these rows name, as soon as the rows are gone for good."""
    columns = [column.attname for column in rows.model._meta.concrete_fields if isinstance(column, models.FileField)]
    names = [name for row in rows.values_list(*columns) for name in row if name] if columns else []
    for name in names:
        transaction.on_commit(lambda name=name: default_storage.delete(name))  # type: ignore[misc]
    return len(names)


@contextmanager
def _index_for_sessions(person: Person) -> Iterator[None]:
    """PostgreSQL looks for executions of each session that goes. No index helps it, because each would cost every run
    its upkeep; where there is much to look through, one is made for the while, holding up nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT count(*) FROM sessions WHERE student_id = ANY(%s))
                    * (SELECT reltuples FROM pg_class WHERE oid = 'cell_executions'::regclass)""",
            [list(person.student_ids)],
        )
        [rows] = cursor.fetchone() or [0]
        worth = rows > WORTH_AN_INDEX and not connection.in_atomic_block
        if worth:
            cursor.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS forget_sessions ON cell_executions (session_id)")
    try:
        yield
    finally:
        if worth:
            with connection.cursor() as cursor:
                cursor.execute("DROP INDEX CONCURRENTLY IF EXISTS forget_sessions")
