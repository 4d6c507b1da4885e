"""Checked parameters of the path and the query, and helpers for views that look up, validate and change rows."""

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
    """Return an id from the path. Raises Unprocessable if it is no integer."""
    try:
        value = int(text) if text.lstrip("-").isdecimal() and text.isascii() else None
    except ValueError:
        value = None
    if value is None:
        raise Unprocessable(["path", name], "Input should be a valid integer", "int_parsing")
    return value


def query_integer(request: Request, name: str, default: int, *, minimum: int, maximum: int | None) -> int:
    """Return an integer from the query. Raises Unprocessable if it is no integer or out of bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    digits = text.removeprefix("-")
    if not (digits.isdecimal() and digits.isascii() and len(digits) < 20):
        raise Unprocessable(["query", name], "Input should be a valid integer", "int_parsing")
    value = int(text)
    if value < minimum:
        raise Unprocessable(
            ["query", name], f"Input should be greater than or equal to {minimum}", "greater_than_equal"
        )
    if maximum is not None and value > maximum:
        raise Unprocessable(["query", name], f"Input should be less than or equal to {maximum}", "less_than_equal")
    return value


def query_id(request: Request, name: str) -> int | None:
    """Return an optional row id from the query, for a filter. Raises Unprocessable."""
    if name not in request.query_params:
        return None
    return query_integer(request, name, 0, minimum=-MAX_BIGINT, maximum=MAX_BIGINT)


def query_text(request: Request, name: str) -> str:
    """Return an optional text from the query, for a filter; "" if it is absent. Raises Unprocessable for a text with
    NUL, which PostgreSQL cannot store."""
    text = request.query_params.get(name, "")
    if "\0" in text:
        raise Unprocessable(["query", name], "Null characters are not allowed", "null_characters_not_allowed")
    return text


def query_boolean(request: Request, name: str, default: bool | None) -> bool | None:
    """Return a boolean from the query. Raises Unprocessable."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off"):
        return False
    raise Unprocessable(["query", name], "Input should be a valid boolean", "bool_parsing")


def find_or_404(rows: QuerySet[Row], pk: int, noun: str) -> Row:
    """Return the row with this id among those that the caller may see. Raises NotFound with the contract's text."""
    found = rows.filter(pk=pk).first() if abs(pk) <= MAX_BIGINT else None
    if found is None:
        raise NotFound(f"{noun} with id {pk} not found")
    return found


def validated(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    """Return the serializer's validated data. Raises ValidationError, which becomes the list of a 422."""
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def change(row: Model, changes: Mapping[str, Any]) -> None:
    """Write only the columns that a partial PUT names, and `updated_at`. Without any, write nothing."""
    if not changes:
        return
    columns = dict(changes)
    if any(field.name == "updated_at" for field in row._meta.fields):
        columns["updated_at"] = timezone.now()
    for name, value in columns.items():
        setattr(row, name, value)
    row.save(update_fields=list(columns))
