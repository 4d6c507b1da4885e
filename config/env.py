"""Typed readers of the environment. Each fails loudly, naming the variable, what it holds and what it should hold."""

import json
import os
import re
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def _refuse(name: str, value: str, wanted: str) -> NoReturn:
    raise ImproperlyConfigured(f"The environment variable {name} is {value!r}; it must be {wanted}.")


def text(name: str, default: str = "") -> str:
    """The value, stripped; the default where it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def word(name: str, default: str) -> str:
    """Letters, digits, - and _."""
    value = text(name, default)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,50}", value):
        _refuse(name, value, "at most 50 letters, digits, - and _")
    return value


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    _refuse(name, value, "0 or 1")


def flag_or_auto(name: str, default: bool | None) -> bool | None:
    """The same, or None for `auto`."""
    if text(name).lower() == "auto":
        return None
    return flag(name, False) if text(name) else default


def integer(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    value = text(name)
    if not value:
        return default
    wanted = f"a whole number of at least {least}" + (f" and at most {most}" if most is not None else "")
    try:
        number = int(value)
    except ValueError:
        _refuse(name, value, wanted)
    if number < least or (most is not None and number > most):
        _refuse(name, value, wanted)
    return number


def days(name: str, default: int, *, least: int) -> int:
    """How long something is kept: 0 for ever, or at least so many."""
    number = integer(name, default)
    if 0 < number < least:
        _refuse(name, str(number), f"0 or at least {least}")
    return number


def path(name: str, default: Path) -> Path:
    return Path(text(name)).expanduser().resolve() if text(name) else default.resolve()


def names(name: str, default: list[str]) -> list[str]:
    """A JSON list of strings, or a comma list; `*` alone is a list too."""
    value = text(name)
    if not value:
        return default
    if value.startswith("["):
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
        if not isinstance(parsed, list) or not all(isinstance(item, str) for item in parsed):
            _refuse(name, value, "a JSON list of strings or a comma list")
        return [item.strip() for item in parsed if item.strip()]
    return [item.strip() for item in value.split(",") if item.strip()]


def hosts(name: str, default: list[str]) -> list[str]:
    """Names of hosts, as browsers spell them."""
    return [ascii_host(host) for host in names(name, default)]


def ascii_host(host: str) -> str:
    """A name as it stands on the wire: lower case, without its final dot, what is not ASCII in Punycode (RFC 3490)."""
    host = host.strip().lower().removesuffix(".")
    if host.isascii():
        return host
    try:
        return ".".join(label.encode("idna").decode() if label else "" for label in re.split("[.。．｡]", host))
    except UnicodeError:
        return host


def running_services(data_dir: Path) -> dict[str, str]:
    """What `manage.py up` wrote about the servers it runs: DATABASE_URL, REDIS_URL, WEB_URL. Empty when none run."""
    try:
        found: Any = json.loads((data_dir / "services.json").read_text())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def database_url(services: dict[str, str]) -> str:
    """DATABASE_URL, else one built from POSTGRES_*, else the embedded server's; empty when there is none."""
    if text("DATABASE_URL"):
        return text("DATABASE_URL")
    if text("POSTGRES_SERVER"):
        user, password = text("POSTGRES_USER", "postgres"), text("POSTGRES_PASSWORD")
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        place = f"{text('POSTGRES_SERVER')}:{integer('POSTGRES_PORT', 5432)}"
        return f"postgresql://{login}@{place}/{text('POSTGRES_DB', 'app')}"
    return services.get("DATABASE_URL", "")


def redis_url(services: dict[str, str]) -> str:
    """REDIS_URL, else one built from REDIS_HOST and REDIS_PORT, else the embedded server's."""
    if text("REDIS_URL"):
        return text("REDIS_URL")
    if text("REDIS_HOST"):
        return f"redis://{text('REDIS_HOST')}:{integer('REDIS_PORT', 6379)}/0"
    return services.get("REDIS_URL", "")
