"""Who is told what after a batch was committed: absolute rows to the dashboards, notices at once.

Hearing it twice only redraws, so it may be repeated.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.conf import settings

from core.identity import email_key
from events.changes import Changes, HelpTransition
from events.contract.schema import Event
from events.processing import row_updates
from events.student_status import NO_TEAM, rows_by_class
from lms.access import Scope
from lms.bulk_get_or_create import Member
from lms.models import StudentActivity
from lms.models.people import WITHOUT_KEY
from realtime import broadcast, groups, messages
from realtime.messages import Frame, LastRun, RunNotice, StudentRow


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of a student's activity through one class, and the row that they see: everybody's group the sum over
    all classes, a class's group what that class sees."""

    group: str
    row: StudentRow


def announce(batches: Sequence[Changes]) -> None:
    """Tell dashboards and classes what these batches changed. Three queries, one look at who listens, one send."""
    members = {member for changes in batches for member in changes.members}
    if not members:
        return
    audiences = _audiences(members)
    frames: list[tuple[str, Frame]] = []
    outside: list[Frame] = []

    def tell(member: Member, make: Callable[[StudentRow], Frame | None]) -> None:
        made: list[Frame] = []
        for audience in audiences.get(member, ()):
            frame = make(audience.row)
            if frame is None:
                continue
            frame = next((one for one in made if one == frame), frame)  # once for a socket in two groups
            made.append(frame)
            frames.append((audience.group, frame))
            if audience.group == groups.ALL_STUDENTS:
                outside.append(frame)

    for changes in batches:
        for edge in changes.edges:
            tell((edge.student_id, edge.class_id), partial(_transition_frame, edge))
    emails = {email_key(row["emailAddress"]): pk for pk, row in _everybody(audiences).items()}
    for changes in batches:
        for member, event_type in changes.significant.items():
            tell(member, partial(_significant_frame, event_type=event_type))
        for event in changes.alerts:
            student = emails.get(email_key(event.email))
            if student is not None:
                tell((student, event.class_id or WITHOUT_KEY), partial(_alert_frame, event))
    send(
        audiences,
        frames,
        outside=outside,
        runs=row_updates.run_notices(batches, _everybody(audiences)),
        last_runs=row_updates.last_runs(batches),
    )


def announce_transitions(edges: Sequence[HelpTransition]) -> None:
    """Tell about requests for help that began or ended otherwise than by an event."""
    if edges:
        announce([Changes(members={(edge.student_id, edge.class_id) for edge in edges}, edges=list(edges))])


def announce_resolution(student_id: int, *, scope: Scope, resolved_by: str, resolved_at: datetime) -> None:
    """Tell that an instructor resolved a student's errors in these classes. Four queries, one send."""
    through = StudentActivity.objects.filter(scope.q(), student=student_id).values_list("class_id", flat=True)
    members = {(student_id, class_id) for class_id in through} or {(student_id, WITHOUT_KEY)}
    audiences = _audiences(members)
    frames: dict[str, Frame] = {}
    for audience in (each for heard in audiences.values() for each in heard):
        email = audience.row["emailAddress"]
        frames[audience.group] = messages.student_error_resolved(
            email=email, resolved_by=resolved_by, resolved_at=resolved_at
        )
    outside = [frame for group, frame in frames.items() if group == groups.ALL_STUDENTS]
    send(audiences, list(frames.items()), outside=outside)


def send(
    audiences: Mapping[Member, Sequence[Audience]],
    frames: Sequence[tuple[str, Frame]],
    *,
    outside: Sequence[Frame],
    runs: Sequence[RunNotice] = (),
    last_runs: Mapping[Member, LastRun] | None = None,
) -> None:
    """Rows and notices to the groups that see them; runs to their listeners."""
    by_group: dict[str, dict[int, StudentRow]] = {groups.ALL_STUDENTS: {}}
    for heard in audiences.values():
        for audience in heard:
            by_group.setdefault(audience.group, {})[audience.row["studentId"]] = audience.row
    if runs or last_runs:
        last: dict[str, list[tuple[int, LastRun]]] = defaultdict(list)
        for member, run in (last_runs or {}).items():
            for audience in audiences.get(member, ()):
                last[audience.group].append((member[0], run))
        broadcast.publish_runs(runs, last)
    rows = {group: list(changed.values()) for group, changed in by_group.items()}
    broadcast.publish(rows, frames, outside=[messages.progress_update(rows[groups.ALL_STUDENTS]), *outside])


def _audiences(members: Collection[Member]) -> dict[Member, list[Audience]]:
    """Who hears of each. What came through a class is heard there; what came without a key in all classes of its
    student, in a copy that asks for no keys. Three queries."""
    rows = rows_by_class({student for student, _ in members}, now=datetime.now(UTC))
    classes: dict[int, list[int]] = defaultdict(list)
    for student, class_id in rows:
        if class_id != WITHOUT_KEY:
            classes[student].append(class_id)
    found: dict[Member, list[Audience]] = {}
    for student, class_id in members:
        if (student, WITHOUT_KEY) not in rows:
            continue
        if class_id != WITHOUT_KEY:
            heard = [class_id] if (student, class_id) in rows else []
        else:
            heard = [] if settings.EVENTS_REQUIRE_KEY else classes[student]
        found[student, class_id] = [
            Audience(groups.ALL_STUDENTS, rows[student, WITHOUT_KEY]),
            *(Audience(groups.class_group(each), rows[student, each]) for each in heard),
        ]
    return found


def _everybody(audiences: Mapping[Member, Sequence[Audience]]) -> dict[int, StudentRow]:
    return {student: heard[0].row for (student, _), heard in audiences.items()}


def _transition_frame(edge: HelpTransition, row: StudentRow) -> Frame:
    if not edge.is_asking:
        return messages.help_resolved(email=row["emailAddress"], resolved_by=edge.by)
    return messages.help_request(_notice(row, edge.notebook, edge.cell), asked_at=edge.at)


def _significant_frame(row: StudentRow, *, event_type: str) -> Frame | None:
    return messages.significant_error_alert(row, event_type=event_type) if row["hasSignificantError"] else None


def _alert_frame(event: Event, row: StudentRow) -> Frame:
    notice = _notice(row, event.notebook, event.cell)
    return messages.error_alert(notice, message=event.error_message or "", happened_at=event.occurred_at)


def _notice(row: StudentRow, notebook: str | None, cell: str | None) -> messages.HelpNotice:
    return {
        "emailAddress": row["emailAddress"],
        "userName": row["userName"],
        "teamName": row["teamName"] or NO_TEAM,
        "notebookPath": notebook or row["currentNotebook"],
        "cellId": cell or "",
    }
