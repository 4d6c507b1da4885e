"""Student cards: a row of `events.student_status`, translated for the pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext, gettext_lazy

from classroom.base.display import PLAIN, Display
from classroom.base.namesakes import NamedStudent
from events.student_status import NO_NOTEBOOK, NO_TEAM
from realtime.rows import Status, StudentRow

STATUS_WORDS = {
    "help": gettext_lazy("Asking for help"),
    "significant_error": gettext_lazy("Repeated errors"),
    "error": gettext_lazy("Error"),
    "active": gettext_lazy("Active"),
    "idle": gettext_lazy("Idle"),
}
# The order of the cards by urgency; within a rank, by reading and name.
RANKS: dict[Status, int] = {"help": 0, "significant_error": 1, "error": 2, "active": 3, "idle": 4}
NOBODY: Mapping[int, NamedStudent] = {}


@dataclass(frozen=True, kw_only=True)
class Card:
    student_id: int
    email: str
    name: str
    shown_email: str
    team: str
    notebook: str
    notebook_path: str
    status: Status
    status_word: str
    runs: int
    errors: int
    consecutive: int
    is_significant: bool
    last_activity: datetime | None
    help_since: datetime | None
    reading_key: str = ""  # by which cards of one status are sorted, "" for none; on a projector by number
    has_team: bool = True

    @property
    def is_asking(self) -> bool:
        return self.status == "help"


def card(row: StudentRow, display: Display = PLAIN, people: Mapping[int, NamedStudent] = NOBODY) -> Card:
    person = None if display.projector else people.get(row["studentId"])
    path = "" if row["currentNotebook"] == NO_NOTEBOOK else row["currentNotebook"]
    return Card(
        student_id=row["studentId"],
        email=row["emailAddress"],
        name=display.name(row["studentId"], row["userName"]),
        shown_email=display.email(row["emailAddress"]),
        team=gettext("No team") if row["teamName"] == NO_TEAM else row["teamName"],
        notebook=path.rpartition("/")[2] or gettext("No notebook"),
        notebook_path=path,
        status=row["status"],
        status_word=str(STATUS_WORDS[row["status"]]),
        runs=row["cellExecutions"],
        errors=row["errorCount"],
        consecutive=row["consecutiveErrorCount"],
        is_significant=row["hasSignificantError"],
        last_activity=_moment(row["lastActivityAt"]),
        help_since=_moment(row["helpRequestedAt"]),
        reading_key=f"{row['studentId']:010}" if display.projector else person.reading_key if person else "",
        has_team=row["teamName"] != NO_TEAM,
    )


def cards(
    rows: Iterable[StudentRow], display: Display = PLAIN, people: Mapping[int, NamedStudent] = NOBODY
) -> list[Card]:
    """Return the cards by urgency, then by reading, those without one last and by name."""
    return sorted((card(row, display, people) for row in rows), key=place_of)


def place_of(card: Card) -> tuple[int, bool, str, int]:
    name = card.reading_key or card.name.lower()
    return RANKS[card.status], not card.reading_key, name, card.student_id


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
