"""The event pipeline, time series, submissions and retention."""

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.settings.base import DEBUG, WORKERS_MAX

# --- Event pipeline ---------------------------------------------------------------------------------------------------

EVENTS_REQUIRE_KEY = env.flag("EVENTS_REQUIRE_KEY", not DEBUG)
# One student's events stay in order because they share a shard, and a shard has at most one drain at a time.
EVENT_SHARDS = env.integer("EVENT_SHARDS", WORKERS_MAX, minimum=1, maximum=64)
EVENT_BATCH_LIMIT = env.integer("EVENT_BATCH_LIMIT", 100, minimum=1)  # records in one POST
EVENT_BODY_LIMIT = env.integer("EVENT_BODY_LIMIT", 10 * 1024 * 1024, minimum=1024)  # bytes of any body, decompressed
# Stream entries (one for each POST, shard and priority) that may wait before the POST answers 503.
EVENT_BACKLOG_LIMIT = env.integer("EVENT_BACKLOG_LIMIT", 200_000, minimum=1)
# Memory of Redis, in bytes, above which the POST answers 503.
EVENT_BACKLOG_BYTES = env.integer("EVENT_BACKLOG_BYTES", 1024**3, minimum=1024**2)
# Replicas of Redis that must have an event before its POST is answered 202 (docs/deploy.md says what that covers).
EVENT_REPLICAS = env.integer("EVENT_REPLICAS", 0, maximum=5)
# Events a second that a web process accepts from a class while others wait (events/intake/rate_limit.py); 0 = no limit.
EVENT_KEY_RATE = env.integer("EVENT_KEY_RATE", 1000)
# Seconds without a signal after which a help request ends: if the sender has never re-sent it, and if it has.
HELP_SILENCE = env.integer("HELP_SILENCE", 300, minimum=1, maximum=env.LONGEST_SECONDS)
HELP_RESENT_SILENCE = env.integer("HELP_RESENT_SILENCE", 45, minimum=1, maximum=env.LONGEST_SECONDS)
SESSION_IDLE_HOURS = env.integer("SESSION_IDLE_HOURS", 12, minimum=1, maximum=env.LONGEST_HOURS)

# --- InfluxDB; without it, PostgreSQL answers the same queries --------------------------------------------------------

INFLUXDB_URL = env.http_url("INFLUXDB_URL")
INFLUXDB_TOKEN = env.text("INFLUXDB_TOKEN")
if INFLUXDB_URL and not INFLUXDB_TOKEN:
    raise ImproperlyConfigured("INFLUXDB_URL is set and INFLUXDB_TOKEN is not: set both, or neither.")
INFLUXDB_ORG = env.text("INFLUXDB_ORG", "cellmonitor")
INFLUXDB_BUCKET = env.text("INFLUXDB_BUCKET", "cellmonitor")
INFLUXDB_RETENTION_DAYS = env.integer("INFLUXDB_RETENTION_DAYS", 90, minimum=1, maximum=env.LONGEST_DAYS)
# Pages query InfluxDB for spans of at least this many days; PostgreSQL is cheaper for shorter ones. 0 = never.
INFLUXDB_ASK_DAYS = env.integer("INFLUXDB_ASK_DAYS", 7, minimum=0, maximum=env.LONGEST_DAYS)
# Points that may wait in Redis while InfluxDB is away, and their bytes. A point is about 700 bytes.
INFLUXDB_WAITING_LIMIT = env.integer("INFLUXDB_WAITING_LIMIT", 500_000, minimum=1)
INFLUXDB_WAITING_BYTES = env.integer("INFLUXDB_WAITING_BYTES", 256 * 1024 * 1024, minimum=1)

# --- Submissions ------------------------------------------------------------------------------------------------------

# Bytes of one submitted notebook as compact JSON; EVENT_BODY_LIMIT limits the body around it.
SUBMISSION_BYTES_LIMIT = env.integer("SUBMISSION_BYTES_LIMIT", 5 * 1024 * 1024, minimum=1024)

# --- Retention: days after which `manage.py prune` deletes rows; 0 = never --------------------------------------------

# A laptop that was off may send an event again after weeks; its id must still be known.
RETENTION_DAYS = {
    "executions": env.days("RETENTION_EXECUTIONS_DAYS", 0, minimum=30),
    "events": env.days("RETENTION_EVENTS_DAYS", 0, minimum=30),
    "accesses": env.days("RETENTION_ACCESSES_DAYS", 0, minimum=30),
    "environments": env.days("RETENTION_ENVIRONMENTS_DAYS", 0, minimum=1),
    "sessions": env.days("RETENTION_SESSIONS_DAYS", 0, minimum=1),
    "offline": env.days("RETENTION_OFFLINE_DAYS", 7, minimum=1),
    "audit": env.days("RETENTION_AUDIT_DAYS", 0, minimum=365),
}
