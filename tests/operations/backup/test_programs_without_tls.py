"""PostgreSQL's client programs of the wheel are built without TLS, and an address may ask for it."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from operations.backup import postgres_client


def test_the_error_says_what_to_install(monkeypatch):
    secured = {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/ca.pem"}
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", secured)
    with pytest.raises(ImproperlyConfigured, match=r"built without it.* PG_PROGRAMS"):
        postgres_client.run("psql", "--command=SELECT 1")
