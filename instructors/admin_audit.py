"""Records in the audit log what administrators do on the admin site: views of one student's data, additions, changes,
deletions and list actions. Unlike Django's own admin log, the audit log cannot be edited.
"""

from typing import Any

from django.apps import apps as django_apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from instructors import audit
from instructors.models import Instructor


class AuditedAdmin:
    """Mixin for a `ModelAdmin` that records its actions."""

    model: type[Model]

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(*args, **kwargs)  # type: ignore[misc]
        return type(form.__name__, (PlainConstraints, form), {})

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = super().change_view(request, object_id, *args, **kwargs)  # type: ignore[misc]
        if request.method == "GET" and answer.status_code == 200 and _is_of_students(self.model):
            _record(request, "admin_view", self.model, object_id)
        return answer

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "admin_add", self.model, obj.pk)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        fields = [
            name for part in message if isinstance(part, dict) for name in part.get("changed", {}).get("fields", [])
        ]
        _record(request, "admin_change", self.model, obj.pk, fields=sorted(map(str, fields)))
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            _record(request, "admin_delete", self.model, row.pk)
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Record an action of a list. `log_deletions` records deletions one by one."""
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        name = next((text for text in request.POST.getlist("action") if text), "")
        answer = super().response_action(request, queryset)  # type: ignore[misc]
        if name and selected and name != "delete_selected":
            details = {"name": name[:50], "rows": selected[:100], "total": len(selected)}
            _record(request, "admin_action", self.model, None, **details)
        return answer


class PlainConstraints:
    """Mixin for a form of the admin site. A violated constraint is reported without its name, which means nothing to
    people."""

    instance: Model

    def validate_constraints(self) -> None:
        try:
            self.instance.validate_constraints(exclude=self._get_validation_exclusions())  # type: ignore[attr-defined]
        except ValidationError as error:
            names = [constraint.name for constraint in self.instance._meta.constraints]
            if any(name in message for name in names for message in error.messages):
                error = ValidationError(gettext("These values contradict each other, or what is stored already."))
            self._update_errors(error)  # type: ignore[attr-defined]


class WithoutTable:
    """Mixin for a `ModelAdmin` whose model has no table (rq's queues), and so no rows to look up by id."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> None:
        return None


def audit_site(site: admin.AdminSite) -> None:
    """Replace every registered `ModelAdmin` by an audited one. Call it after all models are registered."""
    for model, model_admin in list(site._registry.items()):
        if not isinstance(model_admin, AuditedAdmin):
            site.unregister(model)
            own = type(model_admin)
            bases = (AuditedAdmin, own) if model._meta.managed else (AuditedAdmin, WithoutTable, own)
            site.register(model, type(f"Audited{own.__name__}", bases, {}))


def _is_of_students(model: type[Model]) -> bool:
    """Return whether the rows of the model are students or belong to one."""
    student = django_apps.get_model("lms", "Student")
    columns = model._meta.concrete_fields
    return model is student or any(isinstance(each, ForeignKey) and each.related_model is student for each in columns)


def _record(request: HttpRequest, action: str, model: type[Model], pk: Any, **details: Any) -> None:
    audit.record(
        action,
        actor=request.user if isinstance(request.user, Instructor) else None,
        request=request,
        target_type=model._meta.model_name,
        target_id=pk,
        details=details,
    )
