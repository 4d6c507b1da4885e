"""What is stored about a student through one class: counted for the page, in full for the copy.

It is no more than the student's token gives access to elsewhere, because anybody with the key of a class may have
claimed the student there first. What came through other classes, notes of the staff and the audit log are in the copy
that an operator makes (`manage.py export_student`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, Model, QuerySet
from django.utils.translation import gettext

from classroom.errors.models import HintRecipient
from classroom.privacy.models import ErasureRequest
from classroom.questions.models import StuckQuestion
from core.identity import email_key
from events.models import CellExecution, CellProgress, ClientHealth, HelpRequest, NotebookAccess, StudentEvent
from lms.access import scope_of, submissions_of
from lms.credential_holders import StudentTokenHolder
from lms.models import EnvironmentSnapshot, ProgressNotification, Session, StudentClass, StudentToken

RUN = (
    *("executed_at", "started_at", "status", "cell_type", "cell_index", "execution_count", "duration", "queued_ms"),
    *("code_content", "output", "error_message", "traceback", "consecutive_error_count", "is_significant_error"),
    *("is_verified", "notebook__path", "cell__cell_id", "session__session_id"),
)
SESSION = ("session_id", "start_time", "end_time", "is_active", "ip_address", "user_agent")
EVENT = ("occurred_at", "received_at", "event_type", "session_id", "notebook_path", "cell_id", "data")
HELP = ("asked_at", "last_asked_at", "session_id", "notebook_path", "cell_id", "claimed_at", "ended_at", "ending")
PROGRESS = (
    *("notebook__path", "cell__cell_id", "run_count", "error_count", "last_status", "last_run_at", "last_error_at"),
    *("consecutive_error_count", "is_significant_error"),
)
SUBMISSION = (
    *("id", "assignment__title", "submitted_at", "status", "grade", "feedback", "submission_comment"),
    "content_sha256",
)
ENVIRONMENT = ("captured_at", "python_env", "system_env", "jupyter_env", "packages", "notebook_path")
DEVICE = ("device", "client", "created_at", "confirmed_at", "last_used_at", "revoked_at")
NOTICE = ("created_at", "title", "message", "level", "is_read", "notebook_path")
HEALTH = ("version", "waiting", "dropped", "clock_offset_ms", "reported_at")
QUESTION = ("asked_at", "probability", "answered_at", "answer")
ACCESS = ("accessed_at", "action", "notebook__path")
HINT = ("hint__sent_at", "hint__text")
ENROLMENT = (
    *("name", "team__team_name", "student_number", "reading", "class_ref__name", "student__email"),
    "joined_at",
)
ERASURE = ("asked_at", "text", "withdrawn_at", "answered_at", "answer")


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """Rows of one kind; `moment` is the column with their time."""

    name: str  # of the file in the copy
    title: str
    rows: QuerySet[Any]
    columns: Sequence[str]
    moment: str


@dataclass(frozen=True, kw_only=True)
class Counted:
    title: str
    count: int
    oldest: datetime | None
    newest: datetime | None


def stored_rows(holder: StudentTokenHolder) -> list[StoredRows]:
    """Return all kinds of rows, with titles in the language of the request. One query; the rows are not read yet."""
    seen = scope_of(holder).q()
    mine: dict[str, Any] = {"student": holder.student_id}
    in_class: dict[str, Any] = {**mine, "class_ref": holder.class_id}
    hints = HintRecipient.objects.filter(**mine, hint__class_ref=holder.class_id)
    notices = ProgressNotification.objects.filter(recipient_id=email_key(holder.email), class_id=holder.class_id)

    def sent(model: type[Model]) -> QuerySet[Any]:
        return model._default_manager.filter(seen, **mine)

    def of_class(model: type[Model]) -> QuerySet[Any]:
        return model._default_manager.filter(**in_class)

    # fmt: off
    kinds: list[tuple[str, str, QuerySet[Any], Sequence[str], str]] = [
        ("enrolment", gettext("Entry in the list of the class"), of_class(StudentClass), ENROLMENT, "joined_at"),
        ("runs", gettext("Runs of cells"), sent(CellExecution), RUN, "executed_at"),
        ("progress", gettext("Progress with cells"), sent(CellProgress), PROGRESS, "last_run_at"),
        ("notebooks_used", gettext("Notebooks opened, saved, closed"), sent(NotebookAccess), ACCESS, "accessed_at"),
        ("help", gettext("Requests for help"), sent(HelpRequest), HELP, "asked_at"),
        ("questions", gettext("Whether you were stuck: questions and your answers"), of_class(StuckQuestion), QUESTION,
         "asked_at"),
        ("events", gettext("Other events of JupyterLab"), sent(StudentEvent), EVENT, "occurred_at"),
        ("sessions", gettext("Sessions of JupyterLab"), sent(Session), SESSION, "start_time"),
        ("submissions", gettext("Hand-ins, with grade and feedback"), submissions_of(holder), SUBMISSION,
         "submitted_at"),
        ("hints", gettext("Hints that you were sent"), hints, HINT, "hint__sent_at"),
        ("notices", gettext("Messages and notices"), notices, NOTICE, "created_at"),
        ("environments", gettext("Reports of the environment"), of_class(EnvironmentSnapshot), ENVIRONMENT,
         "captured_at"),
        ("connection", gettext("State of the connection"), sent(ClientHealth), HEALTH, "reported_at"),
        ("devices", gettext("Your devices"), of_class(StudentToken), DEVICE, "created_at"),
        ("erasure_requests", gettext("Requests for erasure"), of_class(ErasureRequest), ERASURE, "asked_at"),
    ]
    # fmt: on
    return [
        StoredRows(name=name, title=title, rows=rows, columns=columns, moment=moment)
        for name, title, rows, columns, moment in kinds
    ]


def counted(holder: StudentTokenHolder) -> list[Counted]:
    """Return how many rows each part has, and from when to when. A query a part."""
    found = []
    for part in stored_rows(holder):
        span = part.rows.order_by().aggregate(oldest=Min(part.moment), newest=Max(part.moment))
        found.append(Counted(title=part.title, count=part.rows.order_by().count(), **span))
    return found
