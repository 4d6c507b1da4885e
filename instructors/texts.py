"""The words that scripts put on a live page, handed to them as JSON, so that every text has one catalogue."""

from django.utils.translation import gettext

from events.standing import NO_NOTEBOOK, NO_TEAM
from instructors.queries.cards import RANKS, STATUS_WORDS


def live_texts() -> dict[str, object]:
    return {
        "statuses": {status: str(word) for status, word in STATUS_WORDS.items()},
        "ranks": RANKS,
        # What the wire says for "none", and what the reader should see.
        "wireNoTeam": NO_TEAM,
        "wireNoNotebook": NO_NOTEBOOK,
        "noTeam": gettext("No team"),
        "noNotebook": gettext("No notebook"),
        "never": gettext("never"),
        "live": gettext("Live"),
        "connecting": gettext("Connecting…"),
        "reconnecting": gettext("Reconnecting…"),
        "age": gettext("Data is {age} old"),
        "onTheWay": gettext("{name} is on the way"),
        "notSent": gettext("That did not arrive. Check the connection and press again."),
        "notificationsBlocked": gettext("This browser blocks notifications for this site; allow them in its settings."),
        "helpArrived": gettext("{name} asks for help"),
        "shown": gettext("{shown} of {all} students shown"),
        "signedOut": gettext("Signed out. Reload the page to log in again."),
    }
