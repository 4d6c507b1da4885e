"""The clients of `tests.realtime`, for the consumers; and two classes, where people have to log in."""

import pytest
from channels.db import database_sync_to_async

from tests.classroom.sockets.school import School, make_school
from tests.realtime.conftest import authentication, caretaker_stops, instructor  # noqa: F401


@pytest.fixture
def _fast_hashes_and_closed_doors():
    """Take back that of `tests.classroom`: here a test says itself what is required."""


@pytest.fixture
def a_server(settings):
    settings.API_REQUIRE_AUTH = settings.EVENTS_REQUIRE_KEY = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
async def school(a_server) -> School:
    sato, suzuki = await instructor("sato@school.example"), await instructor("suzuki@school.example")
    admin = await instructor("admin@school.example", role="admin")
    return await database_sync_to_async(make_school)(sato, suzuki, admin)
