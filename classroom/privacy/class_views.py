"""Set-up → Privacy: the page to link, a code for a student, and requests for erasure."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, class_page
from classroom.base.display import display_of
from classroom.base.setup_pages import show, taught_classroom
from classroom.privacy import services
from classroom.privacy.access import CODE_SECONDS, FAILURES, CodesUnavailable, Subject, make_code
from classroom.privacy.selectors import requests_of
from core.identity import display_name, row_number
from instructors import audit
from instructors.lockout import client_of
from instructors.permissions import account_of
from instructors.throttles import remember_client
from lms.models import Class


@class_page
def class_privacy(request: HttpRequest, class_id: int) -> HttpResponse:
    classroom, found = taught_classroom(request, class_id)
    return _show(request, classroom, found)


@class_action
def make_student_code(request: HttpRequest, class_id: int) -> HttpResponse:
    """Make a code for the own page of `student`, and show it once."""
    classroom, found = taught_classroom(request, class_id)
    student = get_object_or_404(classroom.students, pk=row_number(request.POST.get("student", "")))
    try:
        code = make_code(Subject(student_id=student.pk, class_id=class_id))
    except CodesUnavailable:
        messages.warning(request, gettext("A code cannot be made at the moment. Try again soon."))
        return redirect("class_privacy", class_id)
    remember_client(FAILURES, client_of(request), target=class_id)
    audit.record("own_page_code", found, actor=account_of(request), request=request, details={"student": student.pk})
    return _show(
        request, classroom, found, code=code, code_for=_shown_name(request, student), minutes=CODE_SECONDS // 60
    )


@class_action
def answer_erasure(request: HttpRequest, class_id: int, request_id: int) -> HttpResponse:
    """Answer a request for erasure. What is stored stays: an operator erases."""
    _, found = taught_classroom(request, class_id)
    text, by = request.POST.get("answer", "").replace("\0", "").strip(), account_of(request)
    if services.answer(found, request_id=request_id, text=text, by=by, request=request, now=timezone.now()):
        messages.success(request, gettext("Answered. The student reads it on their own page."))
    else:
        messages.warning(request, gettext("This request is not open any more."))
    return redirect("class_privacy", class_id)


def _show(request: HttpRequest, classroom: Classroom, class_ref: Class, **context: Any) -> HttpResponse:
    students = [(each.pk, _shown_name(request, each)) for each in classroom.students.order_by("name", "email", "pk")]
    return show(
        request,
        classroom,
        "privacy",
        students=students,
        requests=[(each, _shown_name(request, each.student)) for each in requests_of(class_ref)],
        privacy_address=request.build_absolute_uri(reverse("privacy")),
        own_address=request.build_absolute_uri(reverse("own_page")),
        **context,
    )


def _shown_name(request: HttpRequest, student: Any) -> str:
    display = display_of(request)
    name = display.name(student.pk, display_name(student.name, student.email))
    address = display.email(student.email)
    return f"{name} ({address})" if address and address != name else name
