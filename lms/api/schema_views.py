"""The OpenAPI document, and the page on which it can be read and tried."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from lms.api.base import ApiView


@cache
def document() -> dict[str, Any]:
    """Made once a process: it follows from the code alone, and making it costs as much as a hundred requests."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


class DocumentView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document())


class PageView(SpectacularSwaggerSplitView):
    """The script comes from its own address, so that the page works under a policy without inline scripts."""

    url = "/api/v1/openapi.json"
    authentication_classes = ()
    template_name = "api/docs.html"
