"""Turn errors into the response that the client reads: JSON below `/api/`, a page elsewhere."""

import logging
from abc import ABC, abstractmethod
from dataclasses import asdict

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldError, ObjectDoesNotExist, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.defaults import page_not_found

from config.errors import API_PREFIX, CONTRADICTION, is_contradiction, is_unstorable, outage_response
from config.outages import reason_of
from core.middleware import Middleware

logger = logging.getLogger(__name__)

TEXTS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


class ErrorReplacingMiddleware(Middleware, ABC):
    """Replace some error responses with another of the same status. Subclasses define `handles_response()`."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        replacement = self.replacement(request, response.status_code)
        if "Allow" in response.headers:
            replacement["Allow"] = response.headers["Allow"]
        return replacement

    @abstractmethod
    def replacement(self, request: HttpRequest, status: int) -> HttpResponse:
        """Return the response to send instead."""


class JsonErrorsMiddleware(ErrorReplacingMiddleware):
    """Make errors of the API JSON, whether the URL resolver, a view or Django itself raised them."""

    def handles_response(self, request: HttpRequest, response: HttpResponse) -> bool:
        if response.status_code not in TEXTS or not request.path.startswith(API_PREFIX):
            return False
        return not response.headers.get("Content-Type", "").startswith("application/json")

    def replacement(self, request: HttpRequest, status: int) -> HttpResponse:
        return JsonResponse({"detail": TEXTS[status]}, status=status)


class BlankErrorsMiddleware(ErrorReplacingMiddleware):
    """Give 400 and 405 responses without content a page, as seen by people who reload the target of a form.

    With DEBUG=1, as in a local copy, replace Django's list of all URLs by the page of a 404.
    """

    PAGES = {400: "400.html", 404: "404.html", 405: "405.html"}

    def handles_response(self, request: HttpRequest, response: HttpResponse) -> bool:
        if response.status_code not in self.PAGES or response.streaming or request.path.startswith(API_PREFIX):
            return False
        if response.status_code == 404:
            return settings.DEBUG and response.headers.get("Content-Type", "").startswith("text/html")
        return not response.content and request.method != "HEAD"

    def replacement(self, request: HttpRequest, status: int) -> HttpResponse:
        return render(request, self.PAGES[status], status=status)


class BadInputMiddleware(Middleware):
    """Answer 400, and log a warning, when a request has values that no column can store or no filter understands; 409
    when they contradict what is stored, or what they are about was deleted while they were answered, which a form did
    not notice: the names of constraints are for the log.

    The admin's change lists pass any query string to filters, which fail in many ways.
    """

    FILTER_ERRORS = (
        ValueError, OverflowError, TypeError, LookupError, ValidationError, FieldError, IncorrectLookupParameters
    )  # fmt: skip

    def prepare(self, request: HttpRequest) -> None:
        # Before the session is loaded: Python decodes "\000" in a quoted cookie to NUL, which PostgreSQL refuses.
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, ObjectDoesNotExist) and request.method in ("GET", "HEAD"):
            logger.warning("Answered 404: a row was gone when a view read it again", exc_info=exception)
            return page_not_found(request, exception)
        if is_contradiction(exception):
            logger.error("Answered 409: a contradiction that no form checks", exc_info=exception)
            if request.path.startswith(API_PREFIX):
                return JsonResponse({"detail": CONTRADICTION}, status=409)
            return render(request, "409.html", status=409)
        is_filter = request.path_info.startswith("/admin/") and request.method in ("GET", "HEAD") and request.GET
        if not is_unstorable(exception) and not (is_filter and isinstance(exception, self.FILTER_ERRORS)):
            return None
        logger.warning("Answered 400: %s", type(exception).__name__, exc_info=logger.isEnabledFor(logging.DEBUG))
        return HttpResponse(status=400)


class PolicyMiddleware(CSPMiddleware):
    """Set the Content-Security-Policy on 404 pages with DEBUG=1 too.

    django-csp leaves it out there for Django's list of all addresses, which BlankErrorsMiddleware replaces.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        if settings.DEBUG and response.status_code == 404 and HEADER not in response:
            response[HEADER] = build_policy(**asdict(self.get_policy_parts(request=request, response=response)))
        return response


class OutagesMiddleware(Middleware):
    """Answer 503, with DEBUG=1 too, when a view cannot reach a store. `handler500` covers errors outside of views."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        reason = reason_of(exception)
        if reason is None:
            return None
        logger.warning("Answered 503: %s (%s)", reason, type(exception).__name__)
        return outage_response(request, reason)
