"""The pages for what went wrong before any view was asked. Those Django draws by itself are templates only."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from classroom.base.return_to import page_before


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, as the rest of the site looks; Django's own would not know who is logged in."""
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is not the browser's, with the way back to where the form was."""
    return render(request, "403_csrf.html", {"before": page_before(request)}, status=403)
