"""Display modes of a device: projector (without names) and walking (large targets for a tablet in the hand).

They are stored in a cookie, because they belong to the device and not to the account.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

MODES = ("projector", "walking")
A_YEAR = 365 * 86_400


@dataclass(frozen=True, kw_only=True)
class Display:
    projector: bool = False
    walking: bool = False

    def name(self, student_id: int, name: str) -> str:
        """Return the name to show; on a projector a number, which is the same on every page."""
        return gettext("Student %(number)d") % {"number": student_id} if self.projector else name

    def email(self, email: str) -> str:
        return "" if self.projector else email


PLAIN = Display()


def cell_number(position: int | None) -> str:
    """Return the number of a cell: its position in the notebook, from 1; `?` if unknown."""
    return "?" if position is None or position < 0 else str(position + 1)


def display_of(request: HttpRequest) -> Display:
    chosen = request.COOKIES.get(settings.DISPLAY_COOKIE_NAME, "").split(".")
    return Display(projector="projector" in chosen, walking="walking" in chosen)


def save_display(response: HttpResponse, display: Display, *, is_secure: bool) -> None:
    chosen = ".".join(mode for mode in MODES if getattr(display, mode))
    response.set_cookie(
        settings.DISPLAY_COOKIE_NAME, chosen, max_age=A_YEAR, httponly=True, samesite="Lax", secure=is_secure
    )


def display(request: HttpRequest) -> dict[str, Display]:
    """Add `display` to the context of every template (context processor)."""
    return {"display": display_of(request)}


class _MessagesCookie(CookieStorage):
    cookie_name = settings.MESSAGES_COOKIE_NAME


class Messages(FallbackStorage):
    """Django's message storage, with a cookie name of this installation."""

    storage_classes = (_MessagesCookie, SessionStorage)
