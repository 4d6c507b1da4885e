"""Notifications after a batch was committed: complete rows and notices for dashboards and classes.

Sending them twice is harmless: a dashboard that receives a row again only renders it again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.conf import settings

from core.identity import email_key
from events.changes import Changes, HelpTransition
from events.contract.schema import Event
from events.processing import row_updates
from events.student_status import NO_TEAM, rows_by_class
from lms.access import Scope
from lms.models import StudentActivity
from lms.models.people import WITHOUT_KEY
from lms.resolved_rows import Member
from realtime import broadcast, groups, messages
from realtime.messages import Message, timestamp
from realtime.rows import ClassRun, LastRun, StudentRow, progress_update, significant_error_alert


@dataclass(frozen=True, slots=True)
class Audience:
    """A group that is notified of a student's activity, with the student's row as the group sees it.

    The group of all students sees the sum over all classes; the group of a class sees the activity in that class.
    """

    group: str
    row: StudentRow


def announce_changes(batches: Sequence[Changes]) -> None:
    """Announce the changes of these batches. Two queries, one check for subscribers, one send."""
    members = {member for changes in batches for member in changes.members}
    if not members:
        return
    audiences = _load_audiences(members)
    frames: list[tuple[str, Message]] = []
    outside: list[Message] = []

    def add_frames(member: Member, make: Callable[[StudentRow], Message | None]) -> None:
        made: list[Message] = []
        for audience in audiences.get(member, ()):
            frame = make(audience.row)
            if frame is None:
                continue
            # Reuse an equal frame, so that a socket in two groups receives it once.
            frame = next((one for one in made if one == frame), frame)
            made.append(frame)
            frames.append((audience.group, frame))
            if audience.group == groups.ALL_STUDENTS:
                outside.append(frame)

    for changes in batches:
        for transition in changes.help_transitions:
            add_frames((transition.student_id, transition.class_id), partial(_transition_frame, transition))
    emails = {email_key(row["emailAddress"]): pk for pk, row in _overall_rows(audiences).items()}
    for changes in batches:
        for member, event_type in changes.significant.items():
            add_frames(member, partial(_significant_frame, event_type=event_type))
        for event in changes.alerts:
            student = emails.get(email_key(event.email))
            if student is not None:
                add_frames((student, event.class_id or WITHOUT_KEY), partial(_alert_frame, event))
    send(
        audiences,
        frames,
        outside=outside,
        runs=row_updates.run_notices(batches, _overall_rows(audiences)),
        last_runs=row_updates.last_runs(batches),
    )
    changed = [transition for changes in batches for transition in changes.help_transitions]
    if changed:
        broadcast.wake_inboxes({each.student_id for each in changed}, help_in={each.class_id for each in changed})


def announce_transitions(transitions: Sequence[HelpTransition]) -> None:
    """Announce help requests that started or ended without an event."""
    if transitions:
        members = {(transition.student_id, transition.class_id) for transition in transitions}
        announce_changes([Changes(members=members, help_transitions=list(transitions))])


def announce_resolution(student_id: int, *, scope: Scope, resolved_by: str, resolved_at: datetime) -> None:
    """Announce that an instructor resolved a student's errors in these classes. Three queries, one send."""
    through = StudentActivity.objects.filter(scope.q(), student=student_id).values_list("class_id", flat=True)
    members = {(student_id, class_id) for class_id in through} or {(student_id, WITHOUT_KEY)}
    audiences = _load_audiences(members)
    frames: dict[str, Message] = {}
    for audience in (each for recipients in audiences.values() for each in recipients):
        data = messages.StudentErrorResolvedData(
            emailAddress=audience.row["emailAddress"], resolvedAt=timestamp(resolved_at), resolvedBy=resolved_by
        )
        frames[audience.group] = messages.StudentErrorResolved(data)
    outside = [frame for group, frame in frames.items() if group == groups.ALL_STUDENTS]
    send(audiences, list(frames.items()), outside=outside)


def send(
    audiences: Mapping[Member, Sequence[Audience]],
    frames: Sequence[tuple[str, Message]],
    *,
    outside: Sequence[Message],
    runs: Sequence[ClassRun] = (),
    last_runs: Mapping[Member, LastRun] | None = None,
) -> None:
    """Send rows and notices to their groups, and runs to their subscribers."""
    by_group: dict[str, dict[int, StudentRow]] = {groups.ALL_STUDENTS: {}}
    for recipients in audiences.values():
        for audience in recipients:
            by_group.setdefault(audience.group, {})[audience.row["studentId"]] = audience.row
    if runs or last_runs:
        last: dict[str, list[tuple[int, LastRun]]] = defaultdict(list)
        for member, run in (last_runs or {}).items():
            for audience in audiences.get(member, ()):
                last[audience.group].append((member[0], run))
        broadcast.publish_runs(runs, last)
    rows = {group: list(changed.values()) for group, changed in by_group.items()}
    broadcast.publish(rows, frames, outside=[progress_update(rows[groups.ALL_STUDENTS]), *outside])


def _load_audiences(members: Collection[Member]) -> dict[Member, list[Audience]]:
    """Return the audiences of each student and class. Two queries.

    Activity in a class is announced in that class. Activity without a class key is announced in all classes of the
    student, unless EVENTS_REQUIRE_KEY is set.
    """
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
            recipients = [class_id] if (student, class_id) in rows else []
        else:
            recipients = [] if settings.EVENTS_REQUIRE_KEY else classes[student]
        found[student, class_id] = [
            Audience(groups.ALL_STUDENTS, rows[student, WITHOUT_KEY]),
            *(Audience(groups.class_group(each), rows[student, each]) for each in recipients),
        ]
    return found


def _overall_rows(audiences: Mapping[Member, Sequence[Audience]]) -> dict[int, StudentRow]:
    return {student: recipients[0].row for (student, _), recipients in audiences.items()}


def _transition_frame(transition: HelpTransition, row: StudentRow) -> Message:
    if not transition.is_asking:
        data = messages.HelpResolvedData(emailAddress=row["emailAddress"], resolvedBy=transition.by)
        return messages.HelpResolved(data)
    place = _place(row, transition.notebook, transition.cell)
    return messages.HelpRequested(messages.HelpRequestData(**place, timestamp=timestamp(transition.at)))


def _significant_frame(row: StudentRow, *, event_type: str) -> Message | None:
    return significant_error_alert(row, event_type=event_type) if row["hasSignificantError"] else None


def _alert_frame(event: Event, row: StudentRow) -> Message:
    place, happened_at = _place(row, event.notebook, event.cell), timestamp(event.occurred_at)
    data = messages.ErrorAlertData(**place, errorMessage=event.error_message or "", timestamp=happened_at)
    return messages.ErrorAlert(data)


def _place(row: StudentRow, notebook: str | None, cell: str | None) -> dict[str, Any]:
    """Return the fields of `messages.Place`."""
    return {
        "emailAddress": row["emailAddress"],
        "userName": row["userName"],
        "teamName": row["teamName"] or NO_TEAM,
        "notebookPath": notebook or row["currentNotebook"],
        "cellId": cell or "",
    }
