"""Two releases run on one database during an upgrade (docs/upgrading.md, "Migrations in two steps"): no new migration
takes away what the release before reads, nor asks for what it does not write."""

from collections.abc import Iterator

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

OURS = ("lms", "events", "instructors", "classroom")
# The last migrations of the time before the rule: those upgrades stop the workers.
BEFORE = {"lms": 18, "events": 9, "instructors": 15, "classroom": 2}
# Later ones that break the rule, each with the reason why no release that runs reads or writes what they change.
ALLOWED: dict[tuple[str, str], str] = {}
GONE = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)


def problems(operation: Operation, before: ProjectState, app: str) -> Iterator[str]:
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from problems(inner, before, app)
    elif isinstance(operation, (*GONE, migrations.AlterModelTable)):
        yield f"{type(operation).__name__}: the release before still reads it"
    elif isinstance(operation, migrations.AddField):
        if _is_demanded(operation.field):
            yield f"{operation.name}: NOT NULL without db_default, which the release before does not write"
    elif isinstance(operation, migrations.AlterField):
        old = before.models[app, operation.model_name_lower].fields[operation.name]
        if old.null and _is_demanded(operation.field):
            yield f"{operation.name}: becomes NOT NULL, and the release before may write NULL"
        if _column(old, operation.name) != _column(operation.field, operation.name):
            yield f"{operation.name}: its column is renamed"
    elif isinstance(operation, migrations.RunSQL):
        words = str(operation.sql).upper()
        if any(word in words for word in ("DROP COLUMN", "DROP TABLE", "RENAME", "SET NOT NULL")):
            yield "RunSQL drops, renames or demands"


def _is_demanded(field: models.Field) -> bool:
    has_column = not isinstance(field, models.ManyToManyField | models.GeneratedField)
    return has_column and not field.null and not field.has_db_default()


def _column(field: models.Field, name: str) -> str:
    return field.db_column or (f"{name}_id" if isinstance(field, models.ForeignKey) else name)


def found_in(migration: migrations.Migration, before: ProjectState) -> list[str]:
    state, found = before.clone(), []
    for operation in migration.operations:
        found += problems(operation, state, migration.app_label)
        operation.state_forwards(migration.app_label, state)
    return found


def is_new(app: str, name: str) -> bool:
    return app in OURS and int(name[:4]) > BEFORE[app]


def test_new_migrations_keep_what_the_release_before_needs():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    wrong = {}
    for app, name in loader.disk_migrations:
        if is_new(app, name) and (app, name) not in ALLOWED:
            before = loader.project_state((app, name), at_end=False)
            if found := found_in(loader.disk_migrations[app, name], before):
                wrong[app, name] = found
    assert not wrong, "read docs/upgrading.md, 'Migrations in two steps'"


def test_the_list_names_migrations_that_exist():
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    assert set(ALLOWED) <= known
    assert all(
        any(name.startswith(f"{number:04}") for app_, name in known if app_ == app) for app, number in BEFORE.items()
    )


TEXT = models.TextField()


@pytest.mark.parametrize(
    ("operation", "is_wrong"),
    [
        (migrations.RemoveField("student", "name"), True),
        (migrations.DeleteModel("Student"), True),
        (migrations.RenameField("student", "name", "called"), True),
        (migrations.RenameModel("Student", "Person"), True),
        (migrations.AlterModelTable("student", "people"), True),
        (migrations.AddField("student", "more", models.TextField(default="")), True),
        (migrations.AddField("student", "more", models.TextField(db_default="")), False),
        (migrations.AddField("student", "more", models.TextField(null=True)), False),
        (migrations.AlterField("student", "name", models.TextField()), True),
        (migrations.AlterField("student", "name", models.TextField(null=True, db_column="called")), True),
        (migrations.AlterField("student", "name", models.CharField(max_length=9, null=True)), False),
        (migrations.RunSQL("ALTER TABLE students DROP COLUMN name"), True),
        (migrations.RunSQL("CREATE INDEX a ON students (name)"), False),
        (migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True)), ("text", TEXT)]), False),
    ],
)
def test_what_it_finds(operation, is_wrong):
    before = ProjectState()
    fields = [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField(null=True))]
    migrations.CreateModel("Student", fields).state_forwards("lms", before)
    assert bool(list(problems(operation, before, "lms"))) is is_wrong
