"""Record changes of a class in the audit log."""

from typing import Any

from django.http import HttpRequest

from instructors import audit
from instructors.models import Instructor
from lms.models import Class


def record(action: str, class_ref: Class, *, by: Instructor, request: HttpRequest, **details: Any) -> None:
    """Record an action on a class. Call it in the transaction of the change."""
    audit.record(action=action, actor=by, request=request, target_type="class", target_id=class_ref.pk, details=details)
