from django.apps import AppConfig


class InstructorsConfig(AppConfig):
    name = "instructors"
    verbose_name = "Instructors"

    def ready(self) -> None:
        from events.desk import open_desk
        from instructors.desk import InstructorsDesk

        open_desk(InstructorsDesk())
