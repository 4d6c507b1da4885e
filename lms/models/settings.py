"""Settings that an admin can change at run time."""

import uuid
from typing import Any

from django.core.cache import cache
from django.db import models, transaction

CACHE_KEY = "system_settings"
VERSION_KEY = "system_settings:version"


class SystemSetting(models.Model):
    setting_key = models.CharField(max_length=100, unique=True)
    setting_value = models.TextField()
    setting_type = models.CharField(max_length=10, choices=[(kind, kind) for kind in ("int", "bool", "str", "json")])
    description = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True, help_text="While off, the built-in default applies.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "system_settings"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.setting_key

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        transaction.on_commit(drop_cache)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        transaction.on_commit(drop_cache)
        return super().delete(*args, **kwargs)


def drop_cache() -> None:
    """Invalidate the cached settings in all processes, by a new version of the cache key."""
    cache.set(VERSION_KEY, uuid.uuid4().hex, timeout=None)
