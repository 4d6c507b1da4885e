from django.apps import AppConfig


class InstructorsConfig(AppConfig):
    name = "instructors"
    verbose_name = "Instructors"

    def ready(self) -> None:
        from events import chores
        from events.desk import open_desk
        from instructors.audit import note_look
        from instructors.chores import forget_failed_logins, forget_revoked_tokens, forget_sessions
        from instructors.desk import InstructorsDesk
        from lms.api.base import open_ledger

        open_desk(InstructorsDesk())
        open_ledger(note_look)
        chores.offer(forget_sessions, forget_revoked_tokens, forget_failed_logins)
