"""PostgreSQL."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config import env
from config.settings.base import DATA_DIR, SERVICES


def parts_of(url: str) -> dict[str, Any]:
    """Return the parts of an address of PostgreSQL. Raises ImproperlyConfigured, without the password in it."""
    try:
        parts = conninfo_to_dict(url)
        ports = str(parts.get("port") or "5432").split(",")
        if all(port.isdigit() for port in ports):
            return parts
    except ProgrammingError:
        pass
    raise ImproperlyConfigured(
        "DATABASE_URL is no address of a PostgreSQL server; it must be like postgresql://user:password@host:5432/name. "
        "Signs like @ and / in a password are written as %40 and %2F."
    )


def _database() -> dict[str, Any]:
    # Without a URL the embedded server's socket is used, so that the error says which server is not running.
    url = env.database_url(SERVICES) or f"postgresql://postgres@/cellmonitor?host={DATA_DIR / 'postgres'}"
    parts = parts_of(url)
    size = env.integer("DATABASE_POOL", 10)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "postgres"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **{key: value for key, value in parts.items() if value is not None},
            # Arrays are sent in binary, and statements are planned once: the event pipeline repeats a few dozen.
            "server_side_binding": True,
            "prepare_threshold": 5,
            # Under ASGI every request has its own thread, and a new connection costs more than the page. With health
            # checks the pool survives a restart of PostgreSQL. 0 = a connection for each thread.
            **({"pool": {"min_size": 1, "max_size": size, "timeout": 5, "reconnect_timeout": 3}} if size else {}),
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
