"""Errors below `/api/` are JSON, whoever raised them: the URL resolver, a view or Django itself; elsewhere, pages."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldError, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from config.errors import API_PREFIX, answer_outage, is_unstorable
from config.outages import reason_of

logger = logging.getLogger(__name__)

TEXTS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


class ReplacingMiddleware(ABC):
    """Puts another answer in the place of some, where they are made in threads and where in the loop."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._answer_later(request)
        response: HttpResponse = self.get_response(request)
        return self._instead(request, response) if self.replaces(request, response) else response

    async def _answer_later(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = await self.get_response(request)
        if self.replaces(request, response):
            return await sync_to_async(self._instead)(request, response)  # a page asks for the account
        return response

    def _instead(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        answer = self.answer(request, response.status_code)
        if "Allow" in response.headers:
            answer["Allow"] = response.headers["Allow"]
        return answer

    @abstractmethod
    def replaces(self, request: HttpRequest, response: HttpResponse) -> bool:
        """Whether another answer takes this one's place."""

    @abstractmethod
    def answer(self, request: HttpRequest, status: int) -> HttpResponse:
        """The other answer, of the same status."""


class JsonErrorsMiddleware(ReplacingMiddleware):
    """An error of the API that is not JSON yet becomes JSON."""

    def replaces(self, request: HttpRequest, response: HttpResponse) -> bool:
        if response.status_code not in TEXTS or not request.path.startswith(API_PREFIX):
            return False
        return not response.headers.get("Content-Type", "").startswith("application/json")

    def answer(self, request: HttpRequest, status: int) -> HttpResponse:
        return JsonResponse({"detail": TEXTS[status]}, status=status)


class BlankErrorsMiddleware(ReplacingMiddleware):
    """An answer of 400 or 405 without a word becomes a page, for people who reload what only a button may ask for."""

    PAGES = {400: "400.html", 405: "405.html"}

    def replaces(self, request: HttpRequest, response: HttpResponse) -> bool:
        if response.status_code not in self.PAGES or response.streaming or request.path.startswith(API_PREFIX):
            return False
        return not response.content and request.method != "HEAD"

    def answer(self, request: HttpRequest, status: int) -> HttpResponse:
        return render(request, self.PAGES[status], status=status)


class BadInputMiddleware:
    """What no column holds and no filter understands is the asker's mistake: 400, with a line in the log.

    The lists of the administration hand whatever stands in an address to filters, which fail in many ways.
    """

    sync_capable = async_capable = True
    OF_FILTERS = (
        ValueError, OverflowError, TypeError, LookupError, ValidationError, FieldError, IncorrectLookupParameters
    )  # fmt: skip

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        # Before the session is looked up: Python takes "\000" of a quoted cookie for what it stands for.
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        answer: HttpResponse | Awaitable[HttpResponse] = self.get_response(request)
        return answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        is_filter = request.path_info.startswith("/admin/") and request.method in ("GET", "HEAD") and request.GET
        if not is_unstorable(exception) and not (is_filter and isinstance(exception, self.OF_FILTERS)):
            return None
        logger.warning("Answered 400: %s", type(exception).__name__, exc_info=logger.isEnabledFor(logging.DEBUG))
        return HttpResponse(status=400)


class OutagesMiddleware:
    """A view that could not ask a store answers 503, in development too; what fails outside of views meets
    `handler500`."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        answer: HttpResponse | Awaitable[HttpResponse] = self.get_response(request)
        return answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        reason = reason_of(exception)
        if reason is None:
            return None
        logger.warning("Answered 503: %s (%s)", reason, type(exception).__name__)
        return answer_outage(request, reason)
