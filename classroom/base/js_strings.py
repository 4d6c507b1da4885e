"""Translated strings for the scripts of the pages, passed to them as JSON."""

from django.utils.translation import gettext

from classroom.base.student_cards import RANKS, STATUS_WORDS
from events.student_status import NO_NOTEBOOK, NO_TEAM


def live_texts() -> dict[str, object]:
    return {
        "statuses": {status: str(word) for status, word in STATUS_WORDS.items()},
        "ranks": RANKS,
        # The values for "none" in messages, and their labels.
        "wireNoTeam": NO_TEAM,
        "wireNoNotebook": NO_NOTEBOOK,
        "noTeam": gettext("No team"),
        "noNotebook": gettext("No notebook"),
        "never": gettext("never"),
        **freshness_texts(),
        **failing_texts(),
        "onTheWay": gettext("{name} is on the way"),
        "notSent": gettext("That did not arrive. Check the connection and press again."),
        "notificationsBlocked": gettext("This browser blocks notifications for this site; allow them in its settings."),
        "helpArrived": gettext("{name} asks for help"),
        "hintSent": gettext("Hint sent."),
        "hintFailed": gettext("The hint could not be sent. Your text is still here: try again."),
        "shown": gettext("{shown} of {all} students shown"),
    }


def failing_texts() -> dict[str, str]:
    """Return the sentences about the students with errors; `listed` are those whom the attention list knows."""
    return {
        "failingNone": gettext("Students with errors: {count}; none of them long enough to need you."),
        "failingSome": gettext(
            "Students with errors: {count}; {listed} listed here or put off, {rest} not long enough to need you."
        ),
        "failingAll": gettext("Students with errors: {count}; all listed here or put off."),
    }


def freshness_texts() -> dict[str, str]:
    """Return the texts about the age of the data and the state of the connection."""
    return {
        "live": gettext("Live"),
        "connecting": gettext("Connecting…"),
        "reconnecting": gettext("Reconnecting…"),
        "age": gettext("Data is {age} old"),
        "lineLost": gettext("The connection is lost. What you see may be out of date."),
        "lineBack": gettext("The connection is back."),
        "signedOut": gettext("Signed out. Reload the page to log in again."),
    }


def setup_texts() -> dict[str, str]:
    """Return the texts of `static/js/setup/setup.js`."""
    return {
        "copied": gettext("Copied"),
        "selected": gettext("Selected: copy it with Ctrl+C or ⌘C"),
        "away": gettext("The server does not answer. This shows what it said last."),
    }


def team_texts() -> dict[str, object]:
    return {
        "empty": gettext("Nobody here yet"),
        "moved": gettext("{team}: {x} percent from the left, {y} percent from the top"),
        "takenOff": gettext("{team} is off the map"),
        "notSaved": gettext("{team} could not be moved, so it is back where it was. Try again."),
    }


def seat_texts() -> dict[str, object]:
    """Return the texts of `static/js/seating/seats.js` and `plan.js`."""
    return {
        "seatSaid": gettext("Seat {seat}: {name}, {status}"),
        "moved": gettext("Seat {seat}: {x} percent from the left, {y} percent from the top"),
        "placed": gettext("{name} sits on seat {seat} now"),
        "seatFreed": gettext("{name} has no seat now"),
        "notSaved": gettext("That could not be saved, so it is back as it was. Try again."),
    }


def activity_texts() -> dict[str, object]:
    return {"outdated": gettext("The newest figures could not be loaded. These are from {time}.")}
