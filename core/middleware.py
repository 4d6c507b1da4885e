"""The base class of the project's own middleware."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse


class Middleware:
    """Middleware that runs natively in sync and in async mode.

    Django's MiddlewareMixin moves every request to a thread twice in async mode; this class uses a thread only where
    `handles_request()` or `handles_response()` says that there is blocking work. Subclasses may also define
    `process_view()` and `process_exception()`, which Django calls.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._call_async(request)
        self.prepare(request)
        if self.handles_request(request):
            self.process_request(request)
        response: HttpResponse = self.get_response(request)
        return self.process_response(request, response) if self.handles_response(request, response) else response

    async def _call_async(self, request: HttpRequest) -> HttpResponse:
        self.prepare(request)
        if self.handles_request(request):
            await sync_to_async(self.process_request)(request)
        response: HttpResponse = await self.get_response(request)
        if self.handles_response(request, response):
            return await sync_to_async(self.process_response)(request, response)
        return response

    def prepare(self, request: HttpRequest) -> None:
        """Change the request. Runs in the event loop in async mode, so it must not block or query the database."""

    def handles_request(self, request: HttpRequest) -> bool:
        """Return whether `process_request()` is called. Must not block."""
        return False

    def process_request(self, request: HttpRequest) -> None:
        """Do blocking work before the view. Runs in a thread in async mode."""

    def handles_response(self, request: HttpRequest, response: HttpResponse) -> bool:
        """Return whether `process_response()` is called. Must not block."""
        return False

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Return the response to send. Runs in a thread in async mode."""
        return response
