"""No table of the product may know a student without the commands for privacy requests knowing the table."""

from django.apps import apps
from django.db import models

from lms.models import Student
from operations.privacy import data_map, tables


def test_every_table_with_texts_is_reached_from_the_student_or_declared() -> None:
    assert tables.undeclared() == [], "say in operations/privacy/data_map.py what these tables may know of a student"


def test_no_reference_to_a_student_is_overlooked() -> None:
    found = {table.model for table in tables.owned()}
    referring = {
        model
        for model in tables.all_models()
        for column in model._meta.concrete_fields
        if isinstance(column, models.ForeignKey) and column.related_model is Student
    }
    assert referring
    assert referring <= found


def test_what_lives_from_rows_of_a_student_is_found_too() -> None:
    lookups = {table.model._meta.db_table: table.lookup for table in tables.owned()}
    assert lookups["environment_analyses"] == "snapshot__student"
    assert lookups["cell_executions"] == "student"


def test_a_new_table_with_texts_fails_until_it_is_declared(monkeypatch) -> None:
    monkeypatch.delitem(data_map.SHARED, "lms.Team")
    assert tables.undeclared() == ["lms.Team"]


def test_what_is_declared_is_there() -> None:
    for label in {**data_map.THEIRS, **data_map.SHARED, **data_map.NOBODYS, **data_map.OF_STAFF, **data_map.PARTS}:
        model = apps.get_model(label)
        columns = {column.name for column in model._meta.concrete_fields}
        named = {name.partition("__")[0] for name in data_map.THEIRS.get(label, ())} | data_map.OF_STAFF.get(
            label, set()
        )
        assert named <= columns, label


def test_a_table_is_declared_once() -> None:
    kinds = [data_map.THEIRS, data_map.SHARED, data_map.NOBODYS, data_map.PARTS]
    labels = [label for kind in kinds for label in kind]
    assert len(labels) == len(set(labels))


def test_no_primary_key_names_anybody() -> None:
    """A text that is a primary key could not be rewritten: these are digests, and random."""
    keys = {model._meta.label for model in tables.all_models() if isinstance(model._meta.pk, tables.TEXTS)}
    assert keys == {"lms.StoredNotebook", "sessions.Session"}
