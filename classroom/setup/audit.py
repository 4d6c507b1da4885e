"""The audit entries of a class's set-up."""

from typing import Any

from django.http import HttpRequest

from instructors import audit
from instructors.models import Instructor
from lms.models import Class


def note(action: str, class_ref: Class, *, by: Instructor, request: HttpRequest, **details: Any) -> None:
    """Call it in the transaction of what it records."""
    audit.record(action=action, actor=by, request=request, target_type="class", target_id=class_ref.pk, details=details)
