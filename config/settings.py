"""The one settings file. Everything that differs between machines comes from the environment, through `config.env`.

With no environment at all it is a development copy on loopback; with DEBUG=0 it is a server that refuses to start
half-configured.
"""

import hashlib
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.path("DATA_DIR", BASE_DIR / ".local")
SERVICES = env.running_services(DATA_DIR)

# --- Mode -------------------------------------------------------------------------------------------------------

DEBUG = env.flag("DEBUG", True)
# None: as soon as there is an account (core/login_requirement.py).
API_REQUIRE_AUTH = env.flag_or_auto("API_REQUIRE_AUTH", None if DEBUG else True)
EVENTS_REQUIRE_KEY = env.flag("EVENTS_REQUIRE_KEY", not DEBUG)
RATE_LIMITS = env.flag("RATE_LIMITS", True)

PORT = env.integer("PORT", 8000, least=1, most=65535)
WORKERS = env.integer("WORKERS", 2, least=1, most=64)
# While events wait, the supervisor starts more workers, up to so many.
WORKERS_MAX = env.integer("WORKERS_MAX", WORKERS, least=WORKERS, most=64)
# Seconds after which a worker that holds work and does not move, or gives no sign of life, is replaced.
WORKER_STALLED = env.integer("WORKER_STALLED", 40, least=1)

PROJECT_NAME = env.text("PROJECT_NAME", "Student Progress Tracker API")
PROJECT_VERSION = env.text("PROJECT_VERSION", "1.0.0")


def _development_secret() -> str:
    """A key that outlives restarts, so that logins do, and that no two copies share."""
    file = DATA_DIR / "secret_key"
    try:
        if not file.exists():
            DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(48))
        return file.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR is {DATA_DIR}, where no file can be kept ({error.strerror}): make it a folder of yours, or "
            "choose another one."
        ) from None


SECRET_KEY = env.text("SECRET_KEY") or (_development_secret() if DEBUG else "")
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "With DEBUG=0, SECRET_KEY must be set to at least 32 characters. Make one with: "
        "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", [])
USE_X_FORWARDED_HOST = env.flag("USE_X_FORWARDED_HOST", False)
# Who may call /api/ and the sockets from a browser (http.md section 1.2). On a laptop: the JupyterLab on it, which no
# page of the internet can pretend to be.
LOCAL_ORIGINS = [f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "[::1]")]
BACKEND_CORS_ORIGINS = env.names("BACKEND_CORS_ORIGINS", LOCAL_ORIGINS if DEBUG else [])

# Cookies know no ports: two copies on one host keep their logins because each names its cookies its own way, all
# processes of one copy in the same.
_copy = hashlib.sha256(f"cookies {DATA_DIR} {SECRET_KEY}".encode()).hexdigest()[:8]
COOKIE_SUFFIX = env.word("COOKIE_SUFFIX", _copy)
SESSION_COOKIE_NAME = f"sessionid_{COOKIE_SUFFIX}"
CSRF_COOKIE_NAME = f"csrftoken_{COOKIE_SUFFIX}"
LANGUAGE_COOKIE_NAME = f"language_{COOKIE_SUFFIX}"
DISPLAY_COOKIE_NAME = f"display_{COOKIE_SUFFIX}"
MESSAGES_COOKIE_NAME = f"messages_{COOKIE_SUFFIX}"
MESSAGE_STORAGE = "classroom.base.display.Messages"

# --- Applications -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "operations",  # before staticfiles: its `runserver` is the one that speaks ASGI
    # Simple: `config.urls` finds the admin's pages, so that workers, who show none, do not hold them in memory.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "django_rq",
    "axes",
    "lms",
    "realtime",
    "events",
    "instructors",
    "classroom",
]

MIDDLEWARE = [
    "config.cors.AllowedHostsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",  # outside of what puts pages in the place of errors
    "config.middleware.BadInputMiddleware",  # before the session is looked up
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.JsonErrorsMiddleware",
    "config.middleware.BlankErrorsMiddleware",
    "config.middleware.OutagesMiddleware",
    "config.body_limits.BodyLimitMiddleware",  # before anybody reads a body
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "instructors.idle_timeout.IdleTimeoutMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
# A redirected POST loses its body, so every path answers with and without its slash instead (http.md section 1.1).
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "classroom.base.display.display",
                "classroom.base.shortcuts.shortcuts",
            ],
        },
    },
]

# --- PostgreSQL -------------------------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    # Without any address the embedded server's socket is named, so that the error says what is not running.
    url = env.database_url(SERVICES) or f"postgresql://postgres@/cellmonitor?host={DATA_DIR / 'postgres'}"
    parts = conninfo_to_dict(url)
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
            # Arrays go to the server in binary, and statements are planned once: the river repeats a few dozen of them.
            "server_side_binding": True,
            "prepare_threshold": 5,
            # A pool: under ASGI every request has a thread of its own, and a connection a request costs more than
            # the page. Health checks make it survive a restart of PostgreSQL. 0 = a connection for each thread.
            **({"pool": {"min_size": 1, "max_size": size, "timeout": 5, "reconnect_timeout": 3}} if size else {}),
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: the river's streams, rq, the channel layer, the cache -------------------------------------------------

REDIS_URL = env.redis_url(SERVICES) or "redis://127.0.0.1:6379/0"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CHANNEL_LAYERS = {
    "default": {
        # The Pub/Sub layer: the other one drops messages silently once a channel holds 100.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}

# The rq queues, in the order in which workers empty them.
RQ_PRIORITIES = ["high", "medium", "low"]
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 30} for name in RQ_PRIORITIES}

# A job carries no data that a transaction would have to commit first; it says that there is something to look at.
RQ = {"COMMIT_MODE": "auto"}

# --- The river ----------------------------------------------------------------------------------------------------

# One student's events stay in order because they share a shard, and a shard has at most one drain at a time.
EVENT_SHARDS = env.integer("EVENT_SHARDS", WORKERS_MAX, least=1, most=64)
EVENT_BATCH_LIMIT = env.integer("EVENT_BATCH_LIMIT", 100, least=1)  # records in one POST
EVENT_BODY_LIMIT = env.integer("EVENT_BODY_LIMIT", 10 * 1024 * 1024, least=1024)  # bytes of any body, inflated
# Entries (one a POST, shard and priority) that may wait before the POST answers 503.
EVENT_BACKLOG_LIMIT = env.integer("EVENT_BACKLOG_LIMIT", 200_000, least=1)
# The same in bytes: what Redis may hold altogether before the POST answers 503.
EVENT_BACKLOG_BYTES = env.integer("EVENT_BACKLOG_BYTES", 1024**3, least=1024**2)
# Events a second that a class may send while others wait (events/intake/rate_limit.py), in each web process; 0 = any number.
EVENT_KEY_RATE = env.integer("EVENT_KEY_RATE", 1000)
# Seconds of silence after which a request for help has ended: where the sender has never re-sent, and where it has.
HELP_SILENCE = env.integer("HELP_SILENCE", 300, least=1)
HELP_RESENT_SILENCE = env.integer("HELP_RESENT_SILENCE", 45, least=1)
SESSION_IDLE_HOURS = env.integer("SESSION_IDLE_HOURS", 12, least=1)

# --- Retention: `manage.py prune` deletes what is older, in days; 0 keeps for ever -------------------------------

# An event may come again for weeks, from a laptop that was shut: it must still be known by its id.
RETENTION_DAYS = {
    "executions": env.days("RETENTION_EXECUTIONS_DAYS", 0, least=30),
    "events": env.days("RETENTION_EVENTS_DAYS", 0, least=30),
    "accesses": env.days("RETENTION_ACCESSES_DAYS", 0, least=30),
    "environments": env.days("RETENTION_ENVIRONMENTS_DAYS", 0, least=1),
    "sessions": env.days("RETENTION_SESSIONS_DAYS", 0, least=1),
    "offline": env.days("RETENTION_OFFLINE_DAYS", 7, least=1),
    "audit": env.days("RETENTION_AUDIT_DAYS", 0, least=365),
}

# --- Submissions --------------------------------------------------------------------------------------------------

# Bytes of one notebook that is handed in, as compact JSON; EVENT_BODY_LIMIT bounds the body around it.
SUBMISSION_BYTES_LIMIT = env.integer("SUBMISSION_BYTES_LIMIT", 5 * 1024 * 1024, least=1024)

# Every body is bounded in config/body_limits.py; Django's own limit would be a second, smaller one with another answer.
DATA_UPLOAD_MAX_MEMORY_SIZE = None

# The grades of an assignment are one form: five fields a submission.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# --- InfluxDB; unset, PostgreSQL answers the same questions -------------------------------------------------------

INFLUXDB_URL = env.text("INFLUXDB_URL")
INFLUXDB_TOKEN = env.text("INFLUXDB_TOKEN")
INFLUXDB_ORG = env.text("INFLUXDB_ORG", "cellmonitor")
INFLUXDB_BUCKET = env.text("INFLUXDB_BUCKET", "cellmonitor")
INFLUXDB_RETENTION_DAYS = env.integer("INFLUXDB_RETENTION_DAYS", 90, least=1)
# Pages ask InfluxDB about spans of at least so many days; PostgreSQL is the cheaper one for shorter. 0 = never.
INFLUXDB_ASK_DAYS = env.integer("INFLUXDB_ASK_DAYS", 7, least=0)
# What may wait in Redis while InfluxDB is away. A point is about 700 bytes.
INFLUXDB_WAITING_LIMIT = env.integer("INFLUXDB_WAITING_LIMIT", 500_000, least=1)
INFLUXDB_WAITING_BYTES = env.integer("INFLUXDB_WAITING_BYTES", 256 * 1024 * 1024, least=1)

# --- People -------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "instructors.Instructor"
PASSWORD_HASHERS = ["instructors.hashing.Hasher"]  # bcrypt
# Passwords that a process hashes at once, each on one core; half of the cores stay for everything else.
PASSWORD_HASHES_AT_ONCE = env.integer("PASSWORD_HASHES_AT_ONCE", max(1, (os.cpu_count() or 1) // 2), least=1, most=64)
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Programs in the field make accounts with common passwords (http.md section 8): without it the API holds them to the
# length alone.
STRICT_PASSWORDS = env.flag("STRICT_PASSWORDS", False)
# Whether instructors manage each other's accounts and set each other's status, as programs of the field do (http.md
# section 8). None: as long as nobody has to log in.
INSTRUCTORS_MANAGE_ACCOUNTS: bool | None = (
    env.flag("INSTRUCTORS_MANAGE_ACCOUNTS", False) if env.text("INSTRUCTORS_MANAGE_ACCOUNTS") else None
)
# E-mail addresses are told apart by Instructor.email_key, which is unique (core/identity.py).
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "classes"
LOGOUT_REDIRECT_URL = "login"

# --- Language and time --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.text("TIME_ZONE", "Asia/Tokyo")

# --- Static files -------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.path("STATIC_ROOT", DATA_DIR / "static")
# What people upload: pictures of classrooms.
MEDIA_ROOT = env.path("MEDIA_ROOT", DATA_DIR / "media")
# What is uploaded is the owner's alone; scripts and styles are no secret, and a web server may be another user.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
IS_STATIC_OURS = STATIC_ROOT.is_relative_to(DATA_DIR)
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
        "OPTIONS": {
            "file_permissions_mode": 0o600 if IS_STATIC_OURS else 0o644,
            "directory_permissions_mode": 0o700 if IS_STATIC_OURS else 0o755,
        },
    },
}

# --- Security -----------------------------------------------------------------------------------------------------

# Unset these only where the reverse proxy speaks plain HTTP all the way to the browser.
HTTPS = env.flag("HTTPS", not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # scripts read the token from the page
LANGUAGE_COOKIE_AGE = 365 * 86_400
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^api/v1/", r"^health", r"^metrics$"]  # extension and probes follow no redirect
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", not DEBUG) else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "instructors.sessions"
SESSION_COOKIE_AGE = 12 * 3600  # from the login on, and at most
SESSION_IDLE_MINUTES = env.integer("SESSION_IDLE_MINUTES", 120, least=1)  # without a touch of the person
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "classroom.base.error_views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- REST ---------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "config.errors.api_exception",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["instructors.tokens.BearerAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "instructors.rest.openapi.ApiSchema",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_THROTTLE_CLASSES": ["instructors.throttles.CallerThrottle"],
}

# RATE_LIMITS=0 switches both off. A class may sit behind one address, so its limit is generous (http.md section 1.4).
API_CALLS_PER_MINUTE = env.integer("API_CALLS_PER_MINUTE", 600, least=1)  # of an instructor, or of an address
LOGIN_FAILURES = env.integer("LOGIN_FAILURES", 10, least=1)  # of an address for one e-mail, in five minutes
# django-axes keeps and shows them; what counts, and when, is said in instructors/lockout.py.
AXES_HANDLER = "instructors.lockout.Handler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = LOGIN_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "instructors.lockout.client_of"
AXES_USERNAME_CALLABLE = "instructors.lockout.name_of"
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_CALLABLE = "instructors.views.locked_out"
AXES_HTTP_RESPONSE_CODE = 429
AXES_ENABLE_ADMIN = False  # ours is in instructors/admin.py
AXES_VERBOSE = False
# Records for end-to-end tests, kept in Redis for ten minutes (http.md section 2.1); on a server only by choice.
TEST_EVENTS = env.flag("TEST_EVENTS", DEBUG and not API_REQUIRE_AUTH)
TEST_EVENTS_BYTES = env.integer("TEST_EVENTS_BYTES", 16 * 1024 * 1024, least=1024)  # of all tests together

# Bearer tokens (http.md section 1.2).
ALGORITHM = env.text("ALGORITHM", "HS256")
ACCESS_TOKEN_EXPIRE_MINUTES = env.integer("ACCESS_TOKEN_EXPIRE_MINUTES", 30, least=1)

SPECTACULAR_SETTINGS = {
    "TITLE": PROJECT_NAME,
    "VERSION": PROJECT_VERSION,
    "DESCRIPTION": "Classes, assignments and submissions, and what happens in class.",
    "PREPROCESSING_HOOKS": ["instructors.rest.openapi.one_form"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "instructors.rest.openapi.add_security_schemes",
        "config.openapi.add_plain_views",
    ],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Logs and numbers (docs/operations.md) -----------------------------------------------------------------------

# One line an event, on standard error: `plain` for people, `json` for programs.
LOG_FORMAT = env.text("LOG_FORMAT", "plain" if DEBUG else "json").lower()
if LOG_FORMAT not in ("plain", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it must be plain or json.")
# A line for each request to a page or to the API; never for the event intake, which is asked all day.
LOG_REQUESTS = env.flag("LOG_REQUESTS", not DEBUG)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "config.logs.Plain", "format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "config.logs.Json"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO").upper()},
    # Servers' access lines carry addresses with class keys in them; `requests` writes them without.
    "loggers": {
        "uvicorn": {"handlers": [], "propagate": True},
        "uvicorn.access": {"handlers": [], "propagate": False},
        "django": {"handlers": [], "propagate": True},
        "rq.worker": {"level": "WARNING"},
        "rq.cron": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}

# Whoever shows it may read /metrics from elsewhere than this machine.
METRICS_TOKEN = env.text("METRICS_TOKEN")
# Django's own numbers, by view and by process (django-prometheus). Off: they cost each page two changes of thread.
METRICS_BY_VIEW = env.flag("METRICS_BY_VIEW", False)
PROMETHEUS_MULTIPROC_DIR = env.text("PROMETHEUS_MULTIPROC_DIR")  # where processes share them, if there are several
if METRICS_BY_VIEW:
    MIDDLEWARE = [
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        *MIDDLEWARE,
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ]
