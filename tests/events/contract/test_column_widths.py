"""One label too long is cut and said; the run is kept. docs/contract/events.md section 1.3."""

import json

import pytest
from django.db.models import CharField, IntegerField

from events.contract import column_widths, schema
from events.contract.records import Record
from events.contract.schema import Event
from events.intake import app as intake_app
from events.models import CellExecution, ClientHealth, NotebookAccess, OfflineQueueEntry, RunCount, StudentEvent
from events.models import HelpRequest as Ticket
from lms.models import Cell, Notebook, Session, Student, Team
from tests.events.conftest import event
from tests.events.intake.test_intake import ADDRESS, client  # noqa: F401  (a fixture)

NOW = 1_780_000_000_000
# What each column holds, and what of an event goes there.
COLUMNS = [
    (CellExecution, "event_id", column_widths.EVENT_ID), (NotebookAccess, "event_id", column_widths.EVENT_ID),
    (StudentEvent, "event_id", column_widths.EVENT_ID), (StudentEvent, "event_type", column_widths.TYPE),
    (StudentEvent, "session_id", column_widths.SESSION), (StudentEvent, "notebook_path", column_widths.PATH),
    (StudentEvent, "cell_id", column_widths.CELL), (Ticket, "session_id", column_widths.SESSION),
    (Ticket, "notebook_path", column_widths.PATH), (Ticket, "cell_id", column_widths.CELL),
    (CellExecution, "cell_type", column_widths.CELL_TYPE), (OfflineQueueEntry, "event_type", column_widths.TYPE),
    (Student, "name", column_widths.NAME), (Student, "help_session_id", column_widths.SESSION),
    (Student, "help_notebook_path", column_widths.PATH), (Team, "team_name", column_widths.TEAM),
    (Session, "session_id", column_widths.SESSION),
    (Notebook, "path", column_widths.PATH), (Notebook, "name", column_widths.PATH),
    (Cell, "cell_id", column_widths.CELL), (Cell, "cell_type", column_widths.CELL_TYPE),
    (CellExecution, "run_id", column_widths.RUN), (ClientHealth, "version", column_widths.VERSION),
]  # fmt: skip
NOT_FROM_A_RECORD = {"status", "action", "ending", "last_status", "email", "user_id", "ip_address", "user_agent",
                     "origin", "email_key", "team_key"}  # fmt: skip


@pytest.mark.parametrize(("model", "name", "width"), COLUMNS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_the_widths_are_those_of_the_models(model, name, width):
    field = model._meta.get_field(name)
    assert (isinstance(field, CharField), field.max_length) == (True, width)


def test_no_column_that_an_event_fills_is_forgotten():
    known = {(model, name) for model, name, _ in COLUMNS}
    filled = (CellExecution, RunCount, NotebookAccess, StudentEvent, Ticket, Student, Team, Session, Notebook, Cell)
    columns = {(m, f.name) for m in filled for f in m._meta.fields if isinstance(f, CharField) and not f.choices}
    assert {pair for pair in columns - known if pair[1] not in NOT_FROM_A_RECORD} == set()
    assert type(CellExecution._meta.get_field("execution_count")) is IntegerField
    assert type(CellExecution._meta.get_field("cell_index")) is IntegerField


def admit(**fields) -> tuple[Event, dict]:
    cut = intake_app.Counter()
    sent = Record(**{"emailAddress": "a@x.jp", "eventType": "cell_executed", **fields})
    found = schema.admit(sent, received=NOW, cut=cut)
    assert isinstance(found, Event)
    return found, dict(cut)


@pytest.mark.parametrize(
    ("field", "name", "width"),
    [
        ("eventId", "event_id", 255), ("eventType", "event_type", 100), ("userName", "name", 255),
        ("teamName", "team", 255), ("sessionId", "session", 255), ("notebookPath", "notebook", 1024),
        ("cellId", "cell", 255), ("cellType", "cell_type", 32),
    ],
)  # fmt: skip
@pytest.mark.parametrize("letter", ["x", "あ", "\N{PILE OF POO}"])
def test_what_fits_stays_and_what_does_not_is_cut(field, name, width, letter):
    fits = letter * min(width, 2000 // len(letter.encode()) if name == "notebook" else width)
    assert getattr(admit(**{field: fits})[0], name) == fits
    assert admit(**{field: fits})[1] == {}
    for more in (1, 45, 20_000):
        found, cut = admit(**{field: fits + letter * more})
        value = getattr(found, name)
        assert cut == {field: 1}
        assert len(value) <= width
        assert len(value.encode()) <= 2000
        assert column_widths.MARK in value[-17:]
        assert value.startswith(letter * 10)


@pytest.mark.parametrize("field", ["eventId", "sessionId", "notebookPath", "cellId"])
def test_two_that_begin_alike_stay_two_and_one_stays_one(field):
    name = {"eventId": "event_id", "sessionId": "session", "notebookPath": "notebook", "cellId": "cell"}[field]
    for letter in ("c", "表"):
        one, other = (getattr(admit(**{field: letter * 2000 + end})[0], name) for end in "ab")
        assert one != other
        assert one == getattr(admit(**{field: letter * 2000 + "a"})[0], name)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(2**31 - 1, 2**31 - 1), (2**31, 2**31 - 1), (2**64, 2**31 - 1), (-(2**40), -(2**31 - 1)), (0, 0), (-1, -1)],
)
def test_numbers_too_large_become_the_largest(sent, kept):
    found, cut = admit(executionCount=sent, cellIndex=sent)
    assert (found.execution_count, found.cell_index) == (kept, kept)
    assert cut == ({} if sent == kept else {"executionCount": 1, "cellIndex": 1})


@pytest.mark.parametrize(("sent", "kept"), [(1e10, 1e10), (1.8e12, None), (1e308, None)])
def test_a_duration_that_nobody_measured_is_none(sent, kept):
    """Two of 1e308 would take down every sum."""
    found, cut = admit(executionDurationMs=sent)
    assert found.duration_ms == kept
    assert bool(cut) is (kept is None)


LONG = {
    "team": {"teamName": "あ" * 300}, "type": {"cellType": "c" * 33}, "count": {"executionCount": 2147483648},
    "index": {"cellIndex": 10**12}, "name": {"userName": "N" * 256}, "session": {"sessionId": "s" * 256},
    "cell": {"cellId": "c" * 256}, "path": {"notebookPath": "週/" * 1000 + "n.ipynb"}, "id": {"eventId": "e" * 3000},
    "NUL": {"cellType": "a\0b", "teamName": "\0", "cellId": "c\0"},
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_the_run_is_kept(event_pipeline, name):
    event_pipeline.post(event(result="before"), event(**LONG[name], result="42"), event(result="after"))
    assert not OfflineQueueEntry.objects.exists(), "set aside"
    run = CellExecution.objects.get(output="42")
    assert (run.status, run.student.email) == ("success", "hanako@example.com")
    assert CellExecution.objects.count() == 3


def test_a_path_that_no_index_could_hold(event_pipeline):
    """1,024 characters are 3,072 bytes that do not compress; PostgreSQL's index takes 2,704."""
    path = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(1024))
    event_pipeline.post(event(notebookPath=path, result="42"), event("notebook_opened", notebookPath=path))
    assert CellExecution.objects.get().output == "42"
    assert Notebook.objects.get().path.startswith(path[:600])


def test_a_long_event_that_comes_again_is_one_row(event_pipeline):
    same = event(eventId="e" * 400)
    event_pipeline.post(same, same)
    event_pipeline.post(same)
    assert CellExecution.objects.count() == 1


def test_two_long_cells_of_one_notebook_are_two(event_pipeline):
    event_pipeline.post(event(cellId="c" * 300 + "1"), event(cellId="c" * 300 + "2"))
    assert Cell.objects.count() == 2


def test_other_events_are_kept_too(event_pipeline):
    event_pipeline.post(event("help", notebookPath="n" * 2000, sessionId="s" * 400, cellId="c" * 400))
    assert Ticket.objects.get().ended_at is None
    event_pipeline.post(event("something_" + "x" * 200))
    assert StudentEvent.objects.filter(event_type__startswith="something_").get().event_type.endswith("x…")


async def test_the_answer_says_what_was_cut(client, redis):  # noqa: F811
    sent = [event(teamName="x" * 300), event(teamName="x" * 300, cellId="y" * 300), event()]
    stats = (await client.post(ADDRESS, content=json.dumps(sent))).json()["batch_stats"]
    assert stats["cut_fields"] == {"teamName": 2, "cellId": 1}
    assert (stats["successful_events"], stats["failed_events"]) == (3, [])
    assert "cut_fields" not in (await client.post(ADDRESS, json=[event()])).json()["batch_stats"]
