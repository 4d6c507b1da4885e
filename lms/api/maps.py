"""The shared classroom map, of no class, which existing clients use (docs/contract/http.md section 17)."""

from typing import Any, NoReturn

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from instructors.rest.exceptions import BadRequest, Unprocessable
from instructors.rest.openapi import documented
from instructors.rest.parameters import find_or_404, path_id, query_integer, validated
from instructors.tokens import BearerAuthentication
from lms import maps
from lms.access import maps_of, shared_maps
from lms.api.base import ApiView
from lms.api.map_fields import (
    MapResponse,
    MapView,
    NewMap,
    Positions,
    PositionsSaved,
    Removed,
    Upload,
    Uploaded,
    plain_map,
)
from lms.images import CONTENT_TYPE, MAX_BYTES, BadPicture, as_jpeg, check_upload
from lms.maps import Point
from lms.models import ClassroomMap

# Overhead of a multipart body around its file.
MULTIPART_OVERHEAD = 64 * 1024
LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10})


class MapBase(ApiView):
    def rows(self) -> QuerySet[ClassroomMap]:
        return shared_maps().prefetch_related("team_positions")

    def view_of_active(self) -> Response:
        return Response(plain_map(self.rows().filter(is_active=True).first()))

    def find(self, map_id: str) -> ClassroomMap:
        return find_or_404(self.rows(), path_id(map_id, "map_id"), "Map")


class ActiveMapView(MapBase):
    action = "get the classroom map"

    @documented(summary="The active map", responses={200: MapView})
    def get(self, request: Request) -> Response:
        """Without a map, `map_info` is null and `is_visible` false."""
        return self.view_of_active()


class UploadView(MapBase):
    action = "upload the classroom map"
    parser_classes = (MultiPartParser,)

    def refuse_size(self, limit: int) -> NoReturn:
        raise BadRequest(f"The file exceeds the maximum size of {MAX_BYTES // 1024**2} MiB")

    @documented(
        summary="Upload a picture",
        request={"multipart/form-data": Upload},
        responses={200: Uploaded},
        errors=(400, 422),
    )
    def post(self, request: Request) -> Response:
        """The picture becomes the only active map. JPEG, PNG or WebP of at most 10 MiB; it is scaled down, flattened
        and stored as JPEG."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES + MULTIPART_OVERHEAD:
            self.refuse_size(MAX_BYTES)
        fields = validated(Upload(data=request.data))
        file = fields["file"]
        try:
            check_upload(size=file.size)
            picture = as_jpeg(file)
        except BadPicture as problem:
            raise BadRequest(str(problem)) from None
        with transaction.atomic():
            made = maps.replace_map(
                class_id=None,
                picture=picture,
                original_filename=file.name,
                uploaded_by=fields.get("uploaded_by"),
                now=timezone.now(),
            )
            self.record_change("map_upload", made, details={})
        maps.announce_map(made)
        return Response(
            {
                "success": True,
                "message": "Classroom map uploaded successfully",
                "map_id": made.pk,
                "image_url": made.image_url,
            }
        )


class ImageNegotiation(BaseContentNegotiation):
    """Ignore the `Accept` header: the response is a picture, an error is JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class ImageView(MapBase):
    action = "get the picture of a map"
    # Pages show it with an `img`, which sends the session cookie but no token.
    authentication_classes = (BearerAuthentication, SessionAuthentication)
    content_negotiation_class = ImageNegotiation

    @documented(
        summary="The picture of a map",
        responses={(200, CONTENT_TYPE): OpenApiTypes.BINARY},
        errors=(404,),
    )
    def get(self, request: Request, filename: str) -> HttpResponse:
        """The picture of a filename never changes, so clients may cache it."""
        # Only filenames of existing rows are opened.
        known = "\0" not in filename and maps_of(self.viewer).filter(image_filename=filename).exclude(image_filename="")
        try:
            if not known or not known.exists():
                raise FileNotFoundError
            with default_storage.open(f"{maps.DIRECTORY}/{filename}") as file:
                response = HttpResponse(file.read(), content_type=CONTENT_TYPE)
        except FileNotFoundError:
            raise NotFound("Image not found") from None
        response["Cache-Control"] = "private, max-age=86400"
        response["Content-Disposition"] = "inline"
        return response


class PositionsView(MapBase):
    action = "save the positions of teams"

    @documented(
        summary="Place teams on a map",
        request=Positions,
        responses={200: PositionsSaved},
        errors=(404, 422),
        example={"positions": {"チームA": {"x": 12.5, "y": 40}}, "updated_by": "teacher@example.com"},
    )
    def put(self, request: Request, map_id: str) -> Response:
        """Positions are in percent of the picture's width and height. Teams that are not named are not moved."""
        found = self.find(map_id)
        fields = validated(Positions(data=request.data))
        moved = {team: Point(place["x"], place["y"]) for team, place in fields["positions"].items()}
        try:
            with transaction.atomic():
                shown = maps.place_teams(found, moved, by=fields.get("updated_by"), now=timezone.now())
                self.record_change("map_positions", found, details={"teams": sorted(moved)} if moved else {})
        except maps.TooManyTeams:
            text = f"A map takes at most {maps.MAX_TEAMS} teams"
            raise Unprocessable(["body", "positions"], text, "too_long") from None
        if shown:
            maps.announce_map(found, shown)
        return Response({"success": True, "message": "Team positions updated", "updated_teams": list(moved)})


class MapByIdView(MapBase):
    action = "delete the classroom map"

    @documented(summary="Delete a map", responses={200: Removed}, errors=(404,))
    def delete(self, request: Request, map_id: str) -> Response:
        """The picture and the positions are deleted too."""
        found = self.find(map_id)
        with transaction.atomic():
            self.record_change("map_delete", found, details={})
            maps.remove_map(found)
        maps.announce_map(found)
        return Response({"success": True, "message": "Classroom map deleted"})


class DefaultMapView(MapBase):
    action = "create a default map"
    parser_classes = (FormParser, MultiPartParser)

    @documented(
        summary="Use a plain floor",
        request={"application/x-www-form-urlencoded": NewMap},
        responses={200: MapView},
    )
    def post(self, request: Request) -> Response:
        """A map without a picture becomes the only active one. `instructor_id` is stored as its `uploaded_by`."""
        fields = validated(NewMap(data=request.data))
        with transaction.atomic():
            made = maps.replace_map(
                class_id=None, picture=None, uploaded_by=fields.get("instructor_id"), now=timezone.now()
            )
            self.record_change("map_create", made, details={})
        maps.announce_map(made)
        return self.view_of_active()


class MapsView(MapBase):
    action = "list the classroom maps"

    @documented(
        summary="Maps, the newest first",
        responses={200: MapResponse(many=True)},
        parameters=[LIMIT],
    )
    def get(self, request: Request) -> Response:
        """Only maps of no class."""
        limit = query_integer(request, "limit", 10, minimum=1, maximum=100)
        return Response(MapResponse(self.rows()[:limit], many=True).data)
