"""Typed readers of environment variables.

Each raises ImproperlyConfigured with the variable, its value and what is allowed.
"""

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
LONGEST_DAYS = 36_525  # a hundred years: far longer times cannot be added to a date
LONGEST_HOURS, LONGEST_MINUTES, LONGEST_SECONDS = (LONGEST_DAYS * each for each in (24, 24 * 60, 24 * 60 * 60))


def _fail(name: str, value: str, expected: str) -> NoReturn:
    raise ImproperlyConfigured(f"The environment variable {name} is {value!r}; it must be {expected}.")


def text(name: str, default: str = "") -> str:
    """Return the stripped value; the default if it is unset or blank. It must be UTF-8."""
    value = os.environ.get(name, "").strip()
    if not value.isprintable() and any("\udc80" <= character <= "\udcff" for character in value):
        _fail(name, value, "text in UTF-8")  # bytes that are none would break the page or file they are written to
    return value or default


def word(name: str, default: str) -> str:
    """Return a value of letters, digits, - and _."""
    value = text(name, default)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,50}", value):
        _fail(name, value, "at most 50 letters, digits, - and _")
    return value


def choice(name: str, default: str, allowed: Collection[str]) -> str:
    """Return one of the allowed values, which may be written in any case."""
    value = text(name, default)
    for found in allowed:
        if found.lower() == value.lower():
            return found
    _fail(name, value, f"one of {', '.join(allowed)}")


def time_zone(name: str, default: str) -> str:
    """Return the name of a time zone of the IANA database."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        _fail(name, value, "a time zone like Asia/Tokyo")
    return value


def folder(name: str) -> str:
    """Return the path of a folder that exists, or an empty text."""
    value = text(name)
    if value and not Path(value).is_dir():
        _fail(name, value, "a folder that exists")
    return value


def http_url(name: str) -> str:
    """Return an address of http or https, or an empty text."""
    value = text(name)
    if value and not re.match(r"(?i)https?://[^/\s]", value):
        _fail(name, value, "an address like http://host:8086")
    return value


def flag(name: str, default: bool) -> bool:
    """Return a boolean: 1, true, yes, on or 0, false, no, off."""
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    _fail(name, value, "0 or 1")


def flag_or_auto(name: str, default: bool | None) -> bool | None:
    """Return a boolean, or None for `auto`."""
    if text(name).lower() == "auto":
        return None
    return flag(name, False) if text(name) else default


def integer(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    value = text(name)
    if not value:
        return default
    expected = f"a whole number of at least {minimum}" + (f" and at most {maximum}" if maximum is not None else "")
    try:
        number = int(value)
    except ValueError:
        _fail(name, value, expected)
    if number < minimum or (maximum is not None and number > maximum):
        _fail(name, value, expected)
    return number


def days(name: str, default: int, *, minimum: int) -> int:
    """Return a retention period in days: 0 for ever, or `minimum` to LONGEST_DAYS."""
    number = integer(name, default)
    if 0 < number < minimum or number > LONGEST_DAYS:
        _fail(name, str(number), f"0 or at least {minimum} and at most {LONGEST_DAYS}")
    return number


def path(name: str, default: Path) -> Path:
    return Path(text(name)).expanduser().resolve() if text(name) else default.resolve()


def names(name: str, default: list[str]) -> list[str]:
    """Return a list from a JSON list of strings or a comma-separated list."""
    value = text(name)
    if not value:
        return default
    if value.startswith("["):
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
        if not isinstance(parsed, list) or not all(isinstance(item, str) for item in parsed):
            _fail(name, value, "a JSON list of strings or a comma list")
        return [item.strip() for item in parsed if item.strip()]
    return [item.strip() for item in value.split(",") if item.strip()]


def hosts(name: str, default: list[str]) -> list[str]:
    """Return host names as browsers write them."""
    found = [ascii_host(host) for host in names(name, default)]
    for host in found:
        if re.search(r"[/\s]|[^]:]:\d+$", host):
            _fail(name, host, "host names alone, like lessons.example.org, without https:// and port")
    return found


def origins(name: str, default: list[str]) -> list[str]:
    """Return origins as browsers write them; a port may be `*`, and `*` alone stands for all."""
    found = names(name, default)
    for origin in found:
        if origin != "*" and not re.fullmatch(r"(?i)https?://[^/\s]+", origin):
            _fail(name, origin, "origins like https://hub.example.org or http://localhost:*, with https:// and no path")
    return found


def ascii_host(host: str) -> str:
    """Return a host name as sent by browsers: lower case, without its final dot, in Punycode (RFC 3490)."""
    host = host.strip().lower().removesuffix(".")
    if host.isascii():
        return host
    try:
        return ".".join(label.encode("idna").decode() if label else "" for label in re.split("[.。．｡]", host))
    except UnicodeError:
        return host


def running_services(data_dir: Path) -> dict[str, str]:
    """Return the URLs of the servers that `manage.py up` runs: DATABASE_URL, REDIS_URL, WEB_URL. Empty if none run."""
    try:
        services: Any = json.loads((data_dir / "services.json").read_text())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in services.items() if isinstance(value, str)}


def database_url(services: dict[str, str]) -> str:
    """Return DATABASE_URL, else one built from POSTGRES_*, else the embedded server's, else an empty text."""
    if text("DATABASE_URL"):
        return text("DATABASE_URL")
    if text("POSTGRES_SERVER"):
        user, password = text("POSTGRES_USER", "postgres"), text("POSTGRES_PASSWORD")
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        port = integer("POSTGRES_PORT", 5432)
        address = ",".join(f"{host}:{port}" for host in names("POSTGRES_SERVER", []))
        return f"postgresql://{login}@{address}/{text('POSTGRES_DB', 'app')}"
    return services.get("DATABASE_URL", "")


def redis_url(services: dict[str, str]) -> str:
    """Return REDIS_URL, else one built from REDIS_HOST, else the embedded server's, else an empty text."""
    if text("REDIS_URL"):
        return text("REDIS_URL")
    if text("REDIS_HOST"):
        return f"redis://{text('REDIS_HOST')}:{integer('REDIS_PORT', 6379)}/0"
    return services.get("REDIS_URL", "")
