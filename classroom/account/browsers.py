"""The name of a browser, from its User-Agent header."""

from django.utils.translation import gettext

# In this order: most claim to be Safari and Chrome too.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_of(program: str) -> str:
    """Return a short name like `Firefox, Windows`, else the first word of the text."""
    found = [next((name for mark, name in names if mark in program), "") for names in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found)) or program.partition("/")[0][:40] or gettext("Unknown browser")
