"""The page of one student."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from instructors.display import display_of
from instructors.pages.rooms import LARGEST_ID, room_of, room_page
from instructors.queries.student import LONGEST_TEXT, student_page


@room_page
def student(request: HttpRequest, student_id: int, class_id: int | None = None) -> HttpResponse:
    text = request.GET.get("before", "")
    before = int(text) if text.isdecimal() and int(text) <= LARGEST_ID else None
    now, room = timezone.now(), room_of(request, class_id)
    page = student_page(room, student_id=student_id, before=before, now=now, display=display_of(request))
    context = {"room": room, "now": now, "page": page, "before": before, "longest_text": LONGEST_TEXT}
    return render(request, "students/student.html", context)
