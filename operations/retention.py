"""Delete rows that are older than their retention period (RETENTION_* in config/settings/events.py; 0 = never).

Rows are deleted in small batches, each in its own transaction, so that locks are held briefly.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from classroom.questions.models import StuckQuestion
from events.models import CellExecution, ClientHealth, HelpRequest, NotebookAccess, OfflineQueueEntry, StudentEvent
from instructors import audit
from instructors.cleanup import EXPIRED
from instructors.models import AuditLog
from lms.models import EnvironmentSnapshot, Session
from operations.privacy.redaction import rewriting_audit_log

Rows = QuerySet[Any]

BATCH = 5_000
PAUSE = 0.05  # seconds between two batches, so that other queries can run


@dataclass(frozen=True, kw_only=True)
class PrunedRows:
    """Rows that are pruned together. `days` is 0 for never, None for rows with an expiry date of their own."""

    name: str
    days: int | None
    rows: Callable[[datetime], list[Rows]]
    # It is called where rows are changed and not deleted; returns the number of changed rows.
    change: Callable[[Rows], int] | None = None

    def before(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days or 0)


def kinds() -> list[PrunedRows]:
    """Return the kinds in the order in which they are pruned."""
    keep = settings.RETENTION_DAYS
    return [
        PrunedRows(
            name="executions", days=keep["executions"], rows=lambda t: [CellExecution.objects.filter(executed_at__lt=t)]
        ),
        PrunedRows(
            name="events",
            days=keep["events"],
            rows=lambda t: [
                StudentEvent.objects.filter(occurred_at__lt=t),
                HelpRequest.objects.filter(ended_at__lt=t),
                ClientHealth.objects.filter(reported_at__lt=t),
                StuckQuestion.objects.filter(asked_at__lt=t),
            ],
        ),
        PrunedRows(
            name="accesses", days=keep["accesses"], rows=lambda t: [NotebookAccess.objects.filter(accessed_at__lt=t)]
        ),
        PrunedRows(
            name="environments",
            days=keep["environments"],
            rows=lambda t: [EnvironmentSnapshot.objects.filter(captured_at__lt=t)],
        ),
        # Executions refer to their session, so the row stays without address and browser.
        PrunedRows(
            name="sessions",
            days=keep["sessions"],
            rows=lambda t: [
                Session.objects.filter(is_active=False, start_time__lt=t).filter(
                    Q(ip_address__isnull=False) | Q(user_agent__isnull=False)
                )
            ],
            change=lambda rows: rows.update(ip_address=None, user_agent=None),
        ),
        PrunedRows(
            name="offline",
            days=keep["offline"],
            rows=lambda t: [OfflineQueueEntry.objects.filter(status__in=["synced", "cleared"], created_at__lt=t)],
        ),
        PrunedRows(
            name="logins",
            days=None,
            rows=lambda t: [expired(now=t) for expired in EXPIRED],
        ),
    ]


def due(*, now: datetime) -> Iterator[tuple[PrunedRows, int]]:
    """Yield the number of rows that `prune()` would delete of each kind."""
    for kind in kinds():
        if kind.days != 0:
            yield kind, sum(rows.count() for rows in kind.rows(kind.before(now)))


def prune(*, now: datetime, pause: float = PAUSE) -> Iterator[tuple[PrunedRows, int]]:
    """Delete what is due, kind by kind. May be stopped at any moment and run again."""
    for kind in kinds():
        if kind.days != 0:
            yield kind, sum(_in_batches(kind, rows, pause) for rows in kind.rows(kind.before(now)))


def _in_batches(kind: PrunedRows, rows: Rows, pause: float) -> int:
    done = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        found = rows.model._default_manager.filter(pk__in=batch)
        done += kind.change(found) if kind.change else found.delete()[0]
        time.sleep(pause)
    return done


# --- The audit log --------------------------------------------------------------------------------------------------


def audit_entries_due(*, now: datetime) -> int:
    days = settings.RETENTION_DAYS["audit"]
    return AuditLog.objects.filter(occurred_at__lt=now - timedelta(days=days)).count() if days else 0


def prune_audit_log(*, now: datetime) -> int:
    """Delete audit log entries older than RETENTION_AUDIT_DAYS, and record that in the log. Return their number.

    The trigger that makes the log append-only is off for this transaction. There is one transaction, so that the log
    never has an unexplained gap.
    """
    days = settings.RETENTION_DAYS["audit"]
    before = now - timedelta(days=days)
    if not days or not AuditLog.objects.filter(occurred_at__lt=before).exists():
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        with rewriting_audit_log():
            cursor.execute("DELETE FROM audit_logs WHERE occurred_at < %s", [before])
            number = int(cursor.rowcount)
        audit.record(
            "audit_prune",
            actor=None,
            request=None,
            details={"entries": number, "before": before.isoformat(), "retention_days": days},
        )
    return number
