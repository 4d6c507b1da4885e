"""The page that compares the environments of a class."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from classroom.base.decorators import class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from classroom.environments.report_snippet import ADDRESS, KEY, snippet
from classroom.environments.selectors import environments_of

MAX_NAME_LENGTH = 200


@class_page
def environments(request: HttpRequest, class_id: int) -> HttpResponse:
    classroom, now = classroom_of(request, class_id), timezone.now()
    chosen = request.GET.get("package", "")[:MAX_NAME_LENGTH]
    context = {
        "classroom": classroom,
        "now": now,
        "state": environments_of(classroom, chosen=chosen, now=now, display=display_of(request)),
    }
    if is_fragment(request):
        return render(request, "environments/_environments.html", context)
    address = request.build_absolute_uri(ADDRESS)
    context |= {"snippet": snippet(address), "placeholder": KEY}
    return render(request, "environments/environments.html", context)
