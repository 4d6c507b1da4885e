"""Classroom maps: replace a map, place teams on it and unplace them.

Pictures are files of the default storage, under `maps/`. A file is written before its row and deleted after the
deletion of the row is committed, so that every row's file exists.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from core.identity import label_key
from core.postgres import execute
from lms.images import CONTENT_TYPE
from lms.models import ClassroomMap, Team, TeamPosition
from realtime import groups, messages
from realtime.broadcast import notify

DIRECTORY = "maps"
PICTURE_URL = "/static/maps/"  # at the server's root: existing clients build the URLs of pictures with it
MAX_TEAMS = 500
MAX_NAME_LENGTH = 255  # characters
HUNDREDTH = Decimal("0.01")


class Point(NamedTuple):
    """Percent of the map's width and height."""

    x: float
    y: float


class TooManyTeams(ValueError):
    """The map would have more than MAX_TEAMS teams."""


def active_map(class_id: int | None) -> ClassroomMap | None:
    """Return the active map of a class, or of no class. One query."""
    return ClassroomMap.objects.filter(class_ref=class_id, is_active=True).first()


def points_on(found: ClassroomMap) -> dict[str, Point]:
    """Return the positions of teams by name. One query; none if the positions were prefetched."""
    return {
        position.team_name: Point(float(position.position_x), float(position.position_y))
        for position in found.team_positions.all()
    }


def replace_map(
    *,
    class_id: int | None,
    picture: bytes | None,
    original_filename: str | None = None,
    uploaded_by: str | None,
    now: datetime,
    keep_positions: bool = False,
) -> ClassroomMap:
    """Create the only active map of a class, or of no class. Without a picture it is a plain floor.

    The old map of a class is deleted; old maps of no class are kept, inactive. Seven statements at most.
    """
    name = f"classroom_map_{uuid.uuid4()}.jpg" if picture is not None else ""
    if picture is not None:
        default_storage.save(f"{DIRECTORY}/{name}", ContentFile(picture))
    try:
        with transaction.atomic():
            _lock_maps(class_id)
            old = active_map(class_id)
            ClassroomMap.objects.filter(class_ref=class_id, is_active=True).update(is_active=False)
            made = _create(name, picture or b"", class_id, original_filename, uploaded_by, now)
            if old is not None and keep_positions:
                place_teams(made, points_on(old), by=uploaded_by, now=now)
            if old is not None and class_id is not None:
                remove_map(old)
    except BaseException:
        if name:
            default_storage.delete(f"{DIRECTORY}/{name}")
        raise
    return made


def store_room_picture(
    *, class_id: int, room_id: int, picture: bytes, original_filename: str | None, uploaded_by: str, now: datetime
) -> ClassroomMap:
    """Create the picture of a room that has none. Call it in a transaction: if that is undone, the file is left, and
    `orphaned_pictures` names it."""
    name = f"classroom_map_{uuid.uuid4()}.jpg"
    default_storage.save(f"{DIRECTORY}/{name}", ContentFile(picture))
    return _create(name, picture, class_id, original_filename, uploaded_by, now, room_id=room_id)


def _create(
    name: str,
    picture: bytes,
    class_id: int | None,
    original_filename: str | None,
    uploaded_by: str | None,
    now: datetime,
    *,
    room_id: int | None = None,
) -> ClassroomMap:
    return ClassroomMap.objects.create(
        class_ref_id=class_id,
        room_id=room_id,
        is_active=room_id is None,
        image_filename=name,
        image_url=f"{PICTURE_URL}{name}" if name else "",
        original_filename=original_filename[-MAX_NAME_LENGTH:] if original_filename else None,
        uploaded_by=uploaded_by,
        uploaded_at=now,
        file_size_bytes=len(picture),
        content_type=CONTENT_TYPE if name else None,
    )


def _lock_maps(class_id: int | None) -> None:
    """Serialize uploads with an advisory lock: without a map yet, there is no row to lock."""
    execute("SELECT pg_advisory_xact_lock(hashtext('classroom_maps'), hashtext(%s))", [str(class_id)])


def remove_map(found: ClassroomMap) -> None:
    """Delete the map with its positions, and its picture after the commit. Two statements."""
    name = found.image_filename
    found.delete()
    delete_pictures([name])


def delete_pictures(names: Iterable[str]) -> None:
    """Delete the files of pictures after the commit of the current transaction."""
    for name in filter(None, names):
        # A file that cannot be deleted now is left for `prune`: the map is gone, and the page must say so.
        def delete(file: str = f"{DIRECTORY}/{name}") -> None:
            default_storage.delete(file)

        transaction.on_commit(delete, robust=True)


def orphaned_pictures(*, before: datetime) -> list[str]:
    """Return the files of no map that were written before that time; newer ones may get their row yet. One query."""
    try:
        _, files = default_storage.listdir(DIRECTORY)
    except FileNotFoundError:
        return []
    named = set(ClassroomMap.objects.filter(image_filename__in=files).values_list("image_filename", flat=True))
    unnamed = [name for name in files if name not in named]
    return [name for name in unnamed if default_storage.get_modified_time(f"{DIRECTORY}/{name}") < before]


def place_teams(found: ClassroomMap, points: Mapping[str, Point], *, by: str | None, now: datetime) -> dict[str, Point]:
    """Set the positions of these teams; others are not moved. Return the positions by the names under which the teams
    are shown, in whatever spelling they were given. Four statements at most. Raises TooManyTeams."""
    wanted = {label_key(team): (team, point) for team, point in sorted(points.items())}
    placed = _names_on(found)
    if len({*placed, *wanted}) > MAX_TEAMS:
        raise TooManyTeams
    known = dict(Team.objects.filter(team_key__in=list(wanted)).values_list("team_key", "team_name"))
    shown = {known.get(key) or placed.get(key) or team: point for key, (team, point) in wanted.items()}
    if outdated := [placed[key] for key in wanted if key in placed and placed[key] not in shown]:
        TeamPosition.objects.filter(map=found, team_name__in=outdated).delete()
    rows = [
        TeamPosition(
            map=found,
            team_name=team,
            position_x=Decimal(point.x).quantize(HUNDREDTH),
            position_y=Decimal(point.y).quantize(HUNDREDTH),
            updated_at=now,
            updated_by=by,
        )
        for team, point in sorted(shown.items())  # sorted, so that two writers cannot deadlock
    ]
    TeamPosition.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["map", "team_name"],
        update_fields=["position_x", "position_y", "updated_at", "updated_by"],
    )
    return shown


def unplace_teams(found: ClassroomMap, teams: Collection[str]) -> int:
    """Remove these teams from the map. Return how many were on it. Two statements."""
    keys = {label_key(team) for team in teams}
    names = [name for key, name in _names_on(found).items() if key in keys]
    return TeamPosition.objects.filter(map=found, team_name__in=names).delete()[0]


def _names_on(found: ClassroomMap) -> dict[str, str]:
    """Return the names of the teams on the map by their keys. One query."""
    names = TeamPosition.objects.filter(map=found).order_by("pk").values_list("team_name", flat=True)
    return {label_key(name): name for name in names}


def free_points(taken: Collection[Point], number: int) -> list[Point]:
    """Return positions for new marks, in rows from the front of the room: first those away from taken positions."""
    grid = [Point(x, y) for y in (15, 35, 55, 75, 90) for x in (10, 26, 42, 58, 74, 90)]
    free = [p for p in grid if all(abs(p.x - t.x) > 7 or abs(p.y - t.y) > 9 for t in taken)]
    points = free + grid
    return [points[index % len(points)] for index in range(number)]


def announce_map(found: ClassroomMap, moved: Mapping[str, Point | None] | None = None) -> None:
    """Send moved teams, or without any that the map was replaced, to the pages that show it. After the commit.

    Every dashboard receives changes of the map of no class.
    """
    group = groups.DASHBOARDS if found.class_ref_id is None else groups.class_group(found.class_ref_id)
    data = messages.ClassroomMapData(
        class_id=found.class_ref_id,
        map_id=found.pk,
        team_positions={team: at and messages.Position(x=at.x, y=at.y) for team, at in (moved or {}).items()},
    )
    notify([group], messages.ClassroomMapChanged(data))
