"""Export the gradebook as CSV: a row for each student, all grades side by side, then the states, then the times.

Times include their UTC offset, and heads name their zone. `decimal_comma` as in `grades_csv`.
"""

from classroom.assignments.gradebook import IDENTITY, Gradebook, GradebookCell, GradebookRow
from core.time_formats import moment_cell, zone_name
from lms.models import ClassAssignment
from lms.spreadsheets import table_csv

STATES = {
    "graded": "graded",
    "returned": "returned without grade",
    "ungraded": "not graded",
    "missing": "missing",
    "open": "not handed in yet",
    "none": "",
}

Value = str | int | float | None


def gradebook_csv(book: Gradebook, *, class_code: str, decimal_comma: bool) -> bytes:
    titles = [_title(assignment) for assignment in book.assignments]
    head = ["class_code", *(name for name, _ in IDENTITY), "in_class", "total_percent", "counted"]
    head += [
        f"{title} ({_number(each.points)} points, weight {_number(each.weight)})"
        for title, each in zip(titles, book.assignments, strict=True)
    ]
    times = (f"{what} ({zone_name()})" for what in ("submitted_at", "extended_to"))
    head += [f"{title}: {what}" for what in ("state", *times) for title in titles]
    rows = [_line(row, class_code) for row in book.rows]
    return table_csv(head, rows, decimal_comma=decimal_comma)


def _line(row: GradebookRow, class_code: str) -> list[Value]:
    line: list[Value] = [class_code, *(read(row.person) for _, read in IDENTITY), "yes" if row.is_of_class else "no"]
    line += [None if row.total.percent is None else round(row.total.percent, 2), row.total.counted]
    line += [cell.mark.grade for cell in row.cells]
    line += [_state(cell) for cell in row.cells]
    line += [moment_cell(cell.submitted_at) for cell in row.cells]
    return line + [moment_cell(cell.extended) for cell in row.cells]


def _state(cell: GradebookCell) -> str:
    return f"{STATES[cell.mark.state]}, late" if cell.is_late else STATES[cell.mark.state]


def _title(assignment: ClassAssignment) -> str:
    """Return the title with the id, because titles may be equal."""
    return f"{assignment.title} [{assignment.pk}]"


def _number(value: float | None) -> str:
    return "no" if value is None else f"{value:.10g}"
