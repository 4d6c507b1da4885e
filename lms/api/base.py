"""What every endpoint shares: who may call it, paging, integers in the path, times in UTC, errors in one shape.

A view names its `access`; the rows of docs/contract/http.md use the same words:

    OPEN         no credentials
    OPEN_STAR    none while API_REQUIRE_AUTH is off, an instructor's Bearer token while it is on
    BEARER       an instructor's Bearer token
    ADMIN        the same, of an admin
    CLASS_KEY    a class's key

`key_methods` names the methods that students call with their class's key instead of a token.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from io import BytesIO
from typing import Any, ClassVar, NoReturn, TypeVar, cast

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotFound,
    ParseError,
    PermissionDenied,
)
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from core import gzip_body
from core.login_requirement import logins_required
from lms.access import ANYONE, KeyHolder, User, holder_of_key, may_teach_class, note_key_used

LARGEST_ID = 2**63 - 1
# Who is reading which student's data (a row id), and in which words: the floor above keeps the audit log.
Ledger = Callable[[Request, User, int, str], None]
_ledgers: list[Ledger] = []
Row = TypeVar("Row", bound=Model)


class Access(Enum):
    OPEN = "open"
    OPEN_STAR = "open*"
    BEARER = "bearer"
    ADMIN = "admin"
    CLASS_KEY = "class key"


class Unprocessable(APIException):
    """422 with a list of problems, or with one."""

    status_code = 422

    def __init__(self, place: Sequence[str | int], message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.problems = [{"loc": list(place), "msg": message, "type": kind}]


class BadRequest(APIException):
    """400 with a text; for what is well-formed and still cannot be done."""

    status_code = 400


class Conflict(APIException):
    status_code = 409


class GzipJSONParser(JSONParser):
    """JSON, also with `Content-Encoding: gzip`; the limit on size counts the bytes as sent and as inflated."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request = (parser_context or {}).get("request")
        most = settings.EVENT_BODY_LIMIT
        content = stream.read(most + 1)
        if request is not None and request.headers.get("Content-Encoding", "").lower() in gzip_body.NAMES:
            try:
                content = gzip_body.inflate(content, limit=most)
            except gzip_body.BadGzip as error:
                raise BadRequest(str(error)) from None
            except gzip_body.TooLong:
                raise TooLarge(f"The body exceeds the maximum size of {most} bytes") from None
        if len(content) > most:
            raise TooLarge(too_large_for(most))
        try:
            return self.loads(content)
        except (ValueError, RecursionError):
            raise ParseError("JSON decode error") from None

    def loads(self, content: bytes) -> Any:
        """The value of a body in any Unicode, with or without a byte order mark (RFC 8259 section 8.1). Raises
        ParseError, ValueError, RecursionError."""
        encoding = json.detect_encoding(content)
        return super().parse(BytesIO(content if encoding == "utf-8" else content.decode(encoding).encode()))


class TooLarge(APIException):
    status_code = 413


def too_large_for(most: int) -> str:
    """The one sentence of a body beyond the limit, as sent or as inflated."""
    return f"The body exceeds the maximum size of {most} bytes"


class ApiView(APIView):
    """One endpoint. Credentials are looked at first, before path ids and body."""

    access: ClassVar[Access] = Access.OPEN_STAR
    key_methods: ClassVar[frozenset[str]] = frozenset()
    holder: KeyHolder | None = None
    parser_classes: Sequence[type[BaseParser]] = (GzipJSONParser,)
    metadata_class = None  # OPTIONS would tell our docstrings; the OpenAPI document tells what is meant to be told
    # What a 500 says it failed to do: "Failed to <action>" (http.md section 1.4).
    action: ClassVar[str] = "answer the request"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override("UTC"):
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        if request.method in self.key_methods:
            self.holder = holder_of(request, is_required=self.access is Access.CLASS_KEY)
        if self.holder is not None or not self.is_login_needed():
            return
        user = cast("User | None", request.user)
        if user is None:
            raise PermissionDenied("Not authenticated")
        if self.access is Access.ADMIN and not user.is_admin:
            raise PermissionDenied("Not enough permissions")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        most: int | None = getattr(request, "too_large", None)  # config/body_limits.py
        if most is not None:
            self.refuse_size(most)

    def refuse_size(self, most: int) -> NoReturn:
        """The body was larger than `most` bytes, and nothing of it is there. Raises TooLarge."""
        raise TooLarge(too_large_for(most))

    def is_login_needed(self) -> bool:
        return self.access in (Access.BEARER, Access.ADMIN) or (self.access is Access.OPEN_STAR and logins_required())

    @property
    def viewer(self) -> User:
        """Whose eyes the data is for: a key's, which narrows whatever else would be open; else the caller's, or
        anyone's while nobody has to log in."""
        if self.holder is not None:
            return self.holder
        return cast(User, self.request.user) if self.is_login_needed() else ANYONE

    @property
    def caller(self) -> User | None:
        """Who is logged in, if anybody is. Where no login is needed, a token that opens nothing is no token."""
        try:
            return cast("User | None", self.request.user)
        except APIException:
            return None

    def looked_at(self, student_id: int | None) -> None:
        """One student's data is being read by somebody who is logged in; to be called before it is answered. What a
        student's own side reads with a class key, and what anybody reads while nobody logs in, is nobody's look."""
        caller = self.caller if self.holder is None and student_id is not None else None
        if caller is not None and student_id is not None:
            for write in _ledgers:
                write(self.request, caller, student_id, self.action)

    def noted(self, action: str, row: Model, *, fields: Iterable[str] = ()) -> None:
        """For the floor above, which keeps the audit log. Called in the transaction of the write, a deletion's before
        it; `fields` are the columns that a change names."""


def open_ledger(ledger: Ledger) -> None:
    """From now on `ledger` hears of every look. Called once, when the product starts."""
    if ledger not in _ledgers:
        _ledgers.append(ledger)


def holder_of(request: Request, *, is_required: bool) -> KeyHolder | None:
    """The class key of the request. One that is given is checked even where none is required."""
    key = request.headers.get("X-Class-Key") or request.query_params.get("key")
    if not key:
        if is_required:
            raise AuthenticationFailed("A class key is required: send X-Class-Key, or add ?key=<class key>")
        return None
    holder = holder_of_key(key)
    if holder is None:
        raise AuthenticationFailed("Unknown class key")
    if not holder.is_active:
        raise PermissionDenied("This class is not active")
    note_key_used(holder)
    return holder


def refuse_unless_taught(viewer: User, class_id: int) -> None:
    """For what sets up or grades in a class that the viewer sees. Raises PermissionDenied; one query."""
    if not may_teach_class(viewer, class_id):
        raise PermissionDenied("Assistants see and help in this class; only its instructors may change it")


# --- What a request says --------------------------------------------------------------------------------------------


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
    return query_integer(request, name, 0, least=-LARGEST_ID, most=LARGEST_ID)


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
    skip = query_integer(request, "skip", 0, least=0, most=LARGEST_ID)
    limit = query_integer(request, "limit", 100, least=1, most=1000)
    return rows[skip : skip + limit]


def find_or_404(rows: QuerySet[Row], pk: int, noun: str) -> Row:
    """The row of that id among those that may be seen. Raises NotFound in the contract's words."""
    found = rows.filter(pk=pk).first() if abs(pk) <= LARGEST_ID else None
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
