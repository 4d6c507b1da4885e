"""The classroom map: lms's endpoints, noted in the audit log, told to the open pages, and open to their cookie."""

from collections.abc import Iterable, Mapping

from django.db.models import Model
from django.urls import re_path
from rest_framework.authentication import SessionAuthentication

from classroom.seating.services import announce
from instructors import audit
from instructors.api.callers import known_caller
from instructors.tokens import BearerAuthentication
from lms.api import maps
from lms.maps import Point
from lms.models import ClassroomMap


class Told(maps.MapBase):
    def noted(self, action: str, row: Model, *, fields: Iterable[str] = ()) -> None:
        """`fields` are the teams that were moved."""
        teams = sorted(fields)
        audit.record(
            action=action,
            actor=known_caller(self.request),
            request=self.request,
            target_type=row._meta.model_name,
            target_id=row.pk,
            details={"teams": teams} if teams else {},
        )

    def changed(self, found: ClassroomMap, moved: Mapping[str, Point] | None = None) -> None:
        if moved is None or moved:
            announce(found, moved)


class ToldUploadView(Told, maps.UploadView): ...


class ToldPositionsView(Told, maps.PositionsView): ...


class ToldMapView(Told, maps.MapByIdView): ...


class ToldDefaultMapView(Told, maps.DefaultMapView): ...


class PictureView(maps.ImageView):
    """Pages show it with an `img`, which sends no token but the login's cookie."""

    authentication_classes = (BearerAuthentication, SessionAuthentication)


urlpatterns = [
    re_path(r"^classroom/map/?$", maps.ActiveMapView.as_view()),
    re_path(r"^classroom/map/upload/?$", ToldUploadView.as_view()),
    re_path(r"^classroom/map/create-default/?$", ToldDefaultMapView.as_view()),
    re_path(r"^classroom/map/image/(?P<filename>[^/]+)/?$", PictureView.as_view()),
    re_path(r"^classroom/map/(?P<map_id>[^/]+)/positions/?$", ToldPositionsView.as_view()),
    re_path(r"^classroom/map/(?P<map_id>[^/]+)/?$", ToldMapView.as_view()),
    re_path(r"^classroom/maps/?$", maps.MapsView.as_view()),
]
