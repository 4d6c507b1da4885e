"""The OpenAPI document, and the Swagger page."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from lms.api.base import ApiView


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document. It depends on the code alone, so it is generated once for each process.

    It is in English whoever asks first: the names of the models' fields are in it, and they are translated.
    """
    with translation.override("en"):
        made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


class DocumentView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document())


def page(request: HttpRequest) -> HttpResponseBase:
    """Answer with the Swagger page. What it needs is loaded by whoever opens it first, and takes 1 MiB."""
    from lms.api.schema_page import PageView

    return PageView.as_view()(request)
