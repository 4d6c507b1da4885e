"""What every endpoint shares: credentials first, one limit for bodies, times in UTC, the audit log."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NoReturn, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import APIView

from instructors import audit
from instructors.models import Instructor
from instructors.rest.exceptions import TooLarge, too_large_for
from instructors.rest.pagination import SkipLimitPagination
from instructors.rest.parsers import GzipJSONParser
from instructors.rest.permissions import LoginIfRequired

Row = TypeVar("Row", bound=Model)


class ApiView(APIView):
    """One endpoint. Credentials are checked first, before path ids and body."""

    permission_classes: Sequence[Any] = (LoginIfRequired,)
    parser_classes: Sequence[type[BaseParser]] = (GzipJSONParser,)
    metadata_class = None  # OPTIONS would tell our docstrings; the OpenAPI document tells what is meant to be told
    # What a 500 says it failed to do: "Failed to <action>" (http.md section 1.4).
    action: ClassVar[str] = "answer the request"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override("UTC"):
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Leave it to the permissions: where no login is required, a token that is not valid is not looked at."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        limit: int | None = getattr(request, "too_large", None)  # config/body_limits.py
        if limit is not None:
            self.refuse_size(limit)

    def refuse_size(self, limit: int) -> NoReturn:
        """The body was larger than `limit` bytes, and nothing of it is there. Raises TooLarge."""
        raise TooLarge(too_large_for(limit))

    def is_login_needed(self) -> bool:
        permissions = self.get_permissions()
        return any(isinstance(each, LoginIfRequired) and each.is_login_needed() for each in permissions)

    @property
    def caller(self) -> Instructor | None:
        """The account that is logged in, if any. Where no login is needed, a token that is not valid counts as none."""
        try:
            user = self.request.user
        except APIException:
            return None
        return user if isinstance(user, Instructor) else None

    def paginate_queryset(self, rows: QuerySet[Row]) -> list[Row]:
        """Return the rows that the parameters `skip` and `limit` select. Raise Unprocessable for a bad one."""
        return SkipLimitPagination().paginate_queryset(rows, self.request, view=self)

    def record_change(
        self, action: str, row: Model, *, fields: Iterable[str] = (), details: dict[str, Any] | None = None
    ) -> None:
        """Write into the audit log that the caller created, changed or deletes this row. One insert.

        Call it in the transaction of the write, before a deletion. `fields` are the columns that were written, never
        their values: a grade or a notebook has no place in the log.
        """
        audit.record(
            action=action,
            actor=self.caller,
            request=self.request,
            target_type=row._meta.model_name,
            target_id=row.pk,
            details={"fields": sorted(fields)} if details is None else details,
        )
