"""What the server tells a student's extension: limits, the consent text, retention, and the address of its wheel."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from rest_framework.request import Request

MAX_OUTPUT, MAX_SOURCE = 16 * 1024, 64 * 1024  # bytes
MIN_VERSION = "0.1.0"
FOLDER = "extension"  # below static


def terms(request: Request) -> dict[str, Any]:
    """Return `client` of GET /me (http.md section 5a)."""
    return {
        "max_output": MAX_OUTPUT,
        "max_source": MAX_SOURCE,
        "consent_text": settings.CONSENT_TEXT or _consent_text(),
        "retention_days": settings.RETENTION_DAYS["executions"] or None,
        "min_version": MIN_VERSION,
        "wheel_url": wheel_url(request),
    }


def wheel_url(request: HttpRequest | Request) -> str | None:
    """Return the address of the newest wheel of the extension, or None if this copy has none."""
    name = newest_wheel([settings.BASE_DIR / "static" / FOLDER, Path(settings.STATIC_ROOT) / FOLDER])
    return request.build_absolute_uri(f"{settings.STATIC_URL}{FOLDER}/{name}") if name else None


def newest_wheel(folders: list[Path]) -> str | None:
    """Return the file name of the wheel with the highest version in the first of these folders that has one."""
    for folder in folders:
        found = []
        for file in folder.glob("*.whl"):
            try:
                found.append((parse_wheel_filename(file.name)[1], file.name))
            except InvalidWheelFilename:
                continue
        if found:
            return max(found)[1]
    return None


def _consent_text() -> str:
    return gettext(
        "While you work, your teachers see in their live view which notebooks you open and save, the code of the cells"
        " that you run with its output and errors, and when you ask for help. It is stored on the server of your school"
        " and is used to help you and to improve the lessons. You can pause the sending at any time."
    )
