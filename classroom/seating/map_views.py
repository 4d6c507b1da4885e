"""The forms of the seating map: upload a picture, place teams, delete the map. Each redirects to the seating page.

A script that sends `X-Requested-With: fragment` gets JSON: `{}`, or 400 with `{"message"}`.
"""

import math

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_action, classroom_of, is_fragment
from classroom.seating import services as seating_services
from classroom.seating.selectors import team_view
from classroom.seating.views import Refusal, show_room
from core.identity import number_form
from instructors.permissions import account_of
from lms.images import MAX_BYTES, BadPicture, as_jpeg, check_upload
from lms.maps import MAX_NAME_LENGTH, MAX_TEAMS, Point, TooManyTeams, active_map, free_points, points_on
from lms.models import ClassroomMap


@class_action
def upload(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    classroom = _classroom_to_change(request, class_id)
    file = request.FILES.get("picture")
    if not isinstance(file, UploadedFile):
        return _refuse(request, classroom, Refusal(form="upload", message=gettext("Choose a picture first.")))
    try:
        check_upload(size=file.size or 0)
        picture = as_jpeg(file)
    except BadPicture as problem:
        return _refuse(request, classroom, Refusal(form="upload", message=picture_problem(problem)))
    _replace_map(request, classroom, picture, file.name)
    return _done(request, classroom, gettext("The map has a new picture."))


@class_action
def plain(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    classroom = _classroom_to_change(request, class_id)
    _replace_map(request, classroom, None, None)
    return _done(request, classroom, gettext("The room is a plain floor now."))


@class_action
def delete(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    classroom = _classroom_to_change(request, class_id)
    seating_services.delete_map(_map_of(request, classroom), by=account_of(request), request=request)
    return _done(request, classroom, gettext("The map was removed, with the places of the teams."))


@class_action
def place(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Place one team at `x` and `y` percent; without these, at the first free point."""
    classroom = _classroom_to_change(request, class_id)
    found = _map_of(request, classroom)
    team, x, y = _team(request), request.POST.get("x", "").strip(), request.POST.get("y", "").strip()
    if not team:
        return _refuse(request, classroom, Refusal(form="team", message=gettext("Type the name of a team.")))
    try:
        point = Point(_percent(x), _percent(y)) if x or y else free_points(points_on(found).values(), 1)[0]
        seating_services.place_teams(found, {team: point}, by=account_of(request), request=request, now=timezone.now())
    except TooManyTeams:
        return _refuse(request, classroom, Refusal(form="team", message=_too_many(), team=team))
    except ValueError:
        message = gettext("Type two numbers from 0 to 100: percent from the left and from the top.")
        return _refuse(request, classroom, Refusal(form="place", message=message, team=team, x=x, y=y))
    return _done(request, classroom)


@class_action
def take_off(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    classroom = _classroom_to_change(request, class_id)
    seating_services.unplace_team(_map_of(request, classroom), _team(request), by=account_of(request), request=request)
    return _done(request, classroom)


@class_action
def arrange(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Place every team that is not on the map; the others stay."""
    classroom = _classroom_to_change(request, class_id)
    found, now = _map_of(request, classroom), timezone.now()
    unplaced = sorted(team.key for team in team_view(classroom, now=now).unplaced)
    points = dict(zip(unplaced, free_points(points_on(found).values(), len(unplaced)), strict=True))
    try:
        seating_services.place_teams(found, points, by=account_of(request), request=request, now=now)
    except TooManyTeams:
        return _refuse(request, classroom, Refusal(form="team", message=_too_many()))
    return _done(request, classroom)


def _classroom_to_change(request: HttpRequest, class_id: int | None) -> Classroom:
    """Return the classroom. Raises Http404 if this account may not change it."""
    classroom = classroom_of(request, class_id)
    if not classroom.may_teach:
        raise Http404
    return classroom


def _map_of(request: HttpRequest, classroom: Classroom) -> ClassroomMap:
    """Return the map that the form is about. Raises Http404 if it has been replaced."""
    found = active_map(classroom.class_id)
    if found is None or request.POST.get("map") != str(found.pk):
        raise Http404
    return found


def _replace_map(request: HttpRequest, classroom: Classroom, picture: bytes | None, name: str | None) -> None:
    class_id = classroom.class_id
    seating_services.upload_map(
        class_id=class_id, picture=picture, name=name, by=account_of(request), request=request, now=timezone.now()
    )


def _team(request: HttpRequest) -> str:
    """Return the name of the team as typed; empty if invalid."""
    name = request.POST.get("team", "")
    return name if name.strip() and len(name) <= MAX_NAME_LENGTH and "\0" not in name else ""


def _percent(text: str) -> float:
    """Return a share of the map as it was typed. Raises ValueError for what is no number from 0 to 100."""
    plain = number_form(text).replace(",", ".")  # no thousands separators: 33,333 is 33.333
    number = math.nan if "_" in plain else float(plain)  # Python reads 1_0 as 10
    if not (math.isfinite(number) and 0 <= number <= 100):
        raise ValueError
    return number


def _too_many() -> str:
    return gettext("A map takes at most %(number)d teams. Take some off it first.") % {"number": MAX_TEAMS}


def picture_problem(problem: BadPicture) -> str:
    """Return what to say of a picture that cannot be used."""
    return {
        "size": gettext("The file is too large. At most %(number)d MB can be uploaded; save it smaller and try again.")
        % {"number": MAX_BYTES // 1024**2},
        "pixels": gettext("The picture has too many pixels. Save it smaller and try again."),
        "unreadable": gettext(
            "This picture cannot be read: only JPEG, PNG and WebP can. Save it as .jpg or .png and try again."
        ),
    }[problem.reason]


def _refuse(request: HttpRequest, classroom: Classroom, refusal: Refusal) -> HttpResponse:
    if is_fragment(request):
        return JsonResponse({"message": refusal.message}, status=400)
    return show_room(request, classroom, refusal=refusal)


def _done(request: HttpRequest, classroom: Classroom, message: str = "") -> HttpResponse:
    if is_fragment(request):
        return JsonResponse({})
    if message:
        messages.success(request, message)
    return HttpResponseRedirect(f"{classroom.address}room/")
