"""Export the tables of a lesson's report, and lessons side by side, as CSV; the column names are not translated."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from classroom.lesson_report.comparison import HARDEST, LessonComparison, LessonRow
from classroom.lesson_report.selectors import LessonReport
from core.time_formats import moment_cell, zone_name
from lms.spreadsheets import table_csv

Rows = list[Sequence[str | int | float | None]]


def lesson_csv(report: LessonReport, table: str) -> bytes:
    """Return one table as CSV. Raises KeyError for a name that is not in TABLES."""
    head, rows = TABLES[table]
    return table_csv([column.replace("ZONE", zone_name()) for column in head], rows(report))


def comparison_csv(comparison: LessonComparison) -> bytes:
    """Return the lessons as CSV, the oldest first."""
    zone = zone_name()
    head = (
        f"since ({zone})", f"until ({zone})", "present", "enrolled", "runs", "errors", "error_share", "help_requests",
        "wait_seconds_median", *(f"hardest_{number}" for number in range(1, HARDEST + 1)),
    )  # fmt: skip
    rows = [
        (
            moment_cell(row.lesson.since), moment_cell(row.lesson.until), row.lesson.students, comparison.enrolled,
            row.lesson.runs, row.lesson.errors, None if row.error_share is None else round(row.error_share, 3),
            row.help_requests, _seconds(row.median_wait), *_hardest(row),
        )
        for row in reversed(comparison.rows)
    ]  # fmt: skip
    return table_csv(head, rows)


def _hardest(row: LessonRow) -> list[str | None]:
    named = [f"{cell.notebook}, cell {cell.number}: {cell.failed} of {cell.students} failed" for cell in row.hardest]
    return [*named, *[None] * (HARDEST - len(named))]


def _cells(report: LessonReport) -> Rows:
    return [
        (
            cell.notebook_path, cell.number, cell.students, cell.failed, round(cell.failed_share, 3), cell.unsolved,
            None if cell.errors is None else round(cell.errors, 2), cell.tries,
            *([round(value) for value in cell.times] if cell.times else [None] * 3),
        )
        for cell in report.cells
    ]  # fmt: skip


def _struggling(report: LessonReport) -> Rows:
    return [
        (one.name, one.email, one.notebook, one.number, one.errors, "yes" if one.is_solved else "no",
         None if one.seconds is None else round(one.seconds), one.cells)
        for one in report.struggling
    ]  # fmt: skip


def _help(report: LessonReport) -> Rows:
    rows = [("all", report.help.all), *((one.name or "nobody", one) for one in report.help.by)]
    return [(name, one.requests, _seconds(one.median), _seconds(one.p90)) for name, one in rows]


def _errors(report: LessonReport) -> Rows:
    return [(one.notebook, one.number, one.count, one.runs, one.print.name, one.line) for one in report.shared]


def _hints(report: LessonReport) -> Rows:
    return [
        (moment_cell(one.sent_at), one.sent_by, one.notebook, one.number, one.told, one.after,
         one.helped, one.text)
        for one in report.hints
    ]  # fmt: skip


def _absent(report: LessonReport) -> Rows:
    return [(one.name, one.email) for one in report.absent]


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())


TABLES: dict[str, tuple[tuple[str, ...], Callable[[LessonReport], Rows]]] = {
    "cells": (
        ("notebook", "cell", "students", "failed", "failed_share", "unsolved", "mean_errors_before_success",
         "median_tries", "seconds_q1", "seconds_median", "seconds_q3"),
        _cells,
    ),
    "struggling": (("name", "email", "notebook", "cell", "errors", "worked", "seconds", "cells"), _struggling),
    "help": (("helper", "requests", "wait_seconds_median", "wait_seconds_p90"), _help),
    "errors": (("notebook", "cell", "students", "runs", "error", "message"), _errors),
    "hints": (("sent_at (ZONE)", "sent_by", "notebook", "cell", "told", "ran_again", "worked", "text"), _hints),
    "absent": (("name", "email"), _absent),
}  # fmt: skip
