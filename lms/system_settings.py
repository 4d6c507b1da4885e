"""The settings of `SystemSetting`, typed, with the defaults that apply where a row is missing, off or unreadable."""

import json
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from redis.exceptions import OutOfMemoryError

from core.identity import number_form
from core.validators import MAX_BIGINT
from lms.models.settings import CACHE_KEY, VERSION_KEY, SystemSetting

DEFAULTS: dict[str, Any] = {
    "consecutive_error_threshold": 3,
    "error_detection_enabled": True,
    "cache_ttl_seconds": 300,
}
# What a number may be, where not anything will do.
BOUNDS = {"consecutive_error_threshold": (1, 10), "cache_ttl_seconds": (1, 86_400)}
SMALLEST_AND_LARGEST = (-MAX_BIGINT - 1, MAX_BIGINT)
TYPES = ("int", "str", "bool", "json")
BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class BadSetting(Exception):
    """The value is not what the setting can be; the text says what it must be."""


def typed(text: str, kind: str) -> Any:
    """The value a row means. Raises ValueError where the text is not of that type."""
    if kind == "int":
        return int(number_form(text))
    if kind == "bool":
        return BOOLEANS.get(text.strip().lower(), False)
    return json.loads(text) if kind == "json" else text


def text_of(key: str, value: Any, kind: str) -> str:
    """What the column holds for this value, which is of that type. Raises BadSetting."""
    _refuse_wrong_type(key, value, kind)
    if kind == "json":
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value).lower() if kind == "bool" else str(value)
    if "\0" in text or "\\u0000" in text:
        raise BadSetting(f"{key} must not hold null characters")
    return text


def read(key: str, text: str, kind: str) -> Any:
    """The value that a text means, checked as if it came as that type. Raises BadSetting."""
    try:
        if kind == "bool" and text.strip().lower() not in BOOLEANS:
            raise ValueError
        value = typed(text, kind)
    except (ValueError, RecursionError):
        raise BadSetting(f"{key}: this text cannot be read as {kind}") from None
    return value


def _refuse_wrong_type(key: str, value: Any, kind: str) -> None:
    if key in DEFAULTS and kind != TYPE_NAMES[type(DEFAULTS[key])]:
        raise BadSetting(f"{key} must be of type {TYPE_NAMES[type(DEFAULTS[key])]}")
    if kind == "int":
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadSetting(f"{key} must be an integer")
        least, most = BOUNDS.get(key, SMALLEST_AND_LARGEST)
        if not least <= value <= most:
            raise BadSetting(f"{key} must be an integer between {least} and {most}")
    elif kind == "bool" and not isinstance(value, bool):
        raise BadSetting(f"{key} must be true or false")
    elif kind == "str" and not isinstance(value, str):
        raise BadSetting(f"{key} must be a text")


TYPE_NAMES = {int: "int", bool: "bool", str: "str"}


def current() -> dict[str, Any]:
    """All settings. Kept in the shared cache for `cache_ttl_seconds`, so that a change is known everywhere at once; a
    query only when they are not there. A reader that read before a change keeps what it read under the old version."""
    key = f"{CACHE_KEY}:{cache.get(VERSION_KEY, '')}"
    values: dict[str, Any] | None = cache.get(key)
    if values is None:
        values = dict(DEFAULTS)
        for row in SystemSetting.objects.filter(is_active=True):
            try:
                values[row.setting_key] = typed(row.setting_value, row.setting_type)
            except ValueError:
                continue
        with suppress(OutOfMemoryError):  # then everybody asks the table
            cache.set(key, values, timeout=max(1, int(values["cache_ttl_seconds"])))
    return values
