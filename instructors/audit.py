"""Writes to the audit log: who did what to which row, from where, and whether it succeeded."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from rest_framework.request import Request

from instructors.client_ip import address_of, request_id_of
from instructors.models import AuditLog, Instructor

Outcome = AuditLog.Outcome


def record(
    action: str,
    target: Model | None = None,
    *,
    actor: Instructor | None,
    request: HttpRequest | Request | None,
    target_type: str | None = None,
    target_id: str | int | None = None,
    outcome: AuditLog.Outcome = Outcome.SUCCESS,
    details: Mapping[str, Any] | None = None,
) -> AuditLog:
    """Write an entry about a row, or about `target_type` and `target_id`. Without an actor it is of the system if there
    is no request, else anonymous. One insert.

    Call it in the transaction of the recorded change, so that both are stored or neither.
    """
    kinds = AuditLog.Actor
    without_account = kinds.SYSTEM if request is None else kinds.ANONYMOUS
    if target is not None:
        target_type, target_id = target._meta.model_name, target.pk
    return AuditLog.objects.create(
        action=action,
        actor_type=without_account if actor is None else kinds.INSTRUCTOR,
        actor_id=actor.pk if actor else None,
        actor_email=actor.email if actor else None,
        target_type=target_type,
        target_id=None if target_id is None else str(target_id)[:320],
        ip_address=address_of(request) or None if request else None,
        request_id=request_id_of(request) if request else None,
        outcome=outcome,
        details=dict(details or {}),
    )
