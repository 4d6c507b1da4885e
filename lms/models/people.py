"""Students, their teams, and their JupyterLab sessions."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from core.identity import LABEL_LENGTH, display_name, email_key, label_key, visible
from core.kana_order import KEY_LENGTH as READING_KEY_LENGTH
from core.key_fields import Keyed, KeyField
from lms.models.notebooks import Notebook

WITHOUT_KEY = 0  # the `class_id` of activity that was sent without a key


class Team(Keyed):
    team_name = models.CharField(max_length=255, help_text="As it was typed first.")
    team_key = KeyField(of="team_name", form=label_key, max_length=LABEL_LENGTH)
    description = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "teams"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["team_key"], name="teams_once")]

    def __str__(self) -> str:
        return self.team_name

    def clean(self) -> None:
        Team._meta.get_field("team_key").check_typed(self, taken=gettext("There is already a team with this name."))


class ActivityColumns(models.Model):
    """The columns that every list of students shows. Only the event pipeline writes them. An overview of a class reads
    one table, however many executions are stored."""

    is_requesting_help = models.BooleanField(default=False)
    help_requested_at = models.DateTimeField(null=True, blank=True)
    last_help_at = models.DateTimeField(null=True, blank=True, help_text="The latest request, by the sender's clock.")
    help_stopped_at = models.DateTimeField(null=True, blank=True, help_text="The latest stop, by the sender's clock.")
    help_dismissed_at = models.DateTimeField(null=True, blank=True)
    help_session_id = models.CharField(max_length=255, null=True, blank=True)
    help_notebook_path = models.CharField(max_length=1024, null=True, blank=True)
    errors_resolved_at = models.DateTimeField(null=True, blank=True, help_text="Older errors no longer count.")

    # No index: the column changes with every batch, and an index on it would prevent heap-only updates.
    last_activity_at = models.DateTimeField(null=True, blank=True)
    current_notebook = models.ForeignKey(Notebook, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    execution_count = models.IntegerField(default=0, help_text="Runs that succeeded or failed.")
    error_count = models.IntegerField(default=0, help_text="Runs that failed.")
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_run_failed = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Student(Keyed, ActivityColumns):
    """A student, identified by the e-mail that JupyterLab sends, with activity summed over all classes.

    Name and team are the last ones from any class. A class sees its own (`StudentClass`), and the `StudentActivity`
    of that class.
    """

    email = models.CharField(max_length=320, help_text="The public identity, as it was typed first; any text.")
    email_key = KeyField(of="email", form=email_key)
    name = models.CharField(max_length=255, null=True, blank=True, db_index=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="students")

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "students"
        ordering = ["id"]
        verbose_name, verbose_name_plural = gettext_lazy("student"), gettext_lazy("students")
        constraints = [models.UniqueConstraint(fields=["email_key"], name="students_once")]
        indexes = [
            models.Index(fields=["email"], name="students_email"),
            models.Index(
                fields=["last_help_at"],
                name="students_asking_for_help",
                condition=models.Q(is_requesting_help=True),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.name = visible(self.name)
        Student._meta.get_field("email_key").check_typed(
            self, taken=gettext("There is already a student with this address.")
        )
        former = StudentAddress.objects.filter(email_key=email_key(self.email)).exclude(student=self.pk)
        if former.exists():
            raise ValidationError({"email": gettext("This is a former address of another student.")})

    @property
    def display_name(self) -> str:
        return display_name(self.name, self.email)


class StudentAddress(Keyed):
    """A former address of a student: of a row that was merged into theirs, or one that was corrected.

    What still comes with it is theirs (`lms.bulk_get_or_create`, `lms.access.with_email`).
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="former_addresses")
    email = models.CharField(max_length=320)
    email_key = KeyField(of="email", form=email_key)
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "student_addresses"
        ordering = ["id"]
        verbose_name, verbose_name_plural = gettext_lazy("former address"), gettext_lazy("former addresses")
        constraints = [models.UniqueConstraint(fields=["email_key"], name="student_addresses_once")]

    def __str__(self) -> str:
        return self.email


class StudentActivity(ActivityColumns):
    """The activity of one student through one class: what was sent with a key of that class.

    `class_id` is no foreign key, and 0 for activity without a key: rows outlive their class, and then only admins see
    them. Every row of activity (runs, accesses, events, sessions, help requests) has this column.
    """

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="activities", db_index=False)
    current_notebook = models.ForeignKey(
        Notebook, null=True, blank=True, on_delete=models.SET_NULL, related_name="in_use_by"
    )
    class_id = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "student_activity"
        ordering = ["id"]
        verbose_name_plural = "student activity"
        constraints = [models.UniqueConstraint(fields=["student", "class_id"], name="student_activity_once")]

    def __str__(self) -> str:
        return f"{self.student_id} × {self.class_id}"


class ClassStudent(ActivityColumns):
    """A student as one class sees them: a row of the view `class_students` for each enrolment. Read only.

    It has the columns of `Student` under the same names, so that code for students reads these rows too. Filter by
    `class_id` and by `with_keyless` (as `lms.access.students_seen_through` does): whether activity that was sent
    without a key is included.
    """

    class_id = models.BigIntegerField()
    with_keyless = models.BooleanField()
    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320)
    name = models.CharField(max_length=255, null=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.DO_NOTHING, related_name="+")
    current_notebook = models.ForeignKey(Notebook, null=True, on_delete=models.DO_NOTHING, related_name="+")
    created_at = models.DateTimeField(help_text="When they joined the class.")
    student_number = models.CharField(max_length=64, null=True)
    reading = models.CharField(max_length=255, null=True)
    reading_key = models.CharField(max_length=READING_KEY_LENGTH, db_collation="C")

    class Meta:
        managed = False
        db_table = "class_students"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return display_name(self.name, self.email)


class Session(models.Model):
    """One page load of JupyterLab."""

    session_id = models.CharField(max_length=255, db_index=True)
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="sessions", db_index=False)
    class_id = models.BigIntegerField(default=0, db_default=0, help_text="Of the class it came through; 0: no key.")
    start_time = models.DateTimeField(default=timezone.now)
    end_time = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    ip_address = models.CharField(max_length=64, null=True, blank=True)
    user_agent = models.CharField(max_length=512, null=True, blank=True)
    last_event_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "sessions"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["student", "session_id", "class_id"], name="sessions_once_a_class")
        ]
        indexes = [
            # Not by `last_event_at`, which changes with every batch, as `last_activity_at` of students does.
            models.Index(fields=["id"], name="sessions_active", condition=models.Q(is_active=True)),
        ]

    def __str__(self) -> str:
        return self.session_id
