"""Merge two student rows that belong to one person, and correct the address of a student.

Nothing is lost. Everything that refers to one row refers to the other afterwards. Where both have a row but only one
may remain:

    sessions, activity, counts of runs, progress     added up; the newest says how things stand
    enrolments                                        the kept one stays, what it lacks is filled in
    hand-ins                                          all are kept, as attempts of one student: the newest counts
    open requests for help, open cases of attention   the newest stays open, others end
    reports of the client's health                    the newest stays
    extensions of one due date                        the later one
    open requests to be erased                        the first
    hints received                                    once
    seats in one room                                 the kept one's
    histories of notebooks                            one history, its branches and versions numbered apart

The address that is no longer used stays known (`StudentAddress`): what still arrives with it is attributed to the
person, including events that wait in a stream.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy

from core import row_merging as merging
from core.identity import email_key
from lms.merging_statements import STATE, STATEMENTS
from lms.models import AssignmentSubmission, Student, StudentAddress

# Tables that have a statement or a function of their own.
HANDLED = {
    "sessions", "student_activity", "student_classes", "run_counts", "cell_progress", "client_health",
    "hint_recipients", "notebook_histories",
}  # fmt: skip
# Those where several may be open or have one key, which is resolved before their rows are moved.
RESOLVED = {"help_requests", "attention_cases", "assignment_submissions", "due_date_extensions", "erasure_requests"}

# What a preview counts: by kind, the table and a condition.
KINDS = {
    "runs": ("cell_executions", ""),
    "hand_ins": ("assignment_submissions", ""),
    "grades": ("assignment_submissions", "grade IS NOT NULL"),
    "feedback": ("assignment_submissions", "feedback <> ''"),
    "notes": ("student_notes", "deleted_at IS NULL"),
    "help": ("help_requests", ""),
    "versions": ("notebook_snapshots s JOIN notebook_histories h ON h.id = s.history_id", ""),
    "environments": ("environment_snapshots", ""),
    "hints": ("hint_recipients", ""),
    "devices": ("student_tokens", "revoked_at IS NULL"),
    "classes": ("student_classes", ""),
}
# How pages call them.
KIND_WORDS = {
    "runs": gettext_lazy("Runs"),
    "hand_ins": gettext_lazy("Hand-ins"),
    "grades": gettext_lazy("of these with a grade"),
    "feedback": gettext_lazy("of these with feedback"),
    "notes": gettext_lazy("Notes"),
    "help": gettext_lazy("Requests for help"),
    "versions": gettext_lazy("Kept versions of notebooks"),
    "environments": gettext_lazy("Reports of environments"),
    "hints": gettext_lazy("Hints received"),
    "devices": gettext_lazy("Connected devices"),
    "classes": gettext_lazy("Classes"),
}


class AddressTaken(Exception):
    """Another student has the address, or had it before."""

    def __init__(self, student_id: int) -> None:
        super().__init__(f"student {student_id} has this address")
        self.student_id = student_id


@dataclass(frozen=True)
class SharedWork:
    """An assignment to which both rows have handed in."""

    title: str
    attempts: int
    counts: AssignmentSubmission  # the newest, without its content

    @property
    def is_graded(self) -> bool:
        return self.counts.grade is not None


def moved_counts(student_id: int, *, class_ids: list[int] | None = None) -> dict[str, int]:
    """Return how many rows of each of KINDS a student has, of these classes only if given. One query."""
    parts, parameters = [], []
    for table, condition in KINDS.values():
        where = f"student_id = %s {'AND ' + condition if condition else ''}"
        parameters.append(student_id)
        if class_ids is not None:
            column = "class_id = ANY(%s)"
            if table == "assignment_submissions":
                column = "assignment_id IN (SELECT id FROM class_assignments WHERE class_id = ANY(%s))"
            elif table == "hint_recipients":
                column = "hint_id IN (SELECT id FROM hints WHERE class_id = ANY(%s))"
            where += f" AND {column}"
            parameters.append(class_ids)  # type: ignore[arg-type]
        parts.append(f"(SELECT count(*) FROM {table} WHERE {where})")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        return dict(zip(KINDS, cursor.fetchone(), strict=True))


def shared_work(kept_id: int, other_id: int) -> list[SharedWork]:
    """Return the assignments to which both have handed in, with the hand-in that counts afterwards. One query."""
    rows = AssignmentSubmission.objects.filter(student__in=[kept_id, other_id]).select_related("assignment")
    found: dict[int, list[AssignmentSubmission]] = {}
    for row in rows.defer("notebook_content").order_by("submitted_at", "pk"):
        found.setdefault(row.assignment_id, []).append(row)
    return [
        SharedWork(each[-1].assignment.title, len(each), each[-1])
        for each in found.values()
        if len({row.student_id for row in each}) == 2
    ]


def merge_students(*, kept_id: int, other_id: int, keep_old: bool = True) -> dict[str, int]:
    """Merge the other student into the kept one, in one transaction. Return what was moved, as `moved_counts`.

    With `keep_old` the other's address stays known as the kept one's.

    Locks both, in order of their ids, as batches of events do. Raises Student.DoesNotExist if one is gone, ValueError
    if both are one, IntegrityError (and changes nothing) if a table that is not known here refuses.
    """
    if kept_id == other_id:
        raise ValueError("a student cannot be merged with themselves")
    with transaction.atomic():
        kept, other = _locked(kept_id, other_id)
        counts = moved_counts(other_id)
        with connection.cursor() as cursor:
            merging.table_of(cursor, "merged", [(other_id, kept_id)])
            for statement in STATEMENTS:
                cursor.execute(statement)
            merging.repoint(cursor, "merged", *_columns_of_many())
            for table in ("student_classes", "student_activity", "client_health"):
                merging.repoint(cursor, "merged", f"{table}.student_id")
            merging.repoint_once(cursor, "merged", "hint_recipients", "student_id", "hint_id")
            merging.merge_histories(cursor, "merged", "student_id")
            cursor.execute(STATE)
            cursor.execute("DELETE FROM students WHERE id = %s", [other_id])
            cursor.execute("DROP TABLE merged; DROP TABLE merged_sessions; DROP TABLE merged_progress")
            # Now and not at the commit: a row that was left behind refuses the merge.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        if keep_old:
            _keep_known(kept, other.email)
        _readdress(before=other.email, numbers=(other_id, kept_id), kept=kept)
    return counts


def correct_address(*, student_id: int, email: str, keep_old: bool = True) -> Student:
    """Give the student another address; with `keep_old` the old one stays known as theirs. Return the student.

    Raises AddressTaken if it is, or was, that of another student, Student.DoesNotExist.
    """
    key = email_key(email)
    with transaction.atomic():
        [student] = _locked(student_id)
        taken = owner_of(key)
        if taken is not None and taken != student_id:
            raise AddressTaken(taken)
        before = student.email
        student.email = email
        StudentAddress.objects.filter(student=student, email_key=key).delete()
        student.save(update_fields=["email"])
        if email_key(before) != key:
            if keep_old:
                _keep_known(student, before)
            _readdress(before=before, numbers=None, kept=student)
    return student


def owner_of(key: str) -> int | None:
    """Return the id of the student who has an address with this key, or had it. One query, two for a former one."""
    found = Student.objects.filter(email_key=key).values_list("pk", flat=True).first()
    if found is None:
        found = StudentAddress.objects.filter(email_key=key).values_list("student", flat=True).first()
    return found


def _locked(*ids: int) -> list[Student]:
    """Return these students, locked in order of their ids. Raises Student.DoesNotExist."""
    rows = {each.pk: each for each in Student.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    if len(rows) < len(ids):
        raise Student.DoesNotExist
    return [rows[pk] for pk in ids]


def _columns_of_many() -> list[str]:
    """Return `table.column` of each reference to students that is not handled apart, those of further tables too."""
    found = []
    for relation in Student._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel):
            table, column = relation.related_model._meta.db_table, relation.field.column
            if table not in HANDLED and relation.related_model._meta.managed:
                found.append(f"{table}.{column}")
    return sorted(set(found))


def _keep_known(student: Student, email: str) -> None:
    StudentAddress.objects.filter(email_key=email_key(email)).delete()
    if email_key(email) != email_key(student.email):
        StudentAddress.objects.create(student=student, email=email)


def _readdress(*, before: str, numbers: tuple[int, int] | None, kept: Student) -> None:
    """Let rows that name a student by address or number (old, kept) name the kept one. Five statements at most."""
    key = email_key(kept.email)
    statements: list[tuple[str, list[Any]]] = [
        ("UPDATE progress_notifications SET recipient_id = %s WHERE recipient_id = %s", [key, email_key(before)]),
        (
            "UPDATE offline_queue_entries SET user_id = %s WHERE user_id IN (%s, %s)",
            [kept.email, before, email_key(before)],
        ),
    ]
    if numbers is not None:
        old, new = map(str, numbers)
        statements += [
            (
                """UPDATE progress_notifications SET recipient_id = %s WHERE recipient_id = %s
                   AND NOT EXISTS (SELECT 1 FROM students WHERE email_key = %s)""",
                [new, old, old],
            ),
            (
                """UPDATE analytics_reports SET parameters = jsonb_set(parameters, '{student_id}', to_jsonb(%s::bigint))
                   WHERE parameters ->> 'student_id' = %s""",
                [int(new), old],
            ),
            (
                """UPDATE notebook_snapshots
                   SET metadata = jsonb_set(metadata, '{submission,student_id}', to_jsonb(%s::bigint))
                   WHERE history_id IN (SELECT id FROM notebook_histories WHERE student_id = %s)
                   AND metadata #>> '{submission,student_id}' = %s""",
                [int(new), int(new), old],
            ),
        ]
    with connection.cursor() as cursor:
        for statement, values in statements:
            cursor.execute(statement, values)
