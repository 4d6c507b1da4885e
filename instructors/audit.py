"""The audit log's one way in: who did what to whom, from where, and whether it worked."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from instructors.client_ip import address_of, request_id_of
from instructors.models import AuditLog, Instructor

Outcome = AuditLog.Outcome


def record(
    *,
    action: str,
    actor: Instructor | None,
    request: HttpRequest | Request | None,
    target_type: str | None = None,
    target_id: str | int | None = None,
    outcome: AuditLog.Outcome = Outcome.SUCCESS,
    details: dict[str, Any] | None = None,
) -> AuditLog:
    """One insert. Without an actor it was the system where no request brought it, and somebody unknown where one did.

    Call it in the transaction of what it records, so that neither stands without the other.
    """
    kinds = AuditLog.Actor
    unknown = kinds.SYSTEM if request is None else kinds.ANONYMOUS
    return AuditLog.objects.create(
        action=action,
        actor_type=unknown if actor is None else kinds.INSTRUCTOR,
        actor_id=actor.pk if actor else None,
        actor_email=actor.email if actor else None,
        target_type=target_type,
        target_id=None if target_id is None else str(target_id)[:320],
        ip_address=address_of(request) or None if request else None,
        request_id=request_id_of(request) if request else None,
        outcome=outcome,
        details=details or {},
    )
