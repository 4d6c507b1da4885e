"""The settings of `SystemSetting`, typed, with the defaults that apply where a row is missing, off or unreadable."""

import json
from typing import Any

from django.core.cache import cache

from lms.models.settings import CACHE_KEY, SystemSetting

DEFAULTS: dict[str, Any] = {
    "consecutive_error_threshold": 3,
    "error_detection_enabled": True,
    "cache_ttl_seconds": 300,
}


def typed(text: str, kind: str) -> Any:
    """The value a row means. Raises ValueError where the text is not of that type."""
    if kind == "int":
        return int(text)
    if kind == "bool":
        return text.strip().lower() in ("true", "1", "yes", "on")
    return json.loads(text) if kind == "json" else text


def current() -> dict[str, Any]:
    """All settings. Kept in the shared cache for `cache_ttl_seconds`; a query only when it is not there."""
    values: dict[str, Any] | None = cache.get(CACHE_KEY)
    if values is None:
        values = dict(DEFAULTS)
        for row in SystemSetting.objects.filter(is_active=True):
            try:
                values[row.setting_key] = typed(row.setting_value, row.setting_type)
            except ValueError:
                continue
        cache.set(CACHE_KEY, values, timeout=max(1, int(values["cache_ttl_seconds"])))
    return values
