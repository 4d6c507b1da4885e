"""The offline queue: the endpoints of events that change it, told to the audit log."""

from events.offline.views import ClearView, SyncView
from instructors import audit
from instructors.api.callers import known_caller


class AuditedSyncView(SyncView):
    def asked(self, *, is_forced: bool) -> None:
        audit.record(
            action="offline_sync",
            actor=known_caller(self.request),
            request=self.request,
            details={"is_forced": is_forced},
        )


class AuditedClearView(ClearView):
    def cleared(self, waited: int, failed: int) -> None:
        audit.record(
            action="offline_clear",
            actor=known_caller(self.request),
            request=self.request,
            details={"cleared_events": waited, "cleared_failed_events": failed},
        )
