"""Who is told what after a batch was committed: absolute rows to the dashboards, notices at once.

Hearing it twice only redraws, so it may be repeated.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from events import updates
from events.standing import NO_TEAM, student_rows
from events.store import Changes
from events.tickets import Edge
from lms.identity import email_key
from lms.models import Student, StudentClass
from realtime import broadcast, groups, messages
from realtime.messages import Frame, LastRun, RunNotice, StudentRow


def announce(batches: Sequence[Changes]) -> None:
    """Tell dashboards and classes what these batches changed. Three queries, one look at who listens, one send."""
    ids = {student for changes in batches for student in changes.students}
    if not ids:
        return
    edges = [edge for changes in batches for edge in changes.edges]
    frames: list[tuple[int, Frame]] = []
    rows = {row["studentId"]: row for row in _rows(ids)}
    frames += [(edge.student_id, _edge_frame(edge, rows[edge.student_id])) for edge in edges if edge.student_id in rows]
    by_email = {email_key(row["emailAddress"]): row for row in rows.values()}
    for changes in batches:
        for student, event_type in changes.significant.items():
            if student in rows and rows[student]["hasSignificantError"]:
                alert = messages.significant_error_alert(rows[student], event_type=event_type)
                frames.append((student, alert))
        for event in changes.alerts:
            row = by_email.get(email_key(event.email))
            if row:
                notice = _notice(row, event.notebook, event.cell)
                message = event.error_message or ""
                frames.append(
                    (row["studentId"], messages.error_alert(notice, message=message, happened_at=event.occurred_at))
                )
    send(
        list(rows.values()),
        frames,
        runs=updates.run_notices(batches, rows),
        last_runs=updates.last_runs(batches),
    )


def announce_edges(edges: Sequence[Edge]) -> None:
    """Tell about requests for help that began or ended otherwise than by an event."""
    if edges:
        announce([Changes(students={edge.student_id for edge in edges}, edges=list(edges))])


def announce_resolution(student_id: int, *, resolved_by: str, resolved_at: datetime) -> None:
    """Tell that an instructor resolved a student's errors. Three queries, one send."""
    for row in _rows({student_id}):
        email = row["emailAddress"]
        frame = messages.student_error_resolved(email=email, resolved_by=resolved_by, resolved_at=resolved_at)
        send([row], [(student_id, frame)])


def send(
    rows: Sequence[StudentRow],
    frames: Sequence[tuple[int, Frame]],
    *,
    runs: Sequence[RunNotice] = (),
    last_runs: Mapping[int, LastRun] | None = None,
) -> None:
    """Rows and notices, to everybody's group and to the groups of each student's classes; runs to their listeners."""
    classes: dict[int, list[int]] = defaultdict(list)
    ids = [row["studentId"] for row in rows]
    for student, class_id in StudentClass.objects.filter(student_id__in=ids).values_list("student_id", "class_ref_id"):
        classes[student].append(class_id)
    groups_of = {pk: (groups.ALL_STUDENTS, *(groups.class_group(class_id) for class_id in classes[pk])) for pk in ids}
    by_group: dict[str, list[StudentRow]] = {groups.ALL_STUDENTS: []}
    for row in rows:
        for group in groups_of[row["studentId"]]:
            by_group.setdefault(group, []).append(row)
    if runs or last_runs:
        last: dict[str, list[tuple[int, LastRun]]] = defaultdict(list)
        for student, run in (last_runs or {}).items():
            for group in groups_of.get(student, ()):
                last[group].append((student, run))
        broadcast.publish_runs(runs, last)
    notices = [(group, frame) for student, frame in frames for group in groups_of.get(student, ())]
    broadcast.publish(
        by_group, notices, outside=[messages.progress_update(list(rows)), *(frame for _, frame in frames)]
    )


def _rows(ids: set[int]) -> list[StudentRow]:
    return student_rows(Student.objects.filter(pk__in=ids), now=datetime.now(UTC))


def _edge_frame(edge: Edge, row: StudentRow) -> Frame:
    if not edge.is_asking:
        return messages.help_resolved(email=row["emailAddress"], resolved_by=edge.by)
    return messages.help_request(_notice(row, edge.notebook, edge.cell), asked_at=edge.at)


def _notice(row: StudentRow, notebook: str | None, cell: str | None) -> messages.HelpNotice:
    return {
        "emailAddress": row["emailAddress"],
        "userName": row["userName"],
        "teamName": row["teamName"] or NO_TEAM,
        "notebookPath": notebook or row["currentNotebook"],
        "cellId": cell or "",
    }
