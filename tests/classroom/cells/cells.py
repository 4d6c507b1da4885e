"""What tests of the cell map and of shared errors are made of: students who have run cells."""

from datetime import UTC, datetime, timedelta

from events.models import CellExecution, CellProgress
from lms.models import Cell, Class, Notebook, Session, Student, StudentClass


def cells_of(notebook: Notebook, count: int) -> list[Cell]:
    return Cell.objects.bulk_create(
        [Cell(notebook=notebook, cell_id=f"cell-{n}", position=n, cell_type="code") for n in range(count)]
    )


def progress(student: Student, cell: Cell, state: str, *, ago: float = 10, **fields: object) -> CellProgress:
    """`state` as the map writes it: 1 ok, 2 failed, 3 failing repeatedly. `ago` in seconds."""
    at = datetime.now(UTC) - timedelta(seconds=ago)
    errors = {"1": 0, "2": 1, "3": 3}[state]
    values = {
        "run_count": errors or 1, "error_count": errors, "last_status": "error" if errors else "success",
        "last_run_at": at, "last_error_at": at if errors else None, "consecutive_error_count": errors,
        "is_significant_error": errors > 2, **fields,
    }  # fmt: skip
    made, _ = CellProgress.objects.update_or_create(
        student=student, cell=cell, defaults={"notebook_id": cell.notebook_id, **values}
    )
    Student.objects.filter(pk=student.pk).update(
        last_run_at=at, last_activity_at=at, current_notebook=cell.notebook_id, last_run_failed=errors > 0
    )
    return made


def ran(student: Student, cell: Cell, error: str | None = None, *, ago: float = 10, code: str = "x") -> CellExecution:
    """A run, with an error or without, and where it leaves the student."""
    session, _ = Session.objects.get_or_create(student=student, session_id="s1")
    at = datetime.now(UTC) - timedelta(seconds=ago)
    earlier = CellExecution.objects.filter(student=student, cell=cell, executed_at__lt=at).order_by("-executed_at")
    before = earlier.values_list("consecutive_error_count", flat=True).first() or 0
    progress(student, cell, "1" if error is None else "2", ago=ago)
    if error is not None:
        CellProgress.objects.filter(student=student, cell=cell).update(consecutive_error_count=before + 1)
    return CellExecution.objects.create(
        student=student, cell=cell, notebook_id=cell.notebook_id, session=session, error_message=error,
        status="success" if error is None else "error", code_content=code, executed_at=at,
        consecutive_error_count=0 if error is None else before + 1,
    )  # fmt: skip


def a_class_of(class_ref: Class, students: int, *, first: int = 0) -> list[Student]:
    now = datetime.now(UTC)
    made = Student.objects.bulk_create(
        [
            Student(email=f"s{n}@example.com", name=f"Student no. {n:03}", last_activity_at=now)
            for n in range(first, first + students)
        ]
    )
    StudentClass.objects.bulk_create(
        [StudentClass(student=student, class_ref=class_ref, name=student.name, team=student.team) for student in made]
    )
    return made
