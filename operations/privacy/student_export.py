"""A copy of everything that is stored of one person, as a zip that they can be given.

    ABOUT.txt               what is what
    student.json            the person's own row
    tables/<table>.json     every row that belongs to the person, with the names of what it refers to
    notebooks/<id>.ipynb    what was handed in, to open in Jupyter
    files/…                 files that these rows name
    audit.json              when staff looked at or changed something of the person's
    mentions.json           how many rows of others name the person; not the rows, which are others'
    not_yet_stored.json     events still on their way

Rows of staff appear as numbers: their names are not the person's data. InfluxDB holds the same events once more.
"""

import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.storage import default_storage
from django.db import models

from core.identity import row_number
from core.json_archive import write_rows
from core.json_values import indented
from core.time_formats import moment_text, zone_name
from events.contract import schema
from events.queue import maintenance, stream
from instructors.models import AuditLog
from lms.models import AssignmentSubmission, Cell, Class, ClassAssignment, Notebook, Session, Student, Team
from operations.privacy import data_map, tables
from operations.privacy.person import Person
from operations.privacy.redaction import mentions

# The column that describes a referenced row.
LABELS: dict[type[models.Model], str] = {
    AssignmentSubmission: "submitted_at",
    Cell: "cell_id",
    Class: "name",
    ClassAssignment: "title",
    Notebook: "path",
    Session: "session_id",
    Team: "team_name",
}
AUDIT = ["id", "occurred_at", "actor_type", "action", "target_type", "target_id", "outcome", "details"]


def export(person: Person, *, to: Path, now: datetime) -> dict[str, int]:
    """Write the zip atomically, readable by its owner only. Return the rows by table. Raises FileExistsError."""
    if to.exists():
        raise FileExistsError(to)
    unfinished = to.with_name(f".{to.name}.new")
    unfinished.unlink(missing_ok=True)
    try:
        with (
            os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            counted = _fill(archive, person, now)
        unfinished.rename(to)
    finally:
        unfinished.unlink(missing_ok=True)
    return counted


def _fill(archive: zipfile.ZipFile, person: Person, now: datetime) -> dict[str, int]:
    counted = {}
    for name, rows in _parts(person):
        counted[name] = write_rows(archive, f"{name}.json", rows)
    _write_notebooks(archive, person.student_ids)
    _write_files(archive, person.student_ids)
    counted_mentions = {name: found.rows for name, found in mentions(person).items()}
    archive.writestr("mentions.json", json.dumps(counted_mentions, indent=2))
    head = f"What Cell Monitor stores of {person.email}, as of {moment_text(now)} ({zone_name()}).\n\n"
    tail = "\n".join(f"{number:8}  {name}" for name, number in counted.items())
    archive.writestr("ABOUT.txt", f"{head}{__doc__}\nRows:\n\n{tail}\n")
    return counted


def _parts(person: Person) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    yield "student", _values(Student.objects.filter(pk__in=person.student_ids))
    for table in tables.owned():
        yield f"tables/{table.model._meta.db_table}", _values(table.rows(person.student_ids))
    for model, keys in tables.parts(person.student_ids).items():
        yield f"tables/{model._meta.db_table}", _values(model._default_manager.filter(pk__in=keys))
    for label in data_map.THEIRS:
        name = apps.get_model(label)._meta.db_table
        yield f"tables/{name}", _values(tables.theirs(label, keys=person.keys, numbers=person.student_ids))
    yield "audit", _audit(person)
    yield "not_yet_stored", _waiting(person)


def _audit(person: Person) -> Iterator[dict[str, Any]]:
    """Yield the entries about the person, by primary key or by a text that an erasure would replace."""
    numbers = set(map(str, person.student_ids))
    for entry in AuditLog.objects.order_by("pk").values(*AUDIT).iterator(chunk_size=1000):
        about = (entry["target_type"] or "").lower() == "student" and entry["target_id"] in numbers
        target = entry["target_id"] or ""
        said = f"{target if row_number(target) is None else ''}\n{json.dumps(entry['details'], ensure_ascii=False)}"
        if about or person.matcher.names(said):
            yield entry


def _values(rows: "models.QuerySet[Any]") -> Iterable[dict[str, Any]]:
    columns = [column.attname for column in rows.model._meta.concrete_fields]
    references = [column for column in rows.model._meta.concrete_fields if isinstance(column, models.ForeignKey)]
    labels = [
        f"{column.name}__{LABELS[column.related_model]}" for column in references if column.related_model in LABELS
    ]
    return rows.order_by("pk").values(*columns, *labels).iterator(chunk_size=1000)


def _waiting(person: Person) -> Iterator[dict[str, Any]]:
    redis = stream.connect()
    try:
        for event in maintenance.events(redis):
            if person.is_called(event.email):
                yield schema.as_sent(event)
    finally:
        redis.close()


def _write_notebooks(archive: zipfile.ZipFile, student_ids: Iterable[int]) -> None:
    handed_in = AssignmentSubmission.objects.filter(student__in=student_ids).exclude(notebook_content=None)
    for submission in handed_in.iterator(chunk_size=20):
        text = indented(submission.notebook_content)
        archive.writestr(f"notebooks/{submission.pk}.ipynb", text)


def _write_files(archive: zipfile.ZipFile, student_ids: Iterable[int]) -> None:
    for table in tables.owned():
        columns = [c.attname for c in table.model._meta.concrete_fields if isinstance(c, models.FileField)]
        for row in table.rows(student_ids).values_list(*columns) if columns else []:
            for name in filter(None, row):
                with default_storage.open(name) as file:
                    archive.writestr(f"files/{name}", file.read())
