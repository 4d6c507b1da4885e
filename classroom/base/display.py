"""How this device shows the pages: on a projector without names, or in the hand of somebody who walks around.

It is the device that differs, not the account (the laptop projects while the tablet walks), so a cookie remembers it.
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
        """What to call a student where others may read along; the number is the same on every page."""
        return gettext("Student %(number)d") % {"number": student_id} if self.projector else name

    def email(self, email: str) -> str:
        return "" if self.projector else email


PLAIN = Display()


def cell_number(position: int | None) -> str:
    """Return what a cell is called: its place in the notebook, from 1; `?` where no event told it."""
    return "?" if position is None or position < 0 else str(position + 1)


def display_of(request: HttpRequest) -> Display:
    chosen = request.COOKIES.get(settings.DISPLAY_COOKIE_NAME, "").split(".")
    return Display(projector="projector" in chosen, walking="walking" in chosen)


def remember(answer: HttpResponse, display: Display, *, is_secure: bool) -> None:
    chosen = ".".join(mode for mode in MODES if getattr(display, mode))
    answer.set_cookie(
        settings.DISPLAY_COOKIE_NAME, chosen, max_age=A_YEAR, httponly=True, samesite="Lax", secure=is_secure
    )


def display(request: HttpRequest) -> dict[str, Display]:
    """The context processor: every template knows `display`."""
    return {"display": display_of(request)}


class _MessagesCookie(CookieStorage):
    cookie_name = settings.MESSAGES_COOKIE_NAME


class Messages(FallbackStorage):
    """Django's storage of what the next page says ("Saved."), under a name of this copy's own."""

    storage_classes = (_MessagesCookie, SessionStorage)
