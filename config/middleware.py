"""Errors below `/api/` are JSON, whoever raised them: the URL resolver, a view or Django itself."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from config.errors import json_error

TEXTS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


class JsonErrorsMiddleware:
    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._answer_later(request)
        return self._as_json(request, self.get_response(request))

    async def _answer_later(self, request: HttpRequest) -> HttpResponse:
        return self._as_json(request, await self.get_response(request))

    def _as_json(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if response.status_code not in TEXTS or response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        answer = json_error(request, response.status_code, TEXTS[response.status_code])
        if answer is None:
            return response
        if "Allow" in response.headers:
            answer["Allow"] = response.headers["Allow"]
        return answer
