"""How times are shown to people: in one format, in the time zone of the server (TIME_ZONE), which `zone_name` names.

`2026-11-28 16:31` on pages, `2026-11-28 16:31:42+09:00` in tables for spreadsheets. In the hour that the clock shows
twice, when clocks are put back, the offset is added on pages too: `2026-10-25 02:30+01:00`.
"""

from datetime import datetime

from django.utils import timezone


def zone_name() -> str:
    """Return the name of the zone of all times for people: `Asia/Tokyo`."""
    return timezone.get_current_timezone_name()


def moment_text(moment: datetime | None, *, seconds: bool = False) -> str:
    """Return `2026-11-28 16:31`; empty for None."""
    return f"{day_text(moment)} {clock_text(moment, seconds=seconds)}" if moment else ""


def day_text(moment: datetime | None) -> str:
    """Return the day of that moment: `2026-11-28`; empty for None."""
    return f"{timezone.localtime(moment).date().isoformat()}" if moment else ""


def clock_text(moment: datetime | None, *, seconds: bool = False) -> str:
    """Return `16:31`, or `16:31:42` with seconds; empty for None."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    time = local.replace(tzinfo=None).time().isoformat(timespec="seconds" if seconds else "minutes")
    return time + (_offset(local) if _is_shown_twice(local) else "")


def span_text(since: datetime, until: datetime) -> str:
    """Return `2026-11-28 10:00–11:30`, with both days if they differ. An end at midnight is 24:00 of the day before."""
    ends_at = clock_text(until)
    last = timezone.localtime(until)
    if ends_at == "00:00" and until > since:
        last, ends_at = timezone.localtime(until - until.resolution), "24:00"
    if day_text(since) == day_text(last):
        return f"{moment_text(since)}–{ends_at}"
    return f"{moment_text(since)} – {day_text(last)} {ends_at}"


def moment_cell(moment: datetime | None) -> str:
    """Return the time for a table: `2026-11-28 16:31:42+09:00`; empty for None."""
    return timezone.localtime(moment).isoformat(sep=" ", timespec="seconds") if moment else ""


def _is_shown_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _offset(local: datetime) -> str:
    return local.isoformat()[-6:]
