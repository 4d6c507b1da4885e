"""The text of an alert: its reasons in plain sentences, the strongest first."""

from collections.abc import Callable

from django.utils.translation import gettext, ngettext

from classroom.attention.alerts import Alert, Reason
from core.time_formats import clock_text

SYMBOLS = {
    "help": "help",
    "repeated_error": "significant_error",
    "error_streak": "error",
    "silent": "idle",
    "behind": "active",
    "no_progress": "active",
    "same_code": "error",
    "wandering": "active",
    "other_output": "active",
    "restarts": "error",
}


def kind_of(alert: Alert) -> str:
    """Return the label of the kind, shown beside its symbol."""
    return {
        "help": gettext("Asks for help"),
        "repeated_error": gettext("Same error again"),
        "error_streak": gettext("Many errors"),
        "silent": gettext("Gone quiet"),
        "behind": gettext("Far behind"),
        "no_progress": gettext("Not getting on"),
        "same_code": gettext("Same code again"),
        "wandering": gettext("Going to and fro"),
        "other_output": gettext("Other output"),
        "restarts": gettext("Starting over"),
    }[alert.code]


def reason_of(alert: Alert) -> str:
    """Return the reasons as one line. Alerts recorded before there were several reasons have the sentence of their
    code."""
    if not alert.reasons:
        return _OLD[alert.code](alert) if alert.code in _OLD else kind_of(alert)
    told = [_SENTENCES[reason.term](alert, reason) for reason in alert.reasons if reason.term in _SENTENCES]
    if alert.said_fine_at:
        told.append(gettext("said they are fine at %(time)s") % {"time": clock_text(alert.said_fine_at)})
    return " · ".join(told)


# --- One sentence for each term of `probability.terms_of`, and for former terms, which recorded cases still have ------


def _tries(alert: Alert, reason: Reason) -> str:
    text = ngettext(
        "%(count)d run without a new cell that works", "%(count)d runs without a new cell that works", reason.count
    )
    return text % {"count": reason.count}


def _same_code(alert: Alert, reason: Reason) -> str:
    if reason.count == 1:
        return gettext("runs the same code again unchanged")
    return gettext("runs the same code again unchanged, %(count)d times") % {"count": reason.count}


def _same_error(alert: Alert, reason: Reason) -> str:
    values = {"error": alert.error or gettext("error"), "count": reason.count, "cell": _cell(alert.cell)}
    if alert.cell is None:
        return gettext("same %(error)s %(count)d times") % values
    return gettext("same %(error)s %(count)d times in cell %(cell)d") % values


def _open_cells(alert: Alert, reason: Reason) -> str:
    text = ngettext("%(count)d cell fails", "%(count)d cells fail", reason.count)
    return text % {"count": reason.count}


def _failing_cell(alert: Alert, reason: Reason) -> str:
    text = ngettext(
        "%(count)d failure at a cell that works for classmates",
        "%(count)d failures at a cell that works for classmates",
        reason.count,
    )
    return text % {"count": reason.count}


def _at_cell(alert: Alert, reason: Reason) -> str:
    text = ngettext(
        "still at the same cell while each of the class made %(count)d run",
        "still at the same cell while each of the class made %(count)d runs",
        reason.count,
    )
    return text % {"count": reason.count}


def _going_back(alert: Alert, reason: Reason) -> str:
    if reason.count == 1:
        return gettext("went back to an earlier cell")
    return gettext("went back to earlier cells %(count)d times") % {"count": reason.count}


def _hard_cell(alert: Alert, reason: Reason) -> str:
    text = ngettext(
        "%(count)d cell fewer works than for most of the class",
        "%(count)d cells fewer work than for most of the class",
        reason.count,
    )
    return text % {"count": reason.count}


def _silent_after_error(alert: Alert, reason: Reason) -> str:
    values = {"minutes": reason.minutes, "error": alert.error or gettext("error")}
    return gettext("%(minutes)d min without a run after a %(error)s, while the class goes on") % values


def _wandering(alert: Alert, reason: Reason) -> str:
    text = ngettext(
        "runs in %(count)d cell while the class gets on",
        "runs in %(count)d different cells while the class gets on",
        reason.count,
    )
    return text % {"count": reason.count}


def _reruns(alert: Alert, reason: Reason) -> str:
    text = ngettext(
        "%(count)d run of a cell that worked before",
        "%(count)d runs of cells that worked before",
        reason.count,
    )
    return text % {"count": reason.count}


def _other_output(alert: Alert, reason: Reason) -> str:
    if reason.count == 1 and alert.cell is not None:
        return gettext("an output that differs from the class's")
    return gettext("outputs that differ from the class's in %(count)d cells") % {"count": reason.count}


def _restarts(alert: Alert, reason: Reason) -> str:
    return gettext("started over, or runs were stopped")


_SENTENCES: dict[str, Callable[[Alert, Reason], str]] = {
    "tries": _tries,
    "same_code": _same_code,
    "same_error": _same_error,
    "failing_cell": _failing_cell,
    "at_cell": _at_cell,
    "silent_after_error": _silent_after_error,
    "going_back": _going_back,
    "reruns": _reruns,
    "other_output": _other_output,
    "restarts": _restarts,
    # Terms of before.
    "open_cells": _open_cells,
    "hard_cell": _hard_cell,
    "wandering": _wandering,
}


# --- Requests for help, and cases that were recorded before there were several reasons --------------------------------


def _help(alert: Alert) -> str:
    if alert.minutes < 1:
        return gettext("asked for help just now")
    return gettext("asked for help %(minutes)d min ago") % {"minutes": alert.minutes}


def _repeated(alert: Alert) -> str:
    return _same_error(alert, Reason("same_error", count=alert.count))


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


_OLD: dict[str, Callable[[Alert], str]] = {
    "help": _help,
    "repeated_error": _repeated,
    "error_streak": _consecutive,
    "silent": _silent,
    "behind": _behind,
}


def _cell(position: int | None) -> int:
    """Return the cell number, from 1."""
    return (position or 0) + 1


def asked_in_words(requests: int, missed: int) -> str:
    """Return what the list missed: how many asked for help whom it had not shown before."""
    values = {"requests": requests, "missed": missed}
    return gettext("Asked for help: %(requests)d, not listed before: %(missed)d") % values


def visits_in_words(worth_it: int, visits: int, *, minimum: int) -> str:
    """Return the detector's precision as a text; only the number of visits if there are fewer than `minimum`."""
    if visits < minimum:
        return gettext("visits so far: %(visits)d") % {"visits": visits}
    percent = round(100 * worth_it / visits)
    values = {"worth": worth_it, "visits": visits, "percent": percent}
    return gettext("%(worth)d of %(visits)d visits were worth it, %(percent)d %%") % values
