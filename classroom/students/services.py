"""Creating, editing and deleting notes about a student. The audit log records each change, without the text."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from classroom.base.classrooms import Classroom
from classroom.students.models import StudentNote
from classroom.students.selectors import own_notes, removable_notes
from instructors import audit
from instructors.models import Instructor
from lms.models import Student


def create_note(
    classroom: Classroom, *, student_id: int, text: str, by: Instructor, request: HttpRequest, now: datetime
) -> StudentNote:
    """Create a note. Raises Http404 for a student who is not in this classroom."""
    student = get_object_or_404(classroom.students, pk=student_id)
    with transaction.atomic():
        note = StudentNote.objects.create(
            student_id=student.pk, class_ref=classroom.class_ref, author=by, text=text, created_at=now
        )
        _record("note_create", note, student, by, request)
    return note


def edit_note(
    classroom: Classroom,
    *,
    student_id: int,
    note_id: int,
    text: str,
    by: Instructor,
    request: HttpRequest,
    now: datetime,
) -> StudentNote:
    """Change the text and store the earlier one. Raises Http404 for a note that is not this user's own."""
    student = get_object_or_404(classroom.students, pk=student_id)
    with transaction.atomic():
        note = _locked(own_notes(classroom, student_id=student_id, user=by), note_id)
        if note.text != text:
            until = now.isoformat()
            note.earlier_texts = [*note.earlier_texts, {"text": note.text, "until": until}]
            note.text, note.edited_at = text, now
            note.save(update_fields=["text", "edited_at", "earlier_texts"])
            _record("note_update", note, student, by, request)
    return note


def delete_note(
    classroom: Classroom, *, student_id: int, note_id: int, by: Instructor, request: HttpRequest, now: datetime
) -> None:
    """Mark the note as deleted. Raises Http404 for a note that this user may not delete."""
    student = get_object_or_404(classroom.students, pk=student_id)
    with transaction.atomic():
        note = _locked(removable_notes(classroom, student_id=student_id, user=by), note_id)
        note.deleted_at, note.deleted_by = now, by
        note.save(update_fields=["deleted_at", "deleted_by"])
        _record("note_delete", note, student, by, request)


def _locked(notes: "QuerySet[StudentNote]", note_id: int) -> StudentNote:
    return get_object_or_404(notes.select_for_update(of=("self",)), pk=note_id)


def _record(action: str, note: StudentNote, student: Student, by: Instructor, request: HttpRequest) -> None:
    audit.record(
        action,
        actor=by,
        request=request,
        target_type="student",
        target_id=student.email,
        details={"note": note.pk, "class": note.class_ref_id},
    )
