"""Serializers of the classroom map (docs/contract/http.md section 17)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from instructors.rest.fields import Name, Number, RawText
from instructors.rest.openapi import NOT_BLANK
from lms.maps import MAX_TEAMS, points_on
from lms.models import ClassroomMap, TeamPosition
from lms.models.maps import MAX_TEAM_NAME


class PositionResponse(serializers.ModelSerializer[TeamPosition]):
    map_id = serializers.IntegerField(read_only=True)
    position_x = serializers.FloatField(read_only=True)
    position_y = serializers.FloatField(read_only=True)

    class Meta:
        model = TeamPosition
        fields = ["id", "map_id", "team_name", "position_x", "position_y", "updated_at", "updated_by"]
        read_only_fields = fields


class MapResponse(serializers.ModelSerializer[ClassroomMap]):
    team_positions = PositionResponse(many=True, read_only=True)

    class Meta:
        model = ClassroomMap
        fields = [
            "id",
            "image_filename",
            "image_url",
            "original_filename",
            "uploaded_at",
            "uploaded_by",
            "is_active",
            "file_size_bytes",
            "content_type",
            "team_positions",
        ]
        read_only_fields = fields


class Place(serializers.Serializer[Any]):
    """Percent of the map's width and height."""

    x = Number(min_value=0, max_value=100)
    y = Number(min_value=0, max_value=100)


class MapView(serializers.Serializer[Any]):
    map_info = MapResponse(allow_null=True)
    team_positions = serializers.DictField(child=Place())
    is_visible = serializers.BooleanField()


def plain_map(found: ClassroomMap | None) -> dict[str, Any]:
    """Return the data of `MapView` for this map, or for no map. No query if the positions were prefetched."""
    if found is None:
        return {"map_info": None, "team_positions": {}, "is_visible": False}
    places = {team: {"x": point.x, "y": point.y} for team, point in points_on(found).items()}
    return {"map_info": MapResponse(found).data, "team_positions": places, "is_visible": True}


class Upload(serializers.Serializer[Any]):
    # The view refuses an empty file, as an unreadable picture.
    file = serializers.FileField(allow_empty_file=True)
    uploaded_by = RawText(required=False, max_length=255)


class NewMap(serializers.Serializer[Any]):
    instructor_id = RawText(required=False, max_length=255)


class Uploaded(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()
    map_id = serializers.IntegerField()
    image_url = serializers.CharField()


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MAX_TEAMS,
        "additionalProperties": {"$ref": "#/components/schemas/Place"},
        # A name's rules; a schema of this version has no `propertyNames`.
        "description": f"By the team's name: 1 to {MAX_TEAM_NAME} characters, `{NOT_BLANK}`.",
    }
)
class PlacesOfTeams(serializers.DictField):
    """Positions by the names of teams. A name is any text with a visible character."""

    child = Place()
    name = Name(max_length=MAX_TEAM_NAME)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().to_internal_value(data)
        problems = {}
        for team in found:
            try:
                self.name.run_validation(team)
            except serializers.ValidationError as problem:
                problems[team] = problem.detail
        if problems:
            raise serializers.ValidationError(problems)
        return found


class Positions(serializers.Serializer[Any]):
    positions = PlacesOfTeams()
    updated_by = RawText(required=False, allow_null=True, max_length=255)


class PositionsSaved(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()
    updated_teams = serializers.ListField(child=serializers.CharField())


class Removed(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()
