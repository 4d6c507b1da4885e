"""The text of an alert: one short sentence with the reason."""

from django.utils.translation import gettext

from classroom.attention.signals import Alert

SYMBOLS = {
    "help": "help",
    "repeated_error": "significant_error",
    "error_streak": "error",
    "silent": "idle",
    "behind": "active",
}


def reason_of(alert: Alert) -> str:
    return _SENTENCES[alert.code](alert)


def kind_of(alert: Alert) -> str:
    """Return the label of the kind, shown beside its symbol."""
    return {
        "help": gettext("Asks for help"),
        "repeated_error": gettext("Same error again"),
        "error_streak": gettext("Many errors"),
        "silent": gettext("Gone quiet"),
        "behind": gettext("Far behind"),
    }[alert.code]


def _help(alert: Alert) -> str:
    if alert.minutes < 1:
        return gettext("asked for help just now")
    return gettext("asked for help %(minutes)d min ago") % {"minutes": alert.minutes}


def _repeated(alert: Alert) -> str:
    values = {"error": alert.error or gettext("error"), "count": alert.count, "cell": _cell(alert.cell)}
    if alert.cell is None:
        return gettext("same %(error)s %(count)d times") % values
    return gettext("same %(error)s %(count)d times in cell %(cell)d") % values


def _consecutive(alert: Alert) -> str:
    values = {"count": alert.count, "cell": _cell(alert.cell), "minutes": alert.minutes}
    if alert.cell is None:
        return gettext("%(count)d errors in a row for %(minutes)d min") % values
    return gettext("%(count)d errors in a row in cell %(cell)d for %(minutes)d min") % values


def _silent(alert: Alert) -> str:
    values = {"minutes": alert.minutes, "cell": _cell(alert.cell), "class_cell": _cell(alert.class_cell)}
    if alert.error:
        text = gettext(
            "%(minutes)d min without a run after a %(error)s in cell %(cell)d, the class is at cell %(class_cell)d"
        )
        return text % {**values, "error": alert.error}
    return gettext("%(minutes)d min without a run at cell %(cell)d, the class is at cell %(class_cell)d") % values


def _behind(alert: Alert) -> str:
    values = {"minutes": alert.minutes, "cell": _cell(alert.cell), "class_cell": _cell(alert.class_cell)}
    return gettext("far behind: cell %(cell)d for %(minutes)d min, the class is at cell %(class_cell)d") % values


def _cell(position: int | None) -> int:
    """Return the cell number, from 1."""
    return (position or 0) + 1


def visits_in_words(worth_it: int, visits: int, *, minimum: int) -> str:
    """Return the detector's precision as a text; only the number of visits if there are fewer than `minimum`."""
    if visits < minimum:
        return gettext("visits so far: %(visits)d") % {"visits": visits}
    percent = round(100 * worth_it / visits)
    values = {"worth": worth_it, "visits": visits, "percent": percent}
    return gettext("%(worth)d of %(visits)d visits were worth it, %(percent)d %%") % values


_SENTENCES = {
    "help": _help,
    "repeated_error": _repeated,
    "error_streak": _consecutive,
    "silent": _silent,
    "behind": _behind,
}
