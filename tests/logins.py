"""Logins of tests for which a login is only the way in."""

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.test import Client
from django.utils.crypto import get_random_string

from instructors.sessions import SessionStore


def force_login(client: Client, user: AbstractBaseUser, backend: str | None = None) -> None:
    """Leave the session and the cookie that Django's `Client.force_login` leaves, by one statement instead of sixteen.
    What else a login does, when it was and whom it lets try again, is for those who use the form to say."""
    backends = settings.AUTHENTICATION_BACKENDS
    session = SessionStore(get_random_string(32, VALID_KEY_CHARS))
    data = {
        SESSION_KEY: user._meta.pk.value_to_string(user),
        BACKEND_SESSION_KEY: backend or next(path for path in backends if hasattr(load_backend(path), "get_user")),
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    session._session_cache = data  # else it is looked for, to learn when it ends
    session.create_model_instance(data).save(force_insert=True)
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME].update(
        {
            "max-age": None,
            "path": "/",
            "domain": settings.SESSION_COOKIE_DOMAIN,
            "secure": settings.SESSION_COOKIE_SECURE or None,
            "expires": None,
        }
    )


def use() -> None:
    Client.force_login = force_login
