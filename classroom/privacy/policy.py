"""What the public privacy page says: facts from the operator's settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How long one kind of data is kept. `days` is None where there is no limit."""

    what: str
    days: int | None


@dataclass(frozen=True, kw_only=True)
class Policy:
    contact: str  # an address, a link or a sentence of the operator's; "" if the setting is empty
    consent: str  # the operator's own text; "" for the product's
    kept: Sequence[Kept]

    @property
    def contact_link(self) -> str:
        """Return where the contact leads, "" if it is neither an address nor a link."""
        if self.contact.startswith(("https://", "http://")):
            return self.contact
        is_address = "@" in self.contact and not any(character.isspace() for character in self.contact)
        return f"mailto:{self.contact}" if is_address else ""


def policy() -> Policy:
    """Return the facts, in the language of the request. No query."""
    keep = settings.RETENTION_DAYS
    found = [
        (gettext("Runs of cells: code, output, error, time"), keep["executions"]),
        (
            gettext(
                "Requests for help, questions about whether you are stuck, starts and ends, state of the connection"
            ),
            keep["events"],
        ),
        (gettext("Which notebooks were opened, saved and closed"), keep["accesses"]),
        (gettext("Reports of the environment: versions of Python and packages"), keep["environments"]),
        (gettext("Network address and program of a session"), keep["sessions"]),
        (gettext("Which members of staff looked at or changed something"), keep["audit"]),
    ]
    if settings.INFLUXDB_URL:
        found.append((gettext("Figures for charts"), settings.INFLUXDB_RETENTION_DAYS))
    found.append((gettext("Hand-ins, grades, feedback, hints, and the list of the class"), 0))
    return Policy(
        contact=settings.PRIVACY_CONTACT,
        consent=settings.CONSENT_TEXT,
        kept=[Kept(what=what, days=days or None) for what, days in found],
    )
