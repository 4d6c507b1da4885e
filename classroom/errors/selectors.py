"""Hints that were sent, how many students they helped, and suggestions for new ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from classroom.base.classrooms import Classroom
from classroom.errors.models import Hint
from events.models import CellExecution
from instructors.models import Instructor
from lms.models.people import WITHOUT_KEY

MAX_HINTS = 100
MAX_SUGGESTIONS = 3


@dataclass(frozen=True, kw_only=True)
class SentHint:
    text: str
    sent_by: str
    sent_at: datetime
    recipients: int
    helped: int  # students who have run the cell without an error since
    cell_id: int
    digest: str
    is_of_room: bool  # sent in this classroom; others are the user's own from other classes

    def is_about(self, cell_id: int, digest: str) -> bool:
        return (self.cell_id, self.digest) == (cell_id, digest)


def hints_about(classroom: Classroom, mistakes: Sequence[tuple[int, str]], *, viewer: Instructor) -> list[SentHint]:
    """Return hints about these cells or mistakes, given as (cell id, digest of the fingerprint), newest first: those of
    this classroom, and the viewer's own of any class. One query, none without mistakes."""
    if not mistakes:
        return []
    of_room = Q(class_ref=classroom.class_ref) if classroom.class_ref else Q(class_ref__isnull=True)
    about = Q(cell__in={cell for cell, _ in mistakes}) | Q(fingerprint__in={digest for _, digest in mistakes})
    newest = Hint.objects.filter(of_room | Q(sent_by=viewer), about).order_by("-sent_at", "-pk")
    through = Q(class_id=Coalesce(OuterRef("class_ref"), F("class_id")))  # a hint to all students has no class
    if not settings.EVENTS_REQUIRE_KEY:
        through |= Q(class_id=WITHOUT_KEY)
    since = CellExecution.objects.filter(
        through,
        student=OuterRef("sent_to__student"),
        cell=OuterRef("cell"),
        status="success",
        executed_at__gt=OuterRef("sent_at"),
    )
    hints = (
        Hint.objects.filter(pk__in=newest.values("pk")[:MAX_HINTS])
        .annotate(recipient_count=Count("sent_to"), helped=Count("sent_to", filter=Q(Exists(since))))
        .select_related("sent_by")
        .order_by("-sent_at", "-pk")
    )
    class_id = classroom.class_id
    return [
        SentHint(
            text=hint.text,
            sent_by=hint.sent_by.name if hint.sent_by else "",
            sent_at=hint.sent_at,
            recipients=hint.recipient_count,
            helped=hint.helped,
            cell_id=hint.cell_id,
            digest=hint.fingerprint,
            is_of_room=hint.class_ref_id == class_id,
        )
        for hint in hints
    ]


def suggestions(hints: Sequence[SentHint], *, cell_id: int, digest: str) -> list[str]:
    """Return texts of earlier hints: about this mistake at this cell, then about this mistake at other cells, then
    about this cell; each group sorted by the share of students it helped."""

    def fit(hint: SentHint) -> tuple[bool, bool, float]:
        share = hint.helped / hint.recipients if hint.recipients else 0
        return not hint.is_about(cell_id, digest), hint.digest != digest, -share

    near = [hint for hint in hints if hint.cell_id == cell_id or hint.digest == digest]
    return list(dict.fromkeys(hint.text for hint in sorted(near, key=fit)))[:MAX_SUGGESTIONS]
