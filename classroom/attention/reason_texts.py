"""A concern in the reader's language: one short sentence that says why."""

from django.utils.translation import gettext

from classroom.attention.signals import Alert

SYMBOLS = {
    "help": "help",
    "repeated_error": "significant_error",
    "error_streak": "error",
    "silent": "idle",
    "behind": "active",
}


def reason_of(concern: Alert) -> str:
    return _SENTENCES[concern.code](concern)


def kind_of(concern: Alert) -> str:
    """A word or two for the kind, beside its symbol."""
    return {
        "help": gettext("Asks for help"),
        "repeated_error": gettext("Same error again"),
        "error_streak": gettext("Many errors"),
        "silent": gettext("Gone quiet"),
        "behind": gettext("Far behind"),
    }[concern.code]


def _help(concern: Alert) -> str:
    if concern.minutes < 1:
        return gettext("asked for help just now")
    return gettext("asked for help %(minutes)d min ago") % {"minutes": concern.minutes}


def _repeated(concern: Alert) -> str:
    values = {"error": concern.error or gettext("error"), "count": concern.count, "cell": _cell(concern.cell)}
    if concern.cell is None:
        return gettext("same %(error)s %(count)d times") % values
    return gettext("same %(error)s %(count)d times in cell %(cell)d") % values


def _streak(concern: Alert) -> str:
    values = {"count": concern.count, "cell": _cell(concern.cell), "minutes": concern.minutes}
    if concern.cell is None:
        return gettext("%(count)d errors in a row for %(minutes)d min") % values
    return gettext("%(count)d errors in a row in cell %(cell)d for %(minutes)d min") % values


def _silent(concern: Alert) -> str:
    values = {"minutes": concern.minutes, "cell": _cell(concern.cell), "class_cell": _cell(concern.class_cell)}
    if concern.error:
        text = gettext(
            "%(minutes)d min without a run after a %(error)s in cell %(cell)d, the class is at cell %(class_cell)d"
        )
        return text % {**values, "error": concern.error}
    return gettext("%(minutes)d min without a run at cell %(cell)d, the class is at cell %(class_cell)d") % values


def _behind(concern: Alert) -> str:
    values = {"minutes": concern.minutes, "cell": _cell(concern.cell), "class_cell": _cell(concern.class_cell)}
    return gettext("far behind: cell %(cell)d for %(minutes)d min, the class is at cell %(class_cell)d") % values


def _cell(position: int | None) -> int:
    """Cells are counted from 1, as people do."""
    return (position or 0) + 1


def visits_in_words(worth_it: int, visits: int, *, least: int) -> str:
    """What the kept answers say of the detector; no share of too few."""
    if visits < least:
        return gettext("visits so far: %(visits)d") % {"visits": visits}
    percent = round(100 * worth_it / visits)
    values = {"worth": worth_it, "visits": visits, "percent": percent}
    return gettext("%(worth)d of %(visits)d visits were worth it, %(percent)d %%") % values


_SENTENCES = {
    "help": _help,
    "repeated_error": _repeated,
    "error_streak": _streak,
    "silent": _silent,
    "behind": _behind,
}
