"""PostgreSQL: one server, or several of which one takes writes."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config import env
from config.settings.base import DATA_DIR, SERVICES

# The address may say otherwise. A machine that dies closes no connection: without these a statement under way would
# wait for a quarter of an hour, and a new connection for two minutes.
_TCP = {
    "connect_timeout": "2",  # seconds, of each server; below the timeout of the pool
    "keepalives_idle": "5",  # seconds
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",  # milliseconds without an acknowledgement
}
# Of several servers all but one are replicas, or have been the primary until a moment ago.
_SEVERAL = {"target_session_attrs": "read-write"}


def parts_of(url: str, *, name: str = "DATABASE_URL") -> dict[str, Any]:
    """Return the parts of an address of PostgreSQL, which is in the setting `name`. Raises ImproperlyConfigured,
    without the password in it."""
    try:
        parts = conninfo_to_dict(url)
        ports = str(parts.get("port") or "5432").split(",")
        if all(not port or port.isdigit() for port in ports):
            return parts
    except ProgrammingError:
        pass
    raise ImproperlyConfigured(
        f"{name} is no address of a PostgreSQL server; it must be like postgresql://user:password@host:5432/name. "
        "Signs like @ and / in a password are written as %40 and %2F."
    )


def settings_of(url: str, *, pool: int, is_replica: bool = False) -> dict[str, Any]:
    """Return the entry of DATABASES for an address as libpq reads it: `postgresql://user:password@a:5432,b:5432/name`.
    Raises ImproperlyConfigured.

    `pool`: maximum connections of a process; 0 for a connection a thread. Raises ImproperlyConfigured.
    """
    name = "DATABASE_REPLICA_URL" if is_replica else "DATABASE_URL"
    parts = {key: str(value) for key, value in parts_of(url, name=name).items() if value is not None}
    host = parts.get("host") or parts.get("hostaddr", "")
    if host and not host.startswith("/"):
        parts = {**_TCP, **(_SEVERAL if "," in host and not is_replica else {}), **parts}
    if is_replica:  # whatever the address leads to
        parts.setdefault("options", "-c default_transaction_read_only=on")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "postgres"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **parts,
            # Arrays are sent in binary. Statements are planned for their values (`core.postgres.prepared_statements`).
            "server_side_binding": True,
            # Under ASGI every request has its own thread, and a new connection costs more than the page. With health
            # checks the pool survives a restart of PostgreSQL. 0 = a connection for each thread.
            **({"pool": {"min_size": 1, "max_size": pool, "timeout": 5, "reconnect_timeout": 3}} if pool else {}),
        },
    }


# Without a URL the embedded server's socket is used, so that the error says which server is not running.
_URL = env.database_url(SERVICES) or f"postgresql://postgres@/cellmonitor?host={DATA_DIR / 'postgres'}"
DATABASES = {"default": settings_of(_URL, pool=env.integer("DATABASE_POOL", 10))}
# Reports, exports and history are read from it (`core.replica`). No pool: a report costs more than a connection, and a
# pool would hide for seconds that the machine is gone.
if env.text("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = settings_of(env.text("DATABASE_REPLICA_URL"), pool=0, is_replica=True)
    DATABASE_ROUTERS = ["core.replica.Router"]
# Seconds.
DATABASE_REPLICA_MAX_LAG = env.integer("DATABASE_REPLICA_MAX_LAG", 10, minimum=1, maximum=env.LONGEST_SECONDS)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
