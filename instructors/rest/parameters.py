"""What a request says in its path and its query, checked; and what endpoints do with it."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from core.validators import MAX_BIGINT
from instructors.rest.exceptions import Unprocessable

Row = TypeVar("Row", bound=Model)


def path_id(text: str, name: str) -> int:
    """An id from the path. Raises Unprocessable for what is no integer."""
    try:
        value = int(text) if text.lstrip("-").isdecimal() and text.isascii() else None
    except ValueError:
        value = None
    if value is None:
        raise Unprocessable(["path", name], "Input should be a valid integer", "int_parsing")
    return value


def query_integer(request: Request, name: str, default: int, *, least: int, most: int | None = None) -> int:
    """An integer from the query. Raises Unprocessable outside its bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    digits = text.removeprefix("-")
    if not (digits.isdecimal() and digits.isascii() and len(digits) < 20):
        raise Unprocessable(["query", name], "Input should be a valid integer", "int_parsing")
    value = int(text)
    if value < least:
        raise Unprocessable(["query", name], f"Input should be greater than or equal to {least}", "greater_than_equal")
    if most is not None and value > most:
        raise Unprocessable(["query", name], f"Input should be less than or equal to {most}", "less_than_equal")
    return value


def query_id(request: Request, name: str) -> int | None:
    """An optional row id from the query, as a filter."""
    if name not in request.query_params:
        return None
    return query_integer(request, name, 0, least=-MAX_BIGINT, most=MAX_BIGINT)


def query_text(request: Request, name: str) -> str:
    """An optional text from the query, as a filter; empty where it is absent. PostgreSQL can hold no NUL, so no row
    can match one: the filter is refused."""
    text = request.query_params.get(name, "")
    if "\0" in text:
        raise Unprocessable(["query", name], "Null characters are not allowed", "null_characters_not_allowed")
    return text


def query_boolean(request: Request, name: str, default: bool | None) -> bool | None:
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off"):
        return False
    raise Unprocessable(["query", name], "Input should be a valid boolean", "bool_parsing")


def page(request: Request, rows: QuerySet[Row]) -> QuerySet[Row]:
    """The page that `skip` and `limit` name (http.md section 1.3)."""
    skip = query_integer(request, "skip", 0, least=0, most=MAX_BIGINT)
    limit = query_integer(request, "limit", 100, least=1, most=1000)
    return rows[skip : skip + limit]


def find_or_404(rows: QuerySet[Row], pk: int, noun: str) -> Row:
    """The row of that id among those that may be seen. Raises NotFound in the contract's words."""
    found = rows.filter(pk=pk).first() if abs(pk) <= MAX_BIGINT else None
    if found is None:
        raise NotFound(f"{noun} with id {pk} not found")
    return found


def validated(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    """The serializer's data. Raises ValidationError, which becomes the 422 list."""
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def change(row: Model, changes: Mapping[str, Any]) -> None:
    """Write the columns that a partial PUT names, and only those; none named, nothing written."""
    if not changes:
        return
    columns = dict(changes)
    if any(field.name == "updated_at" for field in row._meta.fields):
        columns["updated_at"] = timezone.now()
    for name, value in columns.items():
        setattr(row, name, value)
    row.save(update_fields=list(columns))
