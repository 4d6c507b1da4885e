"""Descriptions of endpoints in the OpenAPI document.

    class ClassView(ApiView):
        @documented(summary="One class", responses={200: ClassResponse}, errors=(404,))
        def get(self, request, class_id): ...

`ApiSchema` adds what every endpoint shares: the errors of authentication, validation and rate limits, the security
schemes that follow from the view's permissions, and the type of ids in the path.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from core.validators import MAX_BIGINT
from instructors.rest.exceptions import KINDS
from instructors.rest.permissions import LoginIfRequired

Method = TypeVar("Method", bound=Callable[..., Any])

BEARER, CLASS_KEY, CLASS_KEY_IN_ADDRESS = "bearer", "classKey", "classKeyInAddress"
STUDENT_TOKEN = "studentToken"  # noqa: S105  # a name

# Texts that PostgreSQL can store, and those of them with at least one character that is not white space.
STORABLE = r"^[^\u0000]*$"
# `\s`, and the other characters that `str.strip` removes.
NOT_BLANK = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"
# Values that REST framework also accepts for a boolean, an integer or a number in a body.
BOOLEAN_VALUES = serializers.BooleanField.TRUE_VALUES | serializers.BooleanField.FALSE_VALUES
BOOLEANS = [*sorted(value for value in BOOLEAN_VALUES if isinstance(value, str)), 0, 1]
INTEGER = r"^-?[0-9]{1,18}$"
DECIMAL = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
# Times in the first and the last year of the calendar may fall outside of it in UTC.
PLAUSIBLE_YEAR = r"^(?!000[01]|9999)"
TYPE_KEYWORDS = ("type", "format", "minimum", "maximum")

SECURITY_SCHEMES = {
    BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    CLASS_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Class-Key",
        "description": "The ingest key of a class. A key that is sent is checked even where none is needed: 401.",
    },
    CLASS_KEY_IN_ADDRESS: {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "The same key, for clients that can set no header.",
    },
    STUDENT_TOKEN: {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Student <token>`: the token of one student's device in one class, from `POST /me/token`.",
    },
}


class HTTPError(serializers.Serializer[Any]):
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    loc = serializers.ListField(
        child=serializers.JSONField(), help_text="`body`, `query` or `path`, then names and indexes."
    )
    msg = serializers.CharField()
    type = serializers.ChoiceField(choices=KINDS)


class ValidationError(serializers.Serializer[Any]):
    detail = Problem(many=True)


MEANINGS = {
    400: "The request is well-formed, but cannot be carried out.",
    401: "The token or key is not valid.",
    403: "Credentials are missing or insufficient.",
    404: "No such row exists among those the caller may see.",
    409: "The request conflicts with other rows.",
    413: "The body exceeds the maximum size.",
    507: "The storage limit is reached.",
    415: "The body is not JSON.",
    422: "The request is not valid; one entry for each problem.",
    429: "Too many requests; `Retry-After` gives the seconds to wait.",
    500: "The server failed.",
    503: "A required service is not available.",
}

SKIP = OpenApiParameter(
    "skip",
    {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_BIGINT, "default": 0},
    description="Number of rows to skip.",
)
LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, description="Maximum number of rows."
)
# The parameters of every list that `ApiView.paginate_queryset` pages.
PAGING = [SKIP, LIMIT]


def row_filter(name: str, meaning: str) -> OpenApiParameter:
    shape = {"type": "integer", "format": "int64", "minimum": -MAX_BIGINT, "maximum": MAX_BIGINT}
    return OpenApiParameter(name, shape, description=meaning)


def text_filter(name: str, meaning: str, *, required: bool = False) -> OpenApiParameter:
    shape: dict[str, Any] = {"type": "string", "pattern": STORABLE, **({"minLength": 1} if required else {})}
    return OpenApiParameter(name, shape, description=meaning, required=required)


def error(status: int, meaning: str = "") -> OpenApiResponse:
    shape = ValidationError if status == 422 else HTTPError
    return OpenApiResponse(shape, meaning or MEANINGS.get(status, "Error"))


def documented(
    *,
    summary: str,
    request: Any = None,
    responses: Mapping[Any, Any],
    errors: Iterable[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    example: Any = None,
    operation_id: str | None = None,
) -> Callable[[Method], Method]:
    """Describe one method of a view. The method's docstring is the description.

    `errors` are the statuses of this method beyond the shared ones, `example` is a request body, `operation_id`
    distinguishes two paths that would share one. The key of a response that is not JSON is `(status, media type)`.
    """
    all_responses = {**responses, **{status: error(status) for status in errors}}
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        request=request,
        responses=all_responses,
        parameters=list(parameters),
        examples=[OpenApiExample("Example", example, request_only=True)] if example is not None else None,
    )


class ApiSchema(AutoSchema):
    """Derive from a view what its methods need not repeat."""

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters of the path: ids are integers, unless a view declares its own parameter."""
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        return [
            OpenApiParameter(name, int if name.endswith("_id") else str, OpenApiParameter.PATH, required=True)
            for name in names
        ]

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]
        without_blank_choice(schema)

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def get_description(self) -> str:  # type: ignore[override]
        """Return the method's docstring. A view's own docstring is for its maintainers."""
        return (getattr(self.view, self.method.lower()).__doc__ or "").strip()

    def get_auth(self) -> list[dict[str, Any]]:
        permissions = self.view.get_permissions()
        schemes: list[dict[str, Any]] = []
        if any(isinstance(each, LoginIfRequired) for each in permissions):
            schemes.append({BEARER: []})
        if self.method in getattr(self.view, "key_methods", ()):
            schemes += [{CLASS_KEY: []}, {CLASS_KEY_IN_ADDRESS: []}]
        if self.method in getattr(self.view, "token_methods", ()):
            schemes.append({STUDENT_TOKEN: []})
        return schemes

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Add the values that the field refuses, and those that its view refuses: the field's `documented`."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(schema, dict):
            schema = {**schema, **limits_of(field, schema), **getattr(field, "documented", {})}
            schema = {name: value for name, value in schema.items() if value is not None or name == "default"}
        return schema

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            responses = operation["responses"]
            for status in self.shared_errors(operation):
                if str(status) not in responses:
                    responses[str(status)] = self._get_response_for_code(error(status), str(status))  # type: ignore[no-untyped-call]
            operation["responses"] = dict(sorted(responses.items()))
        return operation

    def shared_errors(self, operation: Mapping[str, Any]) -> list[int]:
        """Return the statuses that follow from throttling, authentication, body and parameters."""
        statuses = [429] if self.view.throttle_classes else []
        if operation.get("security"):
            statuses += [401, 403]
        if operation.get("requestBody"):
            statuses += [400, 413, 415, 422]
        elif operation.get("parameters"):
            statuses.append(422)
        return statuses


def without_blank_choice(schema: dict[str, Any]) -> None:
    """Remove the alternative that spectacular adds where blank texts are allowed. STORABLE matches them already."""
    match schema.get("oneOf"):
        case [{"pattern": pattern}, {"maxLength": 0}] if pattern == STORABLE:
            schema.update(schema.pop("oneOf")[0])


def alternatives(schema: Mapping[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the changes that turn the schema's type into `oneOf` this type and the other one."""
    return {name: None for name in TYPE_KEYWORDS if name in schema} | {
        "oneOf": [{name: value for name, value in schema.items() if name in TYPE_KEYWORDS}, other]
    }


def limits_of(field: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema changes for a field: texts that it refuses, other types that it converts."""
    if isinstance(field, serializers.BooleanField):
        return alternatives(schema, {"enum": BOOLEANS})
    if isinstance(field, serializers.IntegerField):
        return alternatives(schema, {"type": "string", "pattern": INTEGER})
    if isinstance(field, serializers.FloatField):
        return alternatives(schema, {"type": "string", "pattern": DECIMAL})
    if isinstance(field, serializers.DateTimeField):
        return {"pattern": PLAUSIBLE_YEAR}
    if not isinstance(field, serializers.CharField) or schema.get("type") != "string" or "format" in schema:
        return {}
    if field.allow_blank:
        return {"pattern": STORABLE}
    refuses_blanks = getattr(field, "refuses_blanks", field.trim_whitespace)
    return {"minLength": 1, "pattern": NOT_BLANK if refuses_blanks else STORABLE}


def one_form(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Reduce the equivalent forms of each path to `/api/v1/X`, without a trailing slash. A preprocessing hook."""
    found = {}
    for path, _, method, view in endpoints:
        if path.startswith("/api/v1/"):
            plain = path.replace("/api/v1/v1/", "/api/v1/").rstrip("/")
            found[plain, method] = (plain, plain, method, view)
    return list(found.values())


def any_of(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Let an answer fit several of the shapes it may have: one may have the fields of another, and more. A
    postprocessing hook."""
    for schema in result["components"]["schemas"].values():
        if schema.keys() == {"oneOf"} and all("$ref" in each for each in schema["oneOf"]):
            schema["anyOf"] = schema.pop("oneOf")
    return result


def add_security_schemes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add SECURITY_SCHEMES to the document. A postprocessing hook."""
    result.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    return result
