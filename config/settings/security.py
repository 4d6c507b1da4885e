"""The secret key, hosts and origins, cookies, sessions and security headers."""

import fcntl
import hashlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.settings.base import DATA_DIR, DEBUG

_SECRET_LENGTH = 32  # characters


def _development_secret() -> str:
    """Return the key of this copy from DATA_DIR; it survives restarts, so that logins do. Create it if missing.

    Of processes that start together one creates it, under a lock on the folder, and the others read the same.
    """
    file = DATA_DIR / "secret_key"
    try:
        DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        if len(found := _text_of(file)) >= _SECRET_LENGTH:
            return found
        folder = os.open(DATA_DIR, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if len(_text_of(file)) < _SECRET_LENGTH:  # missing, or empty since a full disk
                file.touch(mode=0o600)
                file.write_text(secrets.token_urlsafe(48))
            return file.read_text()
        finally:
            os.close(folder)
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR is {DATA_DIR}, where no file can be kept ({error.strerror}): make it a folder of yours, or "
            "choose another one."
        ) from None


def _text_of(file: Path) -> str:
    return file.read_text() if file.exists() else ""


SECRET_KEY = env.text("SECRET_KEY") or (_development_secret() if DEBUG else "")
if len(SECRET_KEY) < _SECRET_LENGTH:
    raise ImproperlyConfigured(
        "With DEBUG=0, SECRET_KEY must be set to at least 32 characters. Make one with: "
        "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )

# --- Hosts and origins ------------------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", [])
USE_X_FORWARDED_HOST = env.flag("USE_X_FORWARDED_HOST", False)
# Origins that may use /api/ and the WebSockets from a browser (http.md section 1.2). The default is a JupyterLab on the
# same machine; no site of the internet can have such an origin.
LOCAL_ORIGINS = [f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "[::1]")]
BACKEND_CORS_ORIGINS = env.origins("BACKEND_CORS_ORIGINS", LOCAL_ORIGINS if DEBUG else [])

# --- HTTPS and headers ------------------------------------------------------------------------------------------------

# Unset these only where the reverse proxy speaks plain HTTP all the way to the browser.
HTTPS = env.flag("HTTPS", not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^api/v1/", r"^health", r"^metrics$"]  # the extension and probes follow no redirect
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", not DEBUG) else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "classroom.base.views.csrf_failure"
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

# --- Request bodies ---------------------------------------------------------------------------------------------------

# config/body_limits.py limits every body; Django's own limit would be a second, smaller one with another response.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
# The grades of an assignment are one form: five fields a submission.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# --- Cookies and sessions ---------------------------------------------------------------------------------------------

# Browsers share cookies between the ports of a host. Each copy has its own cookie names, the same in all its processes,
# so that two copies on one host do not end each other's logins.
_copy = hashlib.sha256(f"cookies {DATA_DIR} {SECRET_KEY}".encode()).hexdigest()[:8]
COOKIE_SUFFIX = env.word("COOKIE_SUFFIX", _copy)
SESSION_COOKIE_NAME = f"sessionid_{COOKIE_SUFFIX}"
CSRF_COOKIE_NAME = f"csrftoken_{COOKIE_SUFFIX}"
LANGUAGE_COOKIE_NAME = f"language_{COOKIE_SUFFIX}"
DISPLAY_COOKIE_NAME = f"display_{COOKIE_SUFFIX}"
MESSAGES_COOKIE_NAME = f"messages_{COOKIE_SUFFIX}"
MESSAGE_STORAGE = "classroom.base.display.Messages"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # scripts read the token from the page
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 86_400
SESSION_ENGINE = "instructors.sessions"
SESSION_COOKIE_AGE = 12 * 3600  # seconds since the login
# Without activity of the person.
SESSION_IDLE_MINUTES = env.integer("SESSION_IDLE_MINUTES", 120, minimum=1, maximum=env.LONGEST_MINUTES)
