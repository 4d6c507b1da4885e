"""Change the system settings: each change is validated, then written with its audit log entry in one transaction."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.request import Request

from instructors import audit
from instructors.models import Instructor
from lms.models import SystemSetting
from lms.system_settings import read, text_of


class Duplicate(Exception):
    """A setting with this key exists."""


def change_setting(setting: SystemSetting, value: Any, *, by: Instructor, request: Request) -> SystemSetting:
    """Set a new value, which every process reads from the commit on. Raises lms.system_settings.BadSetting."""
    before = setting.setting_value
    setting.setting_value = text_of(setting.setting_key, value, setting.setting_type)
    setting.updated_at = timezone.now()
    with transaction.atomic():
        setting.save(update_fields=["setting_value", "updated_at"])
        _record(setting, {"from": before[:200], "to": setting.setting_value[:200]}, by=by, request=request)
    return setting


def create_setting(
    *, key: str, value: Any, kind: str, description: str | None, by: Instructor, request: Request
) -> SystemSetting:
    """Create a setting; `value` is of the type `kind`, or a text to convert. Raises BadSetting, Duplicate."""
    found = read(key, value, kind) if isinstance(value, str) else value
    text = text_of(key, found, kind)
    try:
        with transaction.atomic():
            setting = SystemSetting.objects.create(
                setting_key=key,
                setting_value=text,
                setting_type=kind,
                description=description,
                updated_at=timezone.now(),
            )
            _record(setting, {"to": text[:200], "created": True}, by=by, request=request)
    except IntegrityError:
        raise Duplicate from None
    return setting


def _record(setting: SystemSetting, details: dict[str, Any], *, by: Instructor, request: Request) -> None:
    audit.record(
        "setting_update",
        actor=by,
        request=request,
        target_type="setting",
        target_id=setting.setting_key,
        details=details,
    )
