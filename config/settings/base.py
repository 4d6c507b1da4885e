"""Paths, processes, applications, templates, languages and static files."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from config import env

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = env.path("DATA_DIR", BASE_DIR / ".local")
SERVICES = env.running_services(DATA_DIR)

DEBUG = env.flag("DEBUG", True)
PROJECT_NAME = env.text("PROJECT_NAME", "Student Progress Tracker API")
PROJECT_VERSION = env.text("PROJECT_VERSION", "1.0.0")

PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
WORKERS = env.integer("WORKERS", 2, minimum=1, maximum=64)
# While events wait, the supervisor starts more workers, up to this number.
WORKERS_MAX = env.integer("WORKERS_MAX", WORKERS, minimum=WORKERS, maximum=64)
# Seconds after which a worker that has work and makes no progress, or sends no heartbeat, is replaced.
WORKER_STALLED = env.integer("WORKER_STALLED", 40, minimum=1, maximum=env.LONGEST_SECONDS)

# --- Applications -----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "operations",  # before staticfiles, whose `runserver` it replaces with one for ASGI
    # Without autodiscovery: `config.urls` loads the admin modules, so that workers do not hold them in memory.
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
    "config.apps.BackgroundJobsConfig",
    "config.apps.FailedLoginsConfig",
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
    "config.middleware.PolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",  # before the middleware that replaces error responses
    "config.middleware.BadInputMiddleware",  # before the session is loaded
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.JsonErrorsMiddleware",
    "config.middleware.BlankErrorsMiddleware",
    "config.middleware.OutagesMiddleware",
    "config.body_limits.BodyLimitMiddleware",  # before anything reads the body
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "instructors.idle_timeout.IdleTimeoutMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]
# Django's own metrics, by view and by process (django-prometheus). They cost each page two changes of thread.
METRICS_BY_VIEW = env.flag("METRICS_BY_VIEW", False)
if METRICS_BY_VIEW:
    MIDDLEWARE = [
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        *MIDDLEWARE,
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
# A redirected POST loses its body, so every path works with and without a trailing slash (http.md section 1.1).
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

# --- Languages and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.time_zone("TIME_ZONE", "Asia/Tokyo")
FORMAT_MODULE_PATH = "config.formats"  # dates have one form in all languages
