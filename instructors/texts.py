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
        "helpArrived": gettext("{name} asks for help"),
        "shown": gettext("{shown} of {all} students shown"),
        "hintSent": gettext("Hint sent."),
        "hintFailed": gettext("The hint could not be sent. Your text is still here: try again."),
        "signedOut": gettext("Signed out. Reload the page to log in again."),
    }
