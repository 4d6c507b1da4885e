"""Errors below `/api/` are JSON, whoever raised them: the URL resolver, a view or Django itself; elsewhere, pages."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.errors import API_PREFIX, answer_outage, json_error
from config.outages import reason_of

logger = logging.getLogger(__name__)

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


class BlankErrorsMiddleware:
    """An answer of 400 or 405 without a word becomes a page, for people who reload what only a button may ask for."""

    sync_capable = async_capable = True
    PAGES = {400: "400.html", 405: "405.html"}

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._answer_later(request)
        response: HttpResponse = self.get_response(request)
        return self._as_page(request, response) if self._is_blank(request, response) else response

    async def _answer_later(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = await self.get_response(request)
        if self._is_blank(request, response):
            return await sync_to_async(self._as_page)(request, response)  # it asks for the account
        return response

    def _is_blank(self, request: HttpRequest, response: HttpResponse) -> bool:
        if response.status_code not in self.PAGES or response.streaming or request.path.startswith(API_PREFIX):
            return False
        return not response.content and request.method != "HEAD"

    def _as_page(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        page = render(request, self.PAGES[response.status_code], status=response.status_code)
        if "Allow" in response.headers:
            page["Allow"] = response.headers["Allow"]
        return page
