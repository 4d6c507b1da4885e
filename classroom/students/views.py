"""The page of one student, as a page or as the fragment in the drawer, and the forms for notes."""

from typing import Any

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from classroom.students import services
from classroom.students.forms import NoteForm
from classroom.students.selectors import PageQuery, StudentPage, student_page
from events.student_status import ACTIVE_WINDOW, ERROR_WINDOW
from instructors import audit
from instructors.permissions import account_of

# An open page refreshes itself as part of the same audited view, for at most this long.
MAX_VIEW_AGE = 6 * 3600  # seconds
_view_signer = TimestampSigner(salt="student-view")


@class_page
def student(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    """Show a student: `?part=`, `?cell=`, `?notebook=`, `?errors=1`, `?before=<run>`; `?after=<run>` as a fragment
    returns only newer runs. The audit log records one view for a page and its later requests (`?view=`)."""
    classroom = classroom_of(request, class_id)
    page = _page(request, classroom, student_id, PageQuery.of(request.GET))
    view = _view_of(request, classroom, student_id, page)
    if is_fragment(request) and page.query.after is not None:
        return render(request, "students/_news.html", _context(request, classroom, page, view))
    return _render(request, classroom, page, view)


@class_action
def add_note(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    classroom, form = classroom_of(request, class_id), NoteForm(request.POST)
    if not form.is_valid():
        return _invalid(request, classroom, student_id, form)
    text = form.cleaned_data["text"]
    note = services.create_note(
        classroom, student_id=student_id, text=text, by=account_of(request), request=request, now=timezone.now()
    )
    return _after_change(request, classroom, student_id, focus=f"note-{note.pk}")


@class_action
def change_note(request: HttpRequest, student_id: int, note_id: int, class_id: int | None = None) -> HttpResponse:
    classroom, form = classroom_of(request, class_id), NoteForm(request.POST)
    if not form.is_valid():
        return _invalid(request, classroom, student_id, form, edit=note_id)
    text = form.cleaned_data["text"]
    services.edit_note(
        classroom,
        student_id=student_id,
        note_id=note_id,
        text=text,
        by=account_of(request),
        request=request,
        now=timezone.now(),
    )
    return _after_change(request, classroom, student_id, focus=f"note-{note_id}")


@class_action
def delete_note(request: HttpRequest, student_id: int, note_id: int, class_id: int | None = None) -> HttpResponse:
    classroom = classroom_of(request, class_id)
    services.delete_note(
        classroom, student_id=student_id, note_id=note_id, by=account_of(request), request=request, now=timezone.now()
    )
    return _after_change(request, classroom, student_id, focus="student-notes")


def _page(request: HttpRequest, classroom: Classroom, student_id: int, query: PageQuery) -> StudentPage:
    now, user = timezone.now(), account_of(request)
    return student_page(classroom, student_id=student_id, query=query, user=user, now=now, display=display_of(request))


def _view_of(request: HttpRequest, classroom: Classroom, student_id: int, page: StudentPage) -> str:
    """Return the signed view that this request belongs to: the given one, or a new one, which is audited."""
    user, view = account_of(request), request.GET.get("view", "")
    subject = f"{user.pk}/{classroom.class_id or ''}/{student_id}"
    try:
        if is_fragment(request) and _view_signer.unsign(view, max_age=MAX_VIEW_AGE) == subject:
            return view
    except BadSignature:
        pass
    audit.record(
        "student_view",
        actor=user,
        request=request,
        target_type="student",
        target_id=page.card.email,
        details={"class": classroom.class_id, "part": page.query.part},
    )
    return _view_signer.sign(subject)


def _after_change(request: HttpRequest, classroom: Classroom, student_id: int, *, focus: str) -> HttpResponse:
    if is_fragment(request):
        page = _page(request, classroom, student_id, PageQuery(part="notes"))
        return _render(request, classroom, page, request.GET.get("view", ""), focus=focus)
    return HttpResponseRedirect(f"{classroom.address}students/{student_id}/?part=notes#{focus}")


def _invalid(
    request: HttpRequest, classroom: Classroom, student_id: int, form: NoteForm, *, edit: int | None = None
) -> HttpResponse:
    """Return the page again with the form's text and errors; status 422."""
    page = _page(request, classroom, student_id, PageQuery(part="notes", edit=edit))
    return _render(request, classroom, page, request.GET.get("view", ""), form=form, status=422)


def _render(
    request: HttpRequest,
    classroom: Classroom,
    page: StudentPage,
    view: str,
    *,
    form: NoteForm | None = None,
    focus: str = "",
    status: int = 200,
) -> HttpResponse:
    context = _context(request, classroom, page, view) | {"form": form or _note_form(page), "focus": focus}
    template = "students/_student.html" if is_fragment(request) else "students/student.html"
    return render(request, template, context, status=status)


def _note_form(page: StudentPage) -> NoteForm:
    edited = next((note.row for note in page.notes if note.row.pk == page.query.edit and note.may_edit), None)
    return NoteForm(initial={"text": edited.text} if edited else None)


def _context(request: HttpRequest, classroom: Classroom, page: StudentPage, view: str) -> dict[str, Any]:
    return {
        "classroom": classroom,
        "now": timezone.now(),
        "page": page,
        "view": view,
        "level": 3 if is_fragment(request) else 2,  # of headings: in the drawer the student's name is one
        "active_seconds": int(ACTIVE_WINDOW.total_seconds()),
        "error_seconds": int(ERROR_WINDOW.total_seconds()),
    }
