"""The pages on which rooms are made and changed: for instructors of the class."""

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, is_fragment
from classroom.base.js_strings import seat_texts
from classroom.base.setup_pages import setup_form, taught_classroom
from classroom.seating import room_services
from classroom.seating.map_views import picture_problem
from classroom.seating.room_forms import BadSeat, CopyForm, GridForm, NameForm, NewRoomForm, SeatRow, typed_seat
from classroom.seating.seats import Plan, plan_of, room_in
from core.identity import label_key
from instructors.permissions import account_of
from lms.images import BadPicture, as_jpeg, check_upload
from lms.models import Room
from lms.rooms import (
    MAX_ROOMS,
    RoomNameTaken,
    Seated,
    SeatLabelTaken,
    TooManyRooms,
    TooManySeats,
    picture_of,
    rooms_of,
    seats_in,
    with_seats,
)
from lms.seat_grid import MAX_SEATS, free_place


def room_to_change(request: HttpRequest, class_id: int, room_id: int) -> tuple[Classroom, Room]:
    """Return the classroom and a room of its class. Raises Http404, PermissionDenied for assistants. Two queries."""
    classroom, _ = taught_classroom(request, class_id)
    found = room_in(classroom, room_id)
    if found is None:
        raise Http404
    return classroom, found


def show(
    request: HttpRequest, classroom: Classroom, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    shared = {"classroom": classroom, "now": timezone.now(), "texts": seat_texts()}
    return render(request, f"seating/{template}.html", {**shared, **context}, status=status)


@setup_form
def rooms(request: HttpRequest, class_id: int) -> HttpResponse:
    """List the rooms of the class, and make one."""
    classroom, class_ref = taught_classroom(request, class_id)
    form = NewRoomForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = room_services.make_room(
                class_ref,
                name=form.cleaned_data["name"],
                seats=form.seats(),
                by=account_of(request),
                request=request,
                now=timezone.now(),
            )
        except RoomNameTaken:
            form.add_error("name", _name_taken())
        except TooManyRooms:
            form.add_error(None, _too_many_rooms())
        else:
            messages.success(request, gettext("%(room)s is ready. Now say who sits where.") % {"room": made.name})
            return redirect("class_seats" if made.seats.exists() else "class_seat_room", class_id, made.pk)
    found = [(room, seats_in(room)) for room in with_seats(rooms_of(class_id))]
    listed = [(room, len(seats), sum(seat.student_id is not None for seat in seats)) for room, seats in found]
    return show(request, classroom, "rooms", status=422 if form.errors else 200, form=form, listed=listed)


@setup_form
def room(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    """Show a room with all that can be changed of it; a POST renames it."""
    classroom, found = room_to_change(request, class_id, room_id)
    if request.method != "POST":
        return show_room(request, classroom, found)
    form, before = NameForm(request.POST), found.name
    if form.is_valid():
        try:
            name = form.cleaned_data["name"]
            room_services.rename_room(found, name=name, by=account_of(request), request=request)
        except RoomNameTaken:
            found.name = before
            form.add_error("name", _name_taken())
        else:
            messages.success(request, gettext("The room has a new name."))
            return redirect("class_seat_room", class_id, room_id)
    return show_room(request, classroom, found, name_form=form)


def show_room(request: HttpRequest, classroom: Classroom, found: Room, **forms: Any) -> HttpResponse:
    """Show the room; `forms` are those that could not be accepted, as they were sent."""
    drawn = with_seats(Room.objects.filter(pk=found.pk)).select_related("picture").get()
    plan: Plan = plan_of(drawn, {}, {})
    context: dict[str, Any] = {
        "room": found,
        "plan": plan,
        "seat_rows": [SeatRow(seat) for seat in seats_in(drawn)],
        "name_form": NameForm(initial={"name": found.name}),
        "grid_form": GridForm(),
        "copy_form": CopyForm(
            teacher=account_of(request), initial={"to": found.class_ref_id, "copy_name": _copy_name(found.name)}
        ),
        "picture": picture_of(drawn),
        "new_seat": {"label": "", "x": "", "y": ""},
    }
    return show(request, classroom, "seat_room", status=422 if forms else 200, **(context | forms))


@class_action
def lay_out(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    """Give the room rows and columns of seats. If somebody loses their seat, that has to be confirmed."""
    classroom, found = room_to_change(request, class_id, room_id)
    form = GridForm(request.POST)
    if form.is_valid() and not form.seats():
        form.add_error("rows", gettext("Fill this in."))
    if not form.is_valid():
        return show_room(request, classroom, found, grid_form=form)
    wanted = {label_key(seat.label) for seat in form.seats()}
    lost = [
        seat for seat in seats_of_room(found) if seat.student_id is not None and label_key(seat.label) not in wanted
    ]
    if lost and request.POST.get("confirmed") != str(len(lost)):
        return show_room(request, classroom, found, grid_form=form, grid_loses=len(lost))
    room_services.lay_out(found, form.seats(), by=account_of(request), request=request)
    messages.success(request, gettext("The room has these seats now."))
    return redirect("class_seat_room", class_id, room_id)


@class_action
def seats(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    """Change labels and points of seats, and remove some: one form for all. A script sends one seat, and gets JSON."""
    classroom, found = room_to_change(request, class_id, room_id)
    rows = [SeatRow(seat, request.POST) for seat in seats_of_room(found)]
    changes, problem = {}, ""
    for row in rows:
        if row.is_removed or not row.is_changed:
            continue
        try:
            changes[row.seat.seat_id] = row.placed()
        except BadSeat as bad:
            row.problem = problem = str(bad)
    removed = [row.seat.seat_id for row in rows if row.is_removed]
    if not problem:
        try:
            room_services.change_seats(found, changes, removed, by=account_of(request), request=request)
        except SeatLabelTaken:
            problem = _label_taken()
    if is_fragment(request):
        return JsonResponse({"message": problem} if problem else {}, status=400 if problem else 200)
    if problem:
        return show_room(request, classroom, found, seat_rows=rows, seats_problem=problem)
    messages.success(request, gettext("Saved."))
    return redirect("class_seat_room", class_id, room_id)


@class_action
def add_seat(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    classroom, found = room_to_change(request, class_id, room_id)
    typed = {name: request.POST.get(name, "") for name in ("label", "x", "y")}
    free = free_place([(seat.x, seat.y) for seat in seats_of_room(found)])
    try:
        seat = typed_seat(typed["label"], typed["x"], typed["y"], elsewhere=free)
        room_services.add_seat(found, seat, by=account_of(request), request=request)
    except BadSeat as bad:
        return show_room(request, classroom, found, new_seat=typed, new_seat_problem=str(bad))
    except SeatLabelTaken:
        return show_room(request, classroom, found, new_seat=typed, new_seat_problem=_label_taken())
    except TooManySeats:
        words = gettext("A room takes at most %(most)d seats.") % {"most": MAX_SEATS}
        return show_room(request, classroom, found, new_seat=typed, new_seat_problem=words)
    messages.success(request, gettext("Seat %(seat)s was added.") % {"seat": seat.label})
    return redirect("class_seat_room", class_id, room_id)


@class_action
def picture(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    """Replace the picture of the room; with `act=remove` take it away."""
    classroom, found = room_to_change(request, class_id, room_id)
    content, name = None, None
    if request.POST.get("act") != "remove":
        file = request.FILES.get("picture")
        if not isinstance(file, UploadedFile):
            return show_room(request, classroom, found, picture_problem=gettext("Choose a picture first."))
        try:
            check_upload(size=file.size or 0)
            content, name = as_jpeg(file), file.name
        except BadPicture as bad:
            return show_room(request, classroom, found, picture_problem=picture_problem(bad))
    room_services.set_picture(found, content, name=name, by=account_of(request), request=request, now=timezone.now())
    messages.success(request, gettext("Saved."))
    return redirect("class_seat_room", class_id, room_id)


@class_action
def copy(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    """Copy the room with its seats, and nobody on them, into a class of this instructor."""
    classroom, found = room_to_change(request, class_id, room_id)
    account = account_of(request)
    form = CopyForm(request.POST, teacher=account)
    if form.is_valid():
        to, name = form.cleaned_data["to"], form.cleaned_data["copy_name"]
        try:
            made = room_services.copy_room(found, to=to, name=name, by=account, request=request, now=timezone.now())
        except RoomNameTaken:
            form.add_error("copy_name", _name_taken())
        except TooManyRooms:
            form.add_error("to", _too_many_rooms())
        else:
            messages.success(request, gettext("This is the copy. Nobody sits there yet."))
            return redirect("class_seat_room", to.pk, made.pk)
    return show_room(request, classroom, found, copy_form=form)


@class_action
def delete(request: HttpRequest, class_id: int, room_id: int) -> HttpResponse:
    _, found = room_to_change(request, class_id, room_id)
    name = found.name
    room_services.remove_room(found, by=account_of(request), request=request)
    messages.success(request, gettext("%(room)s was removed, with its seats.") % {"room": name})
    return redirect("class_seat_rooms", class_id)


def seats_of_room(found: Room) -> list[Seated]:
    """Return the seats of the room by label. Two queries."""
    return seats_in(with_seats(Room.objects.filter(pk=found.pk)).get())


def _copy_name(name: str) -> str:
    return (gettext("%(name)s (copy)") % {"name": name})[:100]


def _name_taken() -> str:
    return gettext("The class already has a room with this name.")


def _label_taken() -> str:
    return gettext("Two seats of a room cannot have the same label.")


def _too_many_rooms() -> str:
    return gettext("A class has at most %(most)d rooms.") % {"most": MAX_ROOMS}
