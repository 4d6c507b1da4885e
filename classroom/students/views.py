"""The page of one student, whole or as the fragment that the drawer shows, and the notes written on it."""

from typing import Any

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from classroom.students.forms import NoteForm
from classroom.students.runs import LONGEST_TEXT
from classroom.students.selectors import Asked, StudentPage, student_page
from classroom.students.services import edit_note, remove_note, write_note
from events.student_status import ACTIVE_WINDOW, ERROR_WINDOW
from instructors import audit
from instructors.permissions import account_of

# A page that stays open refreshes itself under the view it was opened as; after a lesson's time that is a new view.
LONGEST_VIEW = 6 * 3600  # seconds
_views = TimestampSigner(salt="student-view")


@class_page
def student(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    """`?part=`, `?cell=`, `?notebook=`, `?errors=1`, `?before=<run>`; `?after=<run>` as a fragment brings only what is
    new. Told to the audit log, once for a page and all that it fetches while it is open (`?view=`)."""
    classroom = classroom_of(request, class_id)
    page = _page(request, classroom, student_id, Asked.of(request.GET))
    view = _view_of(request, classroom, student_id, page)
    if is_fragment(request) and page.asked.after is not None:
        return render(request, "students/_news.html", _context(request, classroom, page, view))
    return _answer(request, classroom, page, view)


@class_action
def add_note(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    classroom, form = classroom_of(request, class_id), NoteForm(request.POST)
    if not form.is_valid():
        return _refused(request, classroom, student_id, form)
    text = form.cleaned_data["text"]
    note = write_note(
        classroom, student_id=student_id, text=text, by=account_of(request), request=request, now=timezone.now()
    )
    return _written(request, classroom, student_id, focus=f"note-{note.pk}")


@class_action
def change_note(request: HttpRequest, student_id: int, note_id: int, class_id: int | None = None) -> HttpResponse:
    classroom, form = classroom_of(request, class_id), NoteForm(request.POST)
    if not form.is_valid():
        return _refused(request, classroom, student_id, form, edit=note_id)
    text = form.cleaned_data["text"]
    edit_note(
        classroom,
        student_id=student_id,
        note_id=note_id,
        text=text,
        by=account_of(request),
        request=request,
        now=timezone.now(),
    )
    return _written(request, classroom, student_id, focus=f"note-{note_id}")


@class_action
def delete_note(request: HttpRequest, student_id: int, note_id: int, class_id: int | None = None) -> HttpResponse:
    classroom = classroom_of(request, class_id)
    remove_note(
        classroom, student_id=student_id, note_id=note_id, by=account_of(request), request=request, now=timezone.now()
    )
    return _written(request, classroom, student_id, focus="student-notes")


def _page(request: HttpRequest, classroom: Classroom, student_id: int, asked: Asked) -> StudentPage:
    now, user = timezone.now(), account_of(request)
    return student_page(classroom, student_id=student_id, asked=asked, user=user, now=now, display=display_of(request))


def _view_of(request: HttpRequest, classroom: Classroom, student_id: int, page: StudentPage) -> str:
    """The view that this request belongs to: the one it names, or a new one, which the audit log is told."""
    user, view = account_of(request), request.GET.get("view", "")
    subject = f"{user.pk}/{classroom.class_ref.pk if classroom.class_ref else ''}/{student_id}"
    try:
        if is_fragment(request) and _views.unsign(view, max_age=LONGEST_VIEW) == subject:
            return view
    except BadSignature:
        pass
    audit.record(
        action="student_view",
        actor=user,
        request=request,
        target_type="student",
        target_id=page.card.email,
        details={"class": classroom.class_ref.pk if classroom.class_ref else None, "part": page.asked.part},
    )
    return _views.sign(subject)


def _written(request: HttpRequest, classroom: Classroom, student_id: int, *, focus: str) -> HttpResponse:
    if is_fragment(request):
        page = _page(request, classroom, student_id, Asked(part="notes"))
        return _answer(request, classroom, page, request.GET.get("view", ""), focus=focus)
    return HttpResponseRedirect(f"{classroom.address}students/{student_id}/?part=notes#{focus}")


def _refused(
    request: HttpRequest, classroom: Classroom, student_id: int, form: NoteForm, *, edit: int | None = None
) -> HttpResponse:
    """The same page again, with what was typed and what is wrong with it."""
    page = _page(request, classroom, student_id, Asked(part="notes", edit=edit))
    return _answer(request, classroom, page, request.GET.get("view", ""), form=form, status=422)


def _answer(
    request: HttpRequest,
    classroom: Classroom,
    page: StudentPage,
    view: str,
    *,
    form: NoteForm | None = None,
    focus: str = "",
    status: int = 200,
) -> HttpResponse:
    context = _context(request, classroom, page, view) | {"form": form or _form(page), "focus": focus}
    template = "students/_student.html" if is_fragment(request) else "students/student.html"
    return render(request, template, context, status=status)


def _form(page: StudentPage) -> NoteForm:
    edited = next((note.row for note in page.notes if note.row.pk == page.asked.edit and note.may_edit), None)
    return NoteForm(initial={"text": edited.text} if edited else None)


def _context(request: HttpRequest, classroom: Classroom, page: StudentPage, view: str) -> dict[str, Any]:
    return {
        "classroom": classroom,
        "now": timezone.now(),
        "page": page,
        "view": view,
        "level": 3 if is_fragment(request) else 2,  # of headings: in the drawer the student's name is one
        "longest_text": LONGEST_TEXT,
        "active_seconds": int(ACTIVE_WINDOW.total_seconds()),
        "error_seconds": int(ERROR_WINDOW.total_seconds()),
    }
