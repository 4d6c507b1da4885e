"""Logs and metrics (docs/operations.md)."""

import logging

from config import env
from config.settings.base import DEBUG

# The format of lines on standard error: `plain` for people, `json` for programs.
LOG_FORMAT = env.choice("LOG_FORMAT", "plain" if DEBUG else "json", ("plain", "json"))
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", logging.getLevelNamesMapping())
# Log each request to a page or to the API; never those to the event intake, which are too many.
LOG_REQUESTS = env.flag("LOG_REQUESTS", not DEBUG)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "config.logs.Plain", "format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "config.logs.Json"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Access logs of servers contain URLs with class keys; the logger `requests` writes them without.
    "loggers": {
        "uvicorn": {"handlers": [], "propagate": True},
        "uvicorn.access": {"handlers": [], "propagate": False},
        "django": {"handlers": [], "propagate": True},
        "rq.worker": {"level": "WARNING"},
        "rq.cron": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}

# A client with this token may read /metrics from another machine.
METRICS_TOKEN = env.text("METRICS_TOKEN")
PROMETHEUS_MULTIPROC_DIR = env.folder("PROMETHEUS_MULTIPROC_DIR")  # where several processes share metrics
