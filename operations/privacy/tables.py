"""Find the tables with data of a student by introspection of the models."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, QuerySet

from core.identity import email_key
from lms.models import Student, StudentClass
from operations.privacy import data_map

Model = type[models.Model]
Text: TypeAlias = "models.Field[Any, Any]"
TEXTS = (models.CharField, models.TextField, models.JSONField, models.GenericIPAddressField, models.FileField)
DELETES = (models.CASCADE, models.PROTECT, models.RESTRICT)


@dataclass(frozen=True, kw_only=True)
class Owned:
    """A table whose rows belong to a student, and the lookup from a row to the student."""

    model: Model
    lookup: str

    def rows(self, student_ids: Iterable[int]) -> "QuerySet[models.Model]":
        return self.model._default_manager.filter(**{f"{self.lookup}__in": list(student_ids)})


def owned() -> list[Owned]:
    """Return the tables with a foreign key to Student (with any on_delete), and those that depend on their rows.

    Nearest first; delete in the opposite order.
    """
    found: dict[Model, str] = {Student: ""}
    waiting: list[tuple[Model, str]] = [(Student, "")]
    while waiting:
        model, lookup = waiting.pop(0)
        for relation in _references(model):
            child, field = relation.related_model, relation.field
            if child not in found and (model is Student or relation.on_delete in DELETES):
                found[child] = f"{field.name}__{lookup}".removesuffix("__")
                waiting.append((child, found[child]))
    return [Owned(model=model, lookup=lookup) for model, lookup in found.items() if model is not Student]


def _references(model: Model) -> "Iterator[models.ManyToOneRel]":
    """Yield the foreign keys to a model, including those without a reverse accessor (`related_name="+"`)."""
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel):
            yield relation


def theirs(label: str, *, keys: Collection[str], numbers: Collection[int]) -> "QuerySet[models.Model]":
    """Return the rows of a table of `data_map.THEIRS` that belong to the person with these keys of addresses or these
    primary keys.

    Reads the columns once.
    """
    columns = data_map.THEIRS[label]
    digits = {str(number) for number in numbers}
    addresses = set(Student.objects.filter(email_key__in=digits).values_list("email_key", flat=True))
    called = {"address": {*keys}, "number": digits, "either": {*keys, *(digits - addresses)}}
    rows: QuerySet[models.Model] = apps.get_model(label)._default_manager.all()
    found = [
        pk
        for pk, *values in rows.values_list("pk", *columns).iterator()
        if any(
            email_key(str(value)) in called[kind] for kind, value in zip(columns.values(), values, strict=True) if value
        )
    ]
    return rows.filter(pk__in=found)


def names_in_rows(student_ids: Iterable[int]) -> list[str]:
    """Return the names and readings of the students in rows with such a column: they may differ between classes."""
    return _in_columns(("name", "reading"), student_ids)


def readings_of_others(student_ids: Collection[int]) -> list[str]:
    """Return the readings of all other students."""
    others = StudentClass.objects.exclude(student__in=student_ids).exclude(reading=None)
    return [reading or "" for reading in others.order_by().values_list("reading", flat=True).distinct()]


def numbers_in_rows(student_ids: Collection[int]) -> list[str]:
    """Return the student numbers in rows of these students that no other student has."""
    found = _in_columns(("student_number",), student_ids)
    others = StudentClass.objects.exclude(student__in=student_ids).filter(student_number__in=found)
    return sorted(set(found) - set(others.values_list("student_number", flat=True)))


def _in_columns(names: Collection[str], student_ids: Iterable[int]) -> list[str]:
    found: set[str] = set()
    for table in owned():
        for column in [] if "__" in table.lookup else table.model._meta.fields:
            if column.name in names and isinstance(column, models.CharField):
                found.update(filter(None, table.rows(student_ids).values_list(column.name, flat=True).distinct()))
    return sorted(found)


def parts(student_ids: Iterable[int]) -> dict[Model, set[Any]]:
    """Return the primary keys of contents of `data_map.PARTS` that rows of the students refer to."""
    found: dict[Model, set[Any]] = {apps.get_model(label): set() for label in data_map.PARTS}
    for table in owned():
        for column in table.model._meta.concrete_fields:
            if isinstance(column, models.ForeignKey) and column.related_model in found:
                keys = table.rows(student_ids).values_list(column.attname, flat=True)
                found[column.related_model].update(key for key in keys if key is not None)
    return found


def unreferred(model: Model, keys: set[Any]) -> "QuerySet[models.Model]":
    """Return those of these contents to which no row refers any more."""
    rows = model._default_manager.filter(pk__in=keys)
    for relation in _references(model):
        column = relation.field
        using = relation.related_model._default_manager.filter(**{column.attname: OuterRef("pk")})
        rows = rows.filter(~Exists(using))
    return rows


def all_models() -> list[Model]:
    """Return all managed models of the project and its libraries."""
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


def texts(model: Model) -> list[Text]:
    """Return the columns that may have a text of or about a student; not those that name staff."""
    of_staff = data_map.OF_STAFF.get(model._meta.label, set())
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, TEXTS) and not field.choices and not field.primary_key and field.name not in of_staff
    ]


def readable() -> list[Model]:
    """Return the tables whose texts may name a person; not those of `data_map.NOBODYS`, nor packed ones."""
    left_out = {*data_map.NOBODYS, "sessions.Session"}
    return [model for model in all_models() if model._meta.label not in left_out and texts(model)]


def undeclared() -> list[str]:
    """Return the tables with texts that `data_map` does not list. Must be empty."""
    known = {table.model for table in owned()} | {Student}
    declared = {*data_map.THEIRS, *data_map.SHARED, *data_map.NOBODYS, *data_map.PARTS}
    return sorted(
        model._meta.label
        for model in all_models()
        if model not in known and model._meta.label not in declared and texts(model)
    )
