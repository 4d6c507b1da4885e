"""The admin site of system settings. Changes are recorded in the audit log as those through the API are."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from instructors import audit
from instructors.permissions import account_of
from lms.admin.base import LargeTableAdmin, ModelForm
from lms.models import (
    SystemSetting,
)
from lms.system_settings import BOUNDS, DEFAULTS, SMALLEST_AND_LARGEST, TYPE_NAMES, BadSetting, read, text_of

UNREADABLE = {
    "int": gettext_lazy("This must be a whole number."),
    "bool": gettext_lazy("This must be true or false."),
    "json": gettext_lazy("This must be JSON."),
}


class SystemSettingForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        """Validate the value as the API does, so that every stored value can be parsed."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        key, text, kind = (found.get(name) for name in ("setting_key", "setting_value", "setting_type"))
        if key and text and kind:
            self._check(key, text.strip(), kind)
        return found

    def _check(self, key: str, text: str, kind: str) -> None:
        try:
            value = read(key, text, kind)
        except BadSetting:
            self.add_error("setting_value", UNREADABLE[kind])
            return
        wanted = TYPE_NAMES.get(type(DEFAULTS.get(key)))
        minimum, maximum = BOUNDS.get(key, SMALLEST_AND_LARGEST)
        if wanted and kind != wanted:
            self.add_error("setting_type", gettext("This setting is of type %(type)s.") % {"type": wanted})
        elif kind == "int" and not minimum <= value <= maximum:
            bounds = {"least": minimum, "most": maximum}
            self.add_error("setting_value", gettext("This must be between %(least)d and %(most)d.") % bounds)
        else:
            self._write(key, value, kind)

    def _write(self, key: str, value: Any, kind: str) -> None:
        try:
            self.cleaned_data["setting_value"] = text_of(key, value, kind)
        except BadSetting as error:  # null characters
            self.add_error("setting_value", str(error))


@admin.register(SystemSetting)
class SystemSettingAdmin(LargeTableAdmin):
    form = SystemSettingForm
    list_display = ["setting_key", "setting_value", "setting_type", "is_active", "updated_at"]
    list_filter = ["is_active", "setting_type"]
    search_fields = ["setting_key", "description"]
    readonly_fields = ["created_at", "updated_at"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = SystemSetting.objects.filter(pk=obj.pk).first() if change else None
        super().save_model(request, obj, form, change)
        previous = {"from": before.setting_value[:200]} if before else {"created": True}
        self._record(request, obj, {**previous, "to": obj.setting_value[:200], "is_active": obj.is_active})

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._record(request, obj, {"deleted": True})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for setting in queryset:
            self._record(request, setting, {"deleted": True})
        super().delete_queryset(request, queryset)

    def _record(self, request: HttpRequest, setting: SystemSetting, details: dict[str, Any]) -> None:
        audit.record(
            "setting_update",
            actor=account_of(request),
            request=request,
            target_type="setting",
            target_id=setting.setting_key,
            details=details,
        )
