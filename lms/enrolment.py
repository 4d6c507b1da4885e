"""Enrolment of students from a list, and removal. (Class keys enrol students too: `lms.bulk_get_or_create.enrol`.)"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from core.identity import email_key, label_key, visible
from core.kana_order import reading_key
from core.postgres import execute, fetch_all
from lms import bulk_get_or_create
from lms.models import Student, StudentClass, StudentToken
from lms.resolved_rows import StudentState


@dataclass(kw_only=True)
class ListedStudent:
    """A student on a list of students, one line of it. It satisfies `lms.resolved_rows.Observation`."""

    email: str
    name: str | None = None
    team: str | None = None
    session: str | None = None
    notebook: str | None = None
    cell: str | None = None
    cell_index: int | None = None
    cell_type: str = "code"
    class_id: int | None = None
    student_number: str | None = None
    reading: str | None = None

    @property
    def occurred_at(self) -> datetime:
        """Return the latest time there is, so that a list replaces what earlier events said."""
        return datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredStudent:
    """A student as the class sees them."""

    id: int
    name: str | None
    team_id: int | None
    team: str | None
    is_member: bool
    student_number: str | None = None
    reading: str | None = None

    def differs(self, listed: ListedStudent) -> bool:
        """Return whether the list changes name, team, number or reading. An empty one on the list changes nothing."""
        name, team = visible(listed.name), label_key(listed.team or "")
        return bool(
            (name and name != self.name)
            or (team and team != label_key(self.team or ""))
            or (listed.student_number and listed.student_number != self.student_number)
            or (listed.reading and listed.reading != self.reading)
        )


@dataclass(frozen=True)
class Enrolled:
    created: int  # new to the class
    updated: int  # already in it, with another name or team
    unchanged: int


def known_students(class_id: int, emails: Sequence[str]) -> dict[str, StoredStudent]:
    """Return the known students by e-mail as given, in any spelling. One query."""
    keys = {email: email_key(email) for email in emails}
    addresses = sorted(set(keys.values()))
    found = fetch_all(
        f"""SELECT s.key, s.id, e.name, e.team_id, t.team_name, e.id IS NOT NULL, e.student_number, e.reading
           FROM {bulk_get_or_create.BY_ADDRESS} s
           LEFT JOIN student_classes e ON e.student_id = s.id AND e.class_id = %s
           LEFT JOIN teams t ON t.id = e.team_id""",  # noqa: S608
        [addresses, addresses, class_id],
    )
    known = {key: StoredStudent(*columns) for key, *columns in found}
    return {email: known[key] for email, key in keys.items() if key in known}


def enrol_listed(class_id: int, listed: Sequence[ListedStudent], *, now: datetime) -> Enrolled:
    """Enrol all students on the list, with the names, teams, numbers and readings it gives in this class. Other classes
    are not changed. Eleven queries at most. The same list again changes nothing."""
    with transaction.atomic():
        before = known_students(class_id, [each.email for each in listed])
        teams = bulk_get_or_create.find_teams({each.team for each in listed if each.team})
        students = bulk_get_or_create.find_students(listed, teams)
        newcomers = {each.email for each in listed if each.email not in before}
        update_students({state.id: state for email, state in students.items() if email in newcomers}, now=now)
        names: dict[tuple[int, int], tuple[str | None, int | None]] = {}
        for each in listed:
            known = before.get(each.email)
            key = students[each.email].id, class_id
            name, team = names.get(key) or ((known.name, known.team_id) if known else (None, None))
            names[key] = each.name or name, teams.get(each.team or "") or team
        bulk_get_or_create.save_memberships((*key, *values) for key, values in names.items())
        save_register(class_id, [(students[each.email].id, each.student_number, each.reading) for each in listed])
    members = {email for email, known in before.items() if known.is_member}
    created = sum(each.email not in members for each in listed)
    updated = sum(each.email in members and before[each.email].differs(each) for each in listed)
    return Enrolled(created, updated, len(listed) - created - updated)


def save_register(class_id: int, rows: Iterable[tuple[int, str | None, str | None]]) -> None:
    """Store numbers and readings (student, number, reading) of members of the class. One statement, none if they are
    all empty: an empty one changes nothing."""
    written = [row for row in rows if row[1] or row[2]]
    if not written:
        return
    execute(
        """UPDATE student_classes e SET student_number = coalesce(nullif(k.number, ''), e.student_number),
               reading = coalesce(nullif(k.reading, ''), e.reading),
               reading_key = CASE WHEN k.reading <> '' THEN k.key ELSE e.reading_key END
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS k (student, number, reading, key)
           WHERE e.student_id = k.student AND e.class_id = %s""",
        [
            [student for student, _, _ in written],
            [number or "" for _, number, _ in written],
            [reading or "" for _, _, reading in written],
            [reading_key(reading or "") for _, _, reading in written],
            class_id,
        ],
    )


def remove_student(class_id: int, student_id: int) -> bool:
    """Remove the student from the class, keeping activity and submissions. Return whether they were enrolled."""
    return bool(remove_students(class_id, [student_id]))


def remove_students(class_id: int, student_ids: Sequence[int]) -> int:
    """Remove these students from the class, keeping activity and submissions. Return how many were enrolled. Five
    statements.

    The tokens of their devices end, so that only a class key or code brings them back, and their seats are free.
    """
    with transaction.atomic():
        # A claim of a token locks the student too: none comes between the two statements.
        list(Student.objects.select_for_update(no_key=True).filter(pk__in=student_ids).order_by("pk").values("pk"))
        tokens = StudentToken.objects.filter(class_ref=class_id, student__in=student_ids, revoked_at=None)
        tokens.update(revoked_at=timezone.now())
        _, deleted = StudentClass.objects.filter(class_ref=class_id, student__in=student_ids).delete()
    return deleted.get(StudentClass._meta.label, 0)


def update_students(states: dict[int, StudentState], *, now: datetime) -> None:
    """Store name and team of these students. One statement."""
    if not states:
        return
    ids = sorted(states)
    execute(
        """UPDATE students s SET name = k.name, team_id = k.team, updated_at = %s
           FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS k (id, name, team) WHERE s.id = k.id""",
        [now, ids, [states[pk].name for pk in ids], [states[pk].team_id for pk in ids]],
    )
