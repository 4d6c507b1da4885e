"""Erase a person from the event streams, the tables, the files and InfluxDB.

The order matters: waiting events would create the rows again. Then `verification.clear()` rewrites the files of Redis
and PostgreSQL, which still contain deleted data. Each step is idempotent.

Two things stay under a pseudonym (docs/privacy.md): grades, without the work, because averages of the class depend on
them; and audit log entries, because they are also the record of the staff who acted.
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

from core.postgres import execute, fetch_all
from events import timeseries
from events.queue import maintenance
from instructors import audit
from lms.models import AssignmentSubmission, Student
from lms.notebooks import render_process
from operations.privacy import data_map, redis_erasure, tables
from operations.privacy.person import Person
from operations.privacy.redaction import redact

# Sessions times executions above which a temporary index pays.
WORTH_AN_INDEX = 20_000_000
DRAIN_TIMEOUT = 60.0  # seconds for workers to finish their batches


class StudentCameBack(Exception):
    """New events of the person arrived during the erasure."""


@dataclass
class Report:
    """Numbers of what was done; nothing in it names the person."""

    deleted: Counter[str] = field(default_factory=Counter)
    redacted: dict[str, int] = field(default_factory=dict)
    grades_kept: int = 0
    waiting_events: int = 0
    keys: int = 0
    files: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "deleted": dict(self.deleted)}


def forget(person: Person, *, keep_grades: bool, now: datetime) -> Report:
    """Erase a person and record that in the audit log. Call `verification.clear()` afterwards.

    Raises maintenance.StillBusy, StudentCameBack, and timeseries.unreachable() if InfluxDB is away; then run it again.
    """
    report = Report()
    report.waiting_events = maintenance.remove_person(person.is_called, cut=_in_json(person), timeout=DRAIN_TIMEOUT)
    with _index_for_sessions(person), transaction.atomic():
        _forget_rows(person, report, keep_grades=keep_grades)
        audit.record(
            "student_forget",
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
        raise StudentCameBack
    return report


def _came_back(person: Person) -> bool:
    """Return whether there is a student with this address, or one of their events waits."""
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
        report.deleted.update(_named(tables.theirs(label, keys=person.keys, numbers=person.student_ids).delete()[1]))
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
    """Clear the submitted work and all texts about it; the grade stays."""
    texts = [name.name for name in tables.texts(AssignmentSubmission) if name.null]
    rows.update(**dict.fromkeys(texts))


def _pseudonymise(student: Student, address: str) -> None:
    """Reset every column to its default, including columns added later, and set a pseudonymous address."""
    for column in Student._meta.concrete_fields:
        if not column.primary_key and column.name != "created_at":
            setattr(student, column.attname, None if column.null else column.get_default())
    student.email = address
    student.save()


def _delete_files(rows: "models.QuerySet[models.Model]") -> int:
    """Delete the files that these rows name after the commit. Return their number."""
    columns = [column.attname for column in rows.model._meta.concrete_fields if isinstance(column, models.FileField)]
    names = [name for row in rows.values_list(*columns) for name in row if name] if columns else []
    for name in names:
        transaction.on_commit(lambda name=name: default_storage.delete(name))  # type: ignore[misc]
    return len(names)


@contextmanager
def _index_for_sessions(person: Person) -> Iterator[None]:
    """Create a temporary index for the foreign key check of deleted sessions, if there are many executions.

    A permanent index would cost every insert; it is created concurrently, so that it blocks no writes.
    """
    [[rows]] = fetch_all(
        """SELECT (SELECT count(*) FROM sessions WHERE student_id = ANY(%s))
                * (SELECT reltuples FROM pg_class WHERE oid = 'cell_executions'::regclass)""",
        [list(person.student_ids)],
    )
    worth = rows > WORTH_AN_INDEX and not connection.in_atomic_block
    if worth:
        execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS forget_sessions ON cell_executions (session_id)")
    try:
        yield
    finally:
        if worth:
            execute("DROP INDEX CONCURRENTLY IF EXISTS forget_sessions")
