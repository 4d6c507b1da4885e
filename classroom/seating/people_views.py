"""The pages that assign students to seats: one field per seat, everybody at once, a swap of two, or a list."""

import hashlib
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from classroom.base.decorators import is_fragment
from classroom.base.display import display_of
from classroom.base.setup_pages import setup_form
from classroom.base.uploaded_lists import plain, uploaded
from classroom.seating import room_services
from classroom.seating.people import Choices, inputs_of, typed_people
from classroom.seating.room_views import room_to_change, seats_of_room, show
from classroom.seating.seat_list import SeatPreview, preview
from core.identity import label_key, row_number
from instructors.permissions import account_of
from lms.models import Room
from lms.rooms import Seated
from lms.rosters.parser import MAX_BYTES
from lms.rosters.rows import Unreadable
from lms.rosters.seat_lists import MAX_LINES, SeatTable, read_seats
from lms.seating import NotInClass


@setup_form
def people(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    """Show who sits where, to be changed; the field `act` of a POST says what it does."""
    classroom, room = room_to_change(request, class_id, room_id)
    seats = seats_of_room(room)
    if request.method != "POST":
        return _show_people(request, classroom, room, seats)
    acts = {"assign": _assign, "swap": _swap, "fill": _fill, "free": _free, "place": _place}
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        return HttpResponseBadRequest()
    try:
        return act(request, classroom, room, seats)
    except NotInClass:  # somebody was taken out of the class meanwhile: once more, as it is now
        return act(request, classroom, room, seats_of_room(room))


def _show_people(
    request: HttpRequest, classroom: Classroom, room: Room, seats: list[Seated], **context: Any
) -> HttpResponse:
    status = 422 if context else 200
    if display_of(request).projector:
        return show(request, classroom, "seat_people", room=room, fields=[])
    choices = Choices(classroom)
    seated = {seat.student_id for seat in seats}
    shared = {
        "room": room,
        "fields": inputs_of(seats, choices),
        "options": choices.options,
        "unseated": sum(one.student_id not in seated for one in choices.classmates),
        "free": sum(seat.student_id is None for seat in seats),
    }
    return show(request, classroom, "seat_people", status=status, **(shared | context))


def _assign(request: HttpRequest, classroom: Classroom, room: Room, seats: list[Seated]) -> HttpResponse:
    fields, changes = typed_people(seats, Choices(classroom), request.POST)
    problems = [field for field in fields if field.problem]
    if problems:
        return _show_people(request, classroom, room, seats, fields=fields, problems=problems)
    if changes:
        room_services.assign(room, changes, by=account_of(request), request=request, now=timezone.now())
        messages.success(request, gettext("Seats changed: %(count)d") % {"count": len(changes)})
    else:
        messages.info(request, gettext("Nothing was changed."))
    return redirect("class_seats", classroom.class_ref.pk, room.pk)  # type: ignore[union-attr]


def _swap(request: HttpRequest, classroom: Classroom, room: Room, seats: list[Seated]) -> HttpResponse:
    typed = [request.POST.get(name, "") for name in ("first", "second")]
    by_label = {label_key(seat.label): seat.seat_id for seat in seats}
    unknown = [text for text in typed if label_key(text) not in by_label]
    if unknown:
        words = gettext("There is no seat “%(text)s” in this room.") % {"text": unknown[0]}
        return _show_people(request, classroom, room, seats, swap_problem=words, swapped=typed)
    first, second = (by_label[label_key(text)] for text in typed)
    room_services.swap(room, first, second, by=account_of(request), request=request, now=timezone.now())
    messages.success(
        request, gettext("%(first)s and %(second)s are swapped.") % {"first": typed[0], "second": typed[1]}
    )
    return redirect("class_seats", classroom.class_ref.pk, room.pk)  # type: ignore[union-attr]


def _fill(request: HttpRequest, classroom: Classroom, room: Room, seats: list[Seated]) -> HttpResponse:
    order = request.POST.get("order", "")
    if order not in room_services.FILL_ORDERS:
        return HttpResponseBadRequest()
    keep = "anew" not in request.POST
    count = room_services.fill(
        classroom, room, order, keep=keep, by=account_of(request), request=request, now=timezone.now()
    )
    messages.success(request, gettext("Students who got a seat: %(count)d") % {"count": count})
    return redirect("class_seats", classroom.class_ref.pk, room.pk)  # type: ignore[union-attr]


def _free(request: HttpRequest, classroom: Classroom, room: Room, seats: list[Seated]) -> HttpResponse:
    count = room_services.free_all(room, by=account_of(request), request=request)
    messages.success(request, gettext("Seats that are free again: %(count)d") % {"count": count})
    return redirect("class_seats", classroom.class_ref.pk, room.pk)  # type: ignore[union-attr]


def _place(request: HttpRequest, classroom: Classroom, room: Room, seats: list[Seated]) -> HttpResponse:
    """Place one student, whom a script dragged; without a seat they have none. Answers JSON to a script."""
    student, seat = (row_number(request.POST.get(name, "")) for name in ("student", "seat"))
    taken = {one.student_id: one.seat_id for one in seats}
    by, now = account_of(request), timezone.now()
    if student is None or seat not in {None, *(one.seat_id for one in seats)}:
        raise Http404
    try:
        if seat is not None:
            room_services.place(room, student_id=student, seat_id=seat, by=by, request=request, now=now)
        elif student in taken:
            room_services.assign(room, {taken[student]: None}, by=by, request=request, now=now)
    except NotInClass:
        raise Http404 from None
    if is_fragment(request):
        return JsonResponse({})
    return redirect("class_seats", classroom.class_ref.pk, room.pk)  # type: ignore[union-attr]


# --- Lists ----------------------------------------------------------------------------------------------------------


@setup_form
def import_list(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    """Import a list: the first POST shows what will happen, a second one with the same text does it."""
    classroom, room = room_to_change(request, class_id, room_id)
    limits: dict[str, Any] = {"room": room, "most_lines": MAX_LINES, "most_kb": MAX_BYTES // 1024}
    if display_of(request).projector or request.method != "POST":
        return show(request, classroom, "seat_list", **limits)
    text, free_others = plain(request.POST.get("text", "")), "free" in request.POST
    limits["free_others"] = free_others
    seats, choices = seats_of_room(room), Choices(classroom)

    def read(text: str) -> SeatTable:
        return read_seats(text, labels=[seat.label for seat in seats], classmates=choices.classmates)

    try:
        text = uploaded(request, text)
        table = read(text)
    except Unreadable as problem:
        return show(request, classroom, "seat_list", status=422, text=text, problem=str(problem), **limits)
    found = preview(table, seats, choices, free_others=free_others)
    checked = _digest(text, free_others)
    if request.POST.get("step") == "import" and found.lines:
        if request.POST.get("checked") == checked:
            with suppress(NotInClass):  # else somebody was taken out of the class meanwhile: show what is so now
                return _import(request, classroom, room, found, free_others=free_others, limits=limits)
            choices = Choices(classroom)
            found = preview(read(text), seats, choices, free_others=free_others)
        messages.warning(request, gettext("The list has changed since it was checked. Look at it again, then import."))
    return show(request, classroom, "seat_list", text=text, preview=found, checked=checked, **limits)


def _import(
    request: HttpRequest,
    classroom: Classroom,
    room: Room,
    found: SeatPreview,
    *,
    free_others: bool,
    limits: dict[str, Any],
) -> HttpResponse:
    bad = found.table.bad
    room_services.import_list(
        room,
        found.people,
        free_others=free_others,
        skipped=len(bad),
        by=account_of(request),
        request=request,
        now=timezone.now(),
    )
    counts = {"seated": len(found.lines), "skipped": len(bad)}
    messages.success(request, gettext("Seated from the list: %(seated)d. Skipped: %(skipped)d.") % counts)
    if not bad:
        return redirect("class_seats", classroom.class_ref.pk, room.pk)  # type: ignore[union-attr]
    # Show the skipped lines again, to be corrected; the others sit already, and are not to be freed then.
    seats, choices, text = seats_of_room(room), Choices(classroom), found.table.rest()
    table = read_seats(text, labels=[seat.label for seat in seats], classmates=choices.classmates)
    left = preview(table, seats, choices, free_others=False)
    context = {**limits, "free_others": False, "is_rest": True, "preview": left, "checked": _digest(text, False)}
    return show(request, classroom, "seat_list", text=text, **context)


def _digest(text: str, free_others: bool) -> str:
    return hashlib.sha256(f"{free_others} {text}".encode()).hexdigest()
