"""Pagination of lists by the parameters `skip` and `limit` (http.md section 1.3)."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.validators import MAX_BIGINT
from instructors.rest.parameters import query_integer


class SkipLimitPagination(LimitOffsetPagination):
    """A bare list of at most `limit` rows after the first `skip`. The rows are not counted: one query."""

    offset_query_param = "skip"
    default_limit = 100
    max_limit = 1000

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        """Return the rows of the page. Raises Unprocessable if `skip` or `limit` is no integer or out of bounds."""
        skip, limit = self.get_offset(request), self.get_limit(request)
        return list(queryset[skip : skip + limit])

    def get_offset(self, request: Request) -> int:
        return query_integer(request, self.offset_query_param, 0, minimum=0, maximum=MAX_BIGINT)

    def get_limit(self, request: Request) -> int:
        return query_integer(request, self.limit_query_param, self.default_limit, minimum=1, maximum=self.max_limit)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(data)
