from django.apps import AppConfig


class InstructorsConfig(AppConfig):
    name = "instructors"
    verbose_name = "Instructors"

    def ready(self) -> None:
        from events.processing.instructor_events import open_desk
        from events.worker import cleanup
        from instructors.audit import note_look
        from instructors.cleanup import forget_failed_logins, forget_revoked_tokens, forget_sessions
        from instructors.desk import InstructorsDesk
        from lms.api.base import open_ledger

        open_desk(InstructorsDesk())
        open_ledger(note_look)
        cleanup.offer(forget_sessions, forget_revoked_tokens, forget_failed_logins)
