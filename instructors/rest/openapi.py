"""How an endpoint describes itself in the OpenAPI document.

    class ClassView(ApiView):
        @documented(summary="One class", responses={200: ClassResponse}, errors=(404,))
        def get(self, request, class_id): ...

What every endpoint shares is added here and nowhere else: the errors of credentials, validation and rate limits, the
security schemes that follow from the view's `access`, and the type of ids in the path.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from core.validators import MAX_BIGINT
from instructors.rest.permissions import LoginIfRequired

Method = TypeVar("Method", bound=Callable[..., Any])

BEARER, CLASS_KEY, CLASS_KEY_IN_ADDRESS = "bearer", "classKey", "classKeyInAddress"

# Texts as PostgreSQL can hold them, and such of them as say something.
STORABLE = r"^[^\u0000]*$"
# `\s`, and what else Python strips.
NOT_BLANK = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"
# What also passes for a boolean, an integer or a number in a body.
SPELLINGS = serializers.BooleanField.TRUE_VALUES | serializers.BooleanField.FALSE_VALUES
BOOLEANS = [*sorted(word for word in SPELLINGS if isinstance(word, str)), 0, 1]
INTEGER = r"^-?[0-9]{1,18}$"
DECIMAL = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
# The first and the last year that there are may not be there in UTC.
BELIEVABLE_YEAR = r"^(?!000[01]|9999)"
OF_ONE = ("type", "format", "minimum", "maximum")

SECURITY_SCHEMES = {
    BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    CLASS_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Class-Key",
        "description": "The ingest key of a class. One that is given is checked, also where none is needed: 401.",
    },
    CLASS_KEY_IN_ADDRESS: {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "The same key, for clients that can set no header.",
    },
}


class HTTPError(serializers.Serializer[Any]):
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    loc = serializers.ListField(
        child=serializers.JSONField(), help_text="`body`, `query` or `path`, then names and indexes."
    )
    msg = serializers.CharField()
    type = serializers.CharField()


class ValidationError(serializers.Serializer[Any]):
    detail = Problem(many=True)


MEANINGS = {
    400: "Well-formed, and still it cannot be done.",
    401: "The token or key opens nothing.",
    403: "No credentials, or not enough of them.",
    404: "There is no such row among those the caller may see.",
    409: "Other rows stand in the way.",
    413: "Larger than is taken.",
    507: "More than may be held together.",
    415: "The body is not JSON.",
    422: "The request is not what it should be; one entry for each problem.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "The server failed.",
    503: "A service that this needs is not available.",
}

SKIP = OpenApiParameter(
    "skip",
    {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_BIGINT, "default": 0},
    description="Rows to pass over.",
)
LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, description="Rows at most."
)
# The parameters of every list that `lms.api.base.page` cuts.
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
    tags: Sequence[str] | None = None,
    operation_id: str | None = None,
) -> Callable[[Method], Method]:
    """Describe one method of a view. The method's docstring is the description; `errors` are this method's own,
    `example` is a request body, `operation_id` is for two addresses that would share one; an answer that is not JSON is
    named by status and media type."""
    answers = {**responses, **{status: error(status) for status in errors}}
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        request=request,
        responses=answers,
        parameters=list(parameters),
        examples=[OpenApiExample("Example", example, request_only=True)] if example is not None else None,
        tags=list(tags) if tags else None,
    )


class ApiSchema(AutoSchema):
    """What follows from a view without being said at each of its methods."""

    def get_override_parameters(self) -> list[Any]:
        """Ids in the path are integers; a view that means something else says so in its own parameters."""
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
        """Only what the method says: a view's docstring speaks to its maintainers."""
        return (getattr(self.view, self.method.lower()).__doc__ or "").strip()

    def get_auth(self) -> list[dict[str, Any]]:
        permissions = self.view.get_permissions()
        schemes: list[dict[str, Any]] = []
        if any(isinstance(each, LoginIfRequired) for each in permissions):
            schemes.append({BEARER: []})
        if self.method in getattr(self.view, "key_methods", ()):
            schemes += [{CLASS_KEY: []}, {CLASS_KEY_IN_ADDRESS: []}]
        return schemes

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """With what the field refuses; and what only the view refuses, which the field then names as `documented`."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(schema, dict):
            schema = {**schema, **limits_of(field, schema), **getattr(field, "documented", {})}
            schema = {name: value for name, value in schema.items() if value is not None or name == "default"}
        return schema

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            answers = operation["responses"]
            for status in self.shared_errors(operation):
                if str(status) not in answers:
                    answers[str(status)] = self._get_response_for_code(error(status), str(status))  # type: ignore[no-untyped-call]
            operation["responses"] = dict(sorted(answers.items()))
        return operation

    def shared_errors(self, operation: Mapping[str, Any]) -> list[int]:
        statuses = [429] if self.view.throttle_classes else []
        if operation.get("security"):
            statuses += [401, 403]
        if operation.get("requestBody"):
            statuses += [400, 413, 415, 422]
        elif operation.get("parameters"):
            statuses.append(422)
        return statuses


def without_blank_choice(schema: dict[str, Any]) -> None:
    """Where blank texts are taken, spectacular offers them beside any pattern; ours takes them already."""
    match schema.get("oneOf"):
        case [{"pattern": pattern}, {"maxLength": 0}] if pattern == STORABLE:
            schema.update(schema.pop("oneOf")[0])


def alternatives(schema: Mapping[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: None for name in OF_ONE if name in schema} | {
        "oneOf": [{name: value for name, value in schema.items() if name in OF_ONE}, other]
    }


def limits_of(field: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a text may not be, and what else a number or a boolean may be."""
    if isinstance(field, serializers.BooleanField):
        return alternatives(schema, {"enum": BOOLEANS})
    if isinstance(field, serializers.IntegerField):
        return alternatives(schema, {"type": "string", "pattern": INTEGER})
    if isinstance(field, serializers.FloatField):
        return alternatives(schema, {"type": "string", "pattern": DECIMAL})
    if isinstance(field, serializers.DateTimeField):
        return {"pattern": BELIEVABLE_YEAR}
    if not isinstance(field, serializers.CharField) or schema.get("type") != "string" or "format" in schema:
        return {}
    if field.allow_blank:
        return {"pattern": STORABLE}
    refuses_blanks = getattr(field, "refuses_blanks", field.trim_whitespace)
    return {"minLength": 1, "pattern": NOT_BLANK if refuses_blanks else STORABLE}


def one_form(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Of all the forms in which a path answers, the document shows one: `/api/v1/X`, without a trailing slash."""
    found = {}
    for path, _, method, view in endpoints:
        if path.startswith("/api/v1/"):
            plain = path.replace("/api/v1/v1/", "/api/v1/").rstrip("/")
            found[plain, method] = (plain, plain, method, view)
    return list(found.values())


def add_security_schemes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    result.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    return result
