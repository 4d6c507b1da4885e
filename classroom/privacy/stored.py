"""What is stored about a student through one class: counted for the page, in full for the copy.

It is no more than the student's token gives access to elsewhere: whoever has the key of a class may have claimed the
student there first. What came through other classes, notes of the staff and the audit log are in the copy that an
operator makes (`manage.py export_student`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, QuerySet
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


def parts_of(holder: StudentTokenHolder) -> list[StoredRows]:
    """Return the parts, titles in the language of the request. One query."""
    seen = scope_of(holder).q()
    mine: dict[str, Any] = {"student": holder.student_id}
    in_class: dict[str, Any] = {**mine, "class_ref": holder.class_id}

    def part(name: str, title: str, rows: QuerySet[Any], columns: Sequence[str], moment: str) -> StoredRows:
        return StoredRows(name=name, title=title, rows=rows, columns=columns, moment=moment)

    notices = ProgressNotification.objects.filter(recipient_id=email_key(holder.email), class_id=holder.class_id)
    hints = HintRecipient.objects.filter(**mine, hint__class_ref=holder.class_id)
    enrolment = (
        "name",
        "team__team_name",
        "student_number",
        "reading",
        "class_ref__name",
        "student__email",
        "joined_at",
    )
    return [
        part(
            "enrolment",
            gettext("Entry in the list of the class"),
            StudentClass.objects.filter(**in_class),
            enrolment,
            "joined_at",
        ),
        part("runs", gettext("Runs of cells"), CellExecution.objects.filter(seen, **mine), RUN, "executed_at"),
        part(
            "progress",
            gettext("Progress with cells"),
            CellProgress.objects.filter(seen, **mine),
            PROGRESS,
            "last_run_at",
        ),
        part(
            "notebooks_used",
            gettext("Notebooks opened, saved, closed"),
            NotebookAccess.objects.filter(seen, **mine),
            ("accessed_at", "action", "notebook__path"),
            "accessed_at",
        ),
        part("help", gettext("Requests for help"), HelpRequest.objects.filter(seen, **mine), HELP, "asked_at"),
        part(
            "questions",
            gettext("Whether you were stuck: questions and your answers"),
            StuckQuestion.objects.filter(**in_class),
            QUESTION,
            "asked_at",
        ),
        part(
            "events",
            gettext("Other events of JupyterLab"),
            StudentEvent.objects.filter(seen, **mine),
            EVENT,
            "occurred_at",
        ),
        part(
            "sessions", gettext("Sessions of JupyterLab"), Session.objects.filter(seen, **mine), SESSION, "start_time"
        ),
        part(
            "submissions",
            gettext("Hand-ins, with grade and feedback"),
            submissions_of(holder),
            SUBMISSION,
            "submitted_at",
        ),
        part("hints", gettext("Hints that you were sent"), hints, ("hint__sent_at", "hint__text"), "hint__sent_at"),
        part("notices", gettext("Messages and notices"), notices, NOTICE, "created_at"),
        part(
            "environments",
            gettext("Reports of the environment"),
            EnvironmentSnapshot.objects.filter(**in_class),
            ENVIRONMENT,
            "captured_at",
        ),
        part(
            "connection",
            gettext("State of the connection"),
            ClientHealth.objects.filter(seen, **mine),
            HEALTH,
            "reported_at",
        ),
        part("devices", gettext("Your devices"), StudentToken.objects.filter(**in_class), DEVICE, "created_at"),
        part(
            "erasure_requests",
            gettext("Requests for erasure"),
            ErasureRequest.objects.filter(**in_class),
            ERASURE,
            "asked_at",
        ),
    ]


def counted(holder: StudentTokenHolder) -> list[Counted]:
    """Return how many rows each part has, and from when to when. A query a part."""
    found = []
    for part in parts_of(holder):
        span = part.rows.order_by().aggregate(oldest=Min(part.moment), newest=Max(part.moment))
        found.append(Counted(title=part.title, count=part.rows.order_by().count(), **span))
    return found
