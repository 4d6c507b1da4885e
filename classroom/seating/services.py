"""Changes to the seating map. The audit log records each, and the open pages receive it."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest

from instructors import audit
from instructors.models import Instructor
from lms import maps
from lms.maps import Point
from lms.models import ClassroomMap


def upload_map(
    *,
    class_id: int | None,
    picture: bytes | None,
    name: str | None,
    by: Instructor,
    request: HttpRequest,
    now: datetime,
) -> ClassroomMap:
    """Replace the map; the teams keep their places. Without a picture it is a plain floor."""
    with transaction.atomic():
        made = maps.replace_map(
            class_id=class_id,
            picture=picture,
            original_filename=name,
            uploaded_by=by.email,
            now=now,
            keep_positions=True,
        )
        _record("map_upload" if picture is not None else "map_create", made, by, request)
    maps.announce_map(made)
    return made


def delete_map(found: ClassroomMap, *, by: Instructor, request: HttpRequest) -> None:
    with transaction.atomic():
        _record("map_delete", found, by, request)
        maps.remove_map(found)
    maps.announce_map(found)


def place_teams(
    found: ClassroomMap, points: Mapping[str, Point], *, by: Instructor, request: HttpRequest, now: datetime
) -> None:
    """Place teams on the map. Raises `lms.maps.TooManyTeams`."""
    with transaction.atomic():
        shown = maps.place_teams(found, points, by=by.email, now=now)
        _record("map_positions", found, by, request, teams=shown)
    if shown:
        maps.announce_map(found, shown)


def unplace_team(found: ClassroomMap, team: str, *, by: Instructor, request: HttpRequest) -> None:
    """Remove a team from the map."""
    with transaction.atomic():
        maps.unplace_teams(found, [team])
        _record("map_positions", found, by, request, teams=[team])
    maps.announce_map(found, {team: None})


def _record(
    action: str,
    found: ClassroomMap,
    by: Instructor,
    request: HttpRequest,
    *,
    teams: Collection[str] = (),
) -> None:
    details = {"class_id": found.class_ref_id, **({"teams": sorted(teams)} if teams else {})}
    audit.record(action, found, actor=by, request=request, details=details)
