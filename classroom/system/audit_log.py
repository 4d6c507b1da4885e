"""Select entries of the audit log."""

from django.db.models import Q, QuerySet

from core.identity import email_key, row_number
from instructors.models import AuditLog, Instructor


def audit_entries(*, action: str, actor: str) -> QuerySet[AuditLog]:
    """Return entries, newest first, of an action and of an actor (e-mail or id); an empty text filters nothing."""
    entries = AuditLog.objects.order_by("-pk")
    if action:
        entries = entries.filter(action=action)
    if actor:
        # An entry stores the e-mail as it was typed at the time.
        by_actor = Q(actor_email__in={actor, email_key(actor)})
        account = Instructor.objects.with_email(actor)
        if account is not None:
            by_actor |= Q(actor_id=account.pk)
        if (number := row_number(actor)) is not None:
            by_actor |= Q(actor_id=number)
        entries = entries.filter(by_actor)
    return entries
