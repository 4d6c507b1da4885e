"""The audit log, for those who read it."""

from django.db.models import Q, QuerySet

from core.identity import email_key
from instructors.models import AuditLog, Instructor


def audit_entries(*, action: str, actor: str) -> QuerySet[AuditLog]:
    """Newest first; of this action, and of the account of this address or id. Empty texts filter nothing."""
    entries = AuditLog.objects.order_by("-pk")
    if action:
        entries = entries.filter(action=action)
    if actor:
        # What an entry holds is the address as it was typed then.
        whose = Q(actor_email__in={actor, email_key(actor)})
        account = Instructor.objects.with_email(actor)
        if account is not None:
            whose |= Q(actor_id=account.pk)
        if actor.isascii() and actor.isdecimal() and len(actor) < 19:
            whose |= Q(actor_id=int(actor))
        entries = entries.filter(whose)
    return entries
