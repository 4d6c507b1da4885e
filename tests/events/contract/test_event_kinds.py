"""What each kind of event changes: docs/contract/events.md sections 3 and 4."""

import pytest

from events.contract.kinds import KINDS
from events.models import CellExecution, NotebookAccess, OfflineQueueEntry, StudentEvent
from lms.models import Cell, Class, Notebook, Session, Student, Team
from tests.events.conftest import event, failing


def test_run_is_stored_whole(event_pipeline, clock):
    sent = event(
        eventTime=clock(0),
        code="print('値')",
        result="値\n",
        executionDurationMs=1500,
        executionCount=7,
        cellIndex=3,
    )
    event_pipeline.post(sent)
    run = CellExecution.objects.select_related("student", "notebook", "cell", "session").get()
    assert run.event_id == sent["eventId"]
    assert (run.student.email, run.notebook.path, run.cell.cell_id) == (
        "hanako@example.com",
        "lesson/演習01.ipynb",
        "cell-1",
    )
    assert run.session.session_id == "session-1"
    assert run.executed_at == clock.at(0)
    assert (run.status, run.duration, run.execution_count) == ("success", 1.5, 7)
    assert (run.code_content, run.output, run.error_message) == ("print('値')", "値\n", None)
    assert (run.cell_index, run.cell_type) == (3, "code")


@pytest.mark.parametrize("kind", ["cell_executed", "cell_execution", "cell_execution_complete"])
def test_names_of_a_run(event_pipeline, kind):
    event_pipeline.post(event(kind))
    assert CellExecution.objects.get().status == "success"


@pytest.mark.parametrize("kind", ["cell_execution_error", "cell_error"])
def test_error_kinds_fail_whatever_the_record_says(event_pipeline, kind):
    event_pipeline.post(event(kind, hasError=False))
    assert CellExecution.objects.get().status == "error"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"executionCount": None, "result": ""}, "aborted"),
        ({"executionCount": None, "result": None}, "aborted"),
        ({"executionCount": None, "result": "1"}, "success"),
        ({"executionCount": 1, "result": ""}, "success"),
        ({"executionCount": None, "result": "", "cellType": "markdown"}, "success"),
        ({"executionCount": None, "result": "", "hasError": True}, "error"),
    ],
)
def test_run_that_never_ran_is_neither_success_nor_error(event_pipeline, fields, status):
    event_pipeline.post(event(**fields))
    assert CellExecution.objects.get().status == status
    student = Student.objects.get()
    is_code = fields.get("cellType") != "markdown"
    assert (student.execution_count, student.error_count) == ((status != "aborted" and is_code), (status == "error"))


def test_start_of_a_run_is_no_execution_but_knows_the_cell(event_pipeline):
    event_pipeline.post(event("cell_execution_start", code="x = 1"))
    assert not CellExecution.objects.exists()
    assert StudentEvent.objects.get().event_type == "cell_execution_start"
    assert Cell.objects.get().content == "x = 1"


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("notebook_opened", "open"),
        ("notebook_saved", "save"),
        ("notebook_save", "save"),
        ("notebook_closed", "close"),
    ],
)
def test_notebook_kinds_leave_an_access(event_pipeline, clock, kind, action):
    event_pipeline.post(event(kind, eventTime=clock(0)))
    access = NotebookAccess.objects.get()
    assert (access.action, access.accessed_at) == (action, clock.at(0))
    assert Notebook.objects.get().last_modified == (clock.at(0) if action == "save" else None)


def test_session_starts_ends_and_is_opened_again(event_pipeline, clock):
    event_pipeline.post(event("session_start", eventTime=clock(0)))
    assert Session.objects.get().is_active
    event_pipeline.post(event("session_end", eventTime=clock(10)))
    session = Session.objects.get()
    assert (session.is_active, session.start_time, session.end_time) == (False, clock.at(0), clock.at(10))
    event_pipeline.post(event("notebook_opened", eventTime=clock(5)))
    assert not Session.objects.get().is_active, "what happened before the end does not open it again"
    event_pipeline.post(event("notebook_opened", eventTime=clock(20)))
    assert Session.objects.get().is_active
    assert Session.objects.get().end_time is None


def test_same_session_id_of_two_students_is_two_sessions(event_pipeline):
    event_pipeline.post(event("session_start"), event("session_start", emailAddress="taro@example.com"))
    assert Session.objects.filter(session_id="session-1").count() == 2


def test_event_without_a_session_joins_the_newest_active_one(event_pipeline, clock):
    event_pipeline.post(event("session_start", sessionId="old", eventTime=clock(0)))
    event_pipeline.post(event("session_start", sessionId="new", eventTime=clock(10)))
    event_pipeline.post(event(sessionId=None, eventTime=clock(20)))
    assert CellExecution.objects.get().session.session_id == "new"


def test_event_without_any_session_makes_one(event_pipeline):
    event_pipeline.post(event(sessionId=None), event(sessionId=None))
    assert Session.objects.count() == 1


@pytest.mark.parametrize("kind", ["log_entry", "execute_request", "なにか", "x" * 300])
def test_unknown_kind_is_stored_and_knows_the_student(event_pipeline, kind):
    event_pipeline.post(event(kind, sessionId=None, notebookPath=None))
    assert StudentEvent.objects.get().event_type == (kind if len(kind) <= 100 else f"{kind[:99]}…")
    assert Student.objects.get().name == "山田 花子"


@pytest.mark.parametrize("missing", ["notebookPath", "cellId"])
def test_cell_event_without_its_place_is_kept_as_a_plain_event(event_pipeline, missing):
    event_pipeline.post(event(**{missing: None}))
    assert not CellExecution.objects.exists()
    assert StudentEvent.objects.get().event_type == "cell_executed"


def test_error_occurred_is_no_execution(event_pipeline):
    event_pipeline.post(event("error_occurred", errorMessage="kernel died"))
    assert not CellExecution.objects.exists()
    assert StudentEvent.objects.get().data["errorMessage"] == "kernel died"


def test_instructor_event_without_a_student_is_kept(event_pipeline):
    event_pipeline.post({"eventType": "student_session_start", "instructor_id": 7})
    stored = StudentEvent.objects.get()
    assert (stored.student, stored.data) == (None, {"instructor_id": 7})


def test_every_kind_of_the_table_ends_as_exactly_one_row(event_pipeline):
    event_pipeline.post(*(event(kind.name, cellId="c", code="1", result="1") for kind in KINDS))
    stored = CellExecution.objects.count() + NotebookAccess.objects.count() + StudentEvent.objects.count()
    assert stored == len(KINDS)
    assert not OfflineQueueEntry.objects.exists()


# --- Students, teams, notebooks, cells ------------------------------------------------------------------------------


def test_student_is_known_without_case_and_follows_what_is_newer(event_pipeline, clock):
    event_pipeline.post(event(eventTime=clock(0)))
    event_pipeline.post(
        event(emailAddress="HANAKO@example.com", userName="鈴木 花子", teamName="チームB", eventTime=clock(10))
    )
    student = Student.objects.select_related("team").get()
    assert (student.email, student.name, student.team.team_name) == ("hanako@example.com", "鈴木 花子", "チームB")
    event_pipeline.post(event(eventTime=clock(5)))
    assert Student.objects.get().name == "鈴木 花子", "an older event that came late"
    event_pipeline.post(event(userName=None, teamName=" ", eventTime=clock(20)))
    assert Student.objects.get().name == "鈴木 花子", "an empty value"


def test_two_spellings_in_one_batch_are_one_student(event_pipeline):
    event_pipeline.post(event(), event(emailAddress="Hanako@Example.Com"))
    assert Student.objects.get().execution_count == 2


@pytest.mark.parametrize("cell_type", ["markdown", "raw"])
def test_a_text_cell_that_is_rendered_counts_in_no_total(event_pipeline, cell_type):
    event_pipeline.post(event(), event(cellId="text", cellType=cell_type, code="# Loops"))
    assert CellExecution.objects.count() == 2
    assert Student.objects.get().execution_count == 1


def test_team_is_described(event_pipeline):
    event_pipeline.post(event(teamName="チーム7"))
    assert Team.objects.get().description == "チーム7の説明"


def test_notebook_is_named_by_its_last_segment(event_pipeline):
    event_pipeline.post(event(notebookPath="a/b/c.ipynb"))
    assert Notebook.objects.get().name == "c.ipynb"


def test_cell_follows_what_ran_last(event_pipeline, clock):
    event_pipeline.post(
        event(code="new", cellIndex=2, eventTime=clock(10)), event(code="old", cellIndex=1, eventTime=clock(0))
    )
    cell = Cell.objects.get()
    assert (cell.content, cell.position) == ("new", 2)


def test_activity_notebook_and_totals_follow_the_senders_order(event_pipeline, clock):
    event_pipeline.post(
        failing(eventTime=clock(30), notebookPath="b.ipynb"),
        event(eventTime=clock(10), notebookPath="a.ipynb"),
    )
    student = Student.objects.select_related("current_notebook").get()
    assert (student.last_activity_at, student.current_notebook.path) == (clock.at(30), "b.ipynb")
    assert (student.execution_count, student.error_count) == (2, 1)
    assert (student.last_run_at, student.last_run_failed) == (clock.at(30), True)


def test_class_key_enrols_the_student_once(event_pipeline):
    python = Class.objects.create(class_code="PY", name="Python")
    event_pipeline.post(event(), class_id=python.pk)
    event_pipeline.post(event(), class_id=python.pk)
    assert [student.email for student in python.students.all()] == ["hanako@example.com"]
