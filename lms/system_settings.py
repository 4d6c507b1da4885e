"""Typed values of `SystemSetting`, with defaults for rows that are missing, inactive or unreadable."""

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
# The smallest and largest value of a setting, where they are limited.
BOUNDS = {"consecutive_error_threshold": (1, 10), "cache_ttl_seconds": (1, 86_400)}
SMALLEST_AND_LARGEST = (-MAX_BIGINT - 1, MAX_BIGINT)
TYPES = ("int", "str", "bool", "json")
BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class BadSetting(Exception):
    """The value is not allowed for the setting. The message says what is."""


def typed(text: str, kind: str) -> Any:
    """Parse the text of a row. Raises ValueError if it is not of that type."""
    if kind == "int":
        return int(number_form(text))
    if kind == "bool":
        return BOOLEANS.get(text.strip().lower(), False)
    return json.loads(text) if kind == "json" else text


def text_of(key: str, value: Any, kind: str) -> str:
    """Return the text to store for this value. Raises BadSetting."""
    _refuse_wrong_type(key, value, kind)
    if kind == "json":
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value).lower() if kind == "bool" else str(value)
    if "\0" in text or "\\u0000" in text:
        raise BadSetting(f"{key} must not hold null characters")
    return text


def read(key: str, text: str, kind: str) -> Any:
    """Parse a text as that type, strictly. Raises BadSetting."""
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
        minimum, maximum = BOUNDS.get(key, SMALLEST_AND_LARGEST)
        if not minimum <= value <= maximum:
            raise BadSetting(f"{key} must be an integer between {minimum} and {maximum}")
    elif kind == "bool" and not isinstance(value, bool):
        raise BadSetting(f"{key} must be true or false")
    elif kind == "str" and not isinstance(value, str):
        raise BadSetting(f"{key} must be a text")


TYPE_NAMES = {int: "int", bool: "bool", str: "str"}


def current() -> dict[str, Any]:
    """Return all settings. One query, unless they are cached.

    They are cached in Redis for `cache_ttl_seconds` under a version that every change replaces, so that all processes
    see a change at once, and a reader that queried before it stores its values under the old version.
    """
    key = f"{CACHE_KEY}:{cache.get(VERSION_KEY, '')}"
    values: dict[str, Any] | None = cache.get(key)
    if values is None:
        values = dict(DEFAULTS)
        for row in SystemSetting.objects.filter(is_active=True):
            try:
                values[row.setting_key] = typed(row.setting_value, row.setting_type)
            except ValueError:
                continue
        with suppress(OutOfMemoryError):  # without the cache, each call queries the table
            cache.set(key, values, timeout=max(1, int(values["cache_ttl_seconds"])))
    return values
