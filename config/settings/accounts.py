"""Accounts, passwords, login requirements and the lockout after failed logins."""

import os
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.settings.base import DEBUG
from config.settings.security import ALLOWED_HOSTS

AUTH_USER_MODEL = "instructors.Instructor"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "classes"
LOGOUT_REDIRECT_URL = "login"
# E-mail addresses are distinguished by Instructor.email_key, which is unique (core/identity.py).
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

# Whether the API and the WebSockets need a login. None: as soon as there is an account (core/login_requirement.py).
API_REQUIRE_AUTH = env.flag_or_auto("API_REQUIRE_AUTH", None if DEBUG else True)
# Whether instructors manage each other's accounts and set each other's status, as existing clients do (http.md
# section 8). None: as long as no login is needed.
INSTRUCTORS_MANAGE_ACCOUNTS: bool | None = (
    env.flag("INSTRUCTORS_MANAGE_ACCOUNTS", False) if env.text("INSTRUCTORS_MANAGE_ACCOUNTS") else None
)

# Minutes for which a class code, with which students join, is valid (lms/class_codes.py).
CLASS_CODE_MINUTES = env.integer("CLASS_CODE_MINUTES", 120, minimum=1, maximum=7 * 24 * 60)
# What students agree to before their extension sends anything; "": the product's own words (lms/client_terms.py).
CONSENT_TEXT = env.text("CONSENT_TEXT")
# Whom students ask about their data, on the page /privacy/: an address, a link or a sentence.
PRIVACY_CONTACT = env.text("PRIVACY_CONTACT")

# --- Mail, of links to a new password only; without EMAIL_HOST none is sent -------------------------------------------

EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, minimum=1, maximum=65535)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_USER"), env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True)  # STARTTLS
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM")
if EMAIL_HOST and not DEFAULT_FROM_EMAIL:
    raise ImproperlyConfigured("EMAIL_HOST is set and EMAIL_FROM is not: set both, or neither.")
if EMAIL_HOST and any(host == "*" or host.startswith(".") for host in ALLOWED_HOSTS):
    # Whoever asks for the link would choose the host in it, and the owner of the account would open it there.
    raise ImproperlyConfigured(
        "EMAIL_HOST is set and ALLOWED_HOSTS takes any host: links in mails lead to the host of the request, so name "
        "the hosts of this server one by one."
    )
PASSWORD_RESET_TIMEOUT = 86_400  # seconds for which such a link is valid

# --- Passwords --------------------------------------------------------------------------------------------------------

PASSWORD_HASHERS = ["instructors.hashing.Hasher"]  # bcrypt
# Passwords that a process hashes at the same time, each on one core. The other half of the cores stays free.
PASSWORD_HASHES_AT_ONCE = env.integer(
    "PASSWORD_HASHES_AT_ONCE", max(1, (os.cpu_count() or 1) // 2), minimum=1, maximum=64
)
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
# Existing clients create accounts with common passwords (http.md section 8): by default the API checks the length only.
STRICT_PASSWORDS = env.flag("STRICT_PASSWORDS", False)

# --- Rate limits and lockout ------------------------------------------------------------------------------------------

# RATE_LIMITS=0 switches all of them off. A class may share one IP address, so its limit is generous (http.md 1.4).
RATE_LIMITS = env.flag("RATE_LIMITS", True)
# Of an account, a student's device or an IP address.
API_CALLS_PER_MINUTE = env.integer("API_CALLS_PER_MINUTE", 600, minimum=1)
LOGIN_FAILURES = env.integer("LOGIN_FAILURES", 10, minimum=1)  # of an IP address for one e-mail, in five minutes
CLASS_CODE_FAILURES = env.integer("CLASS_CODE_FAILURES", 100, minimum=1)  # of an IP address, in five minutes
# django-axes stores and shows the failures; instructors/lockout.py decides what counts.
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
AXES_ENABLE_ADMIN = False  # ours is in lms/admin/accounts.py
AXES_VERBOSE = False
