"""Connections that Redis has closed, because it restarted, are opened again without losing what was to be sent."""

import pytest
from django.core.cache import cache

from realtime import groups, presence
from tests.realtime.conftest import connected, send_frame, system_message

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_first_notice_after_a_restart_arrives(redis_server):
    await send_frame(groups.DASHBOARDS, system_message("opens the connections"))
    redis_server.restart()
    async with connected("/ws") as dashboard:
        await send_frame(groups.DASHBOARDS, system_message("after the restart"))
        assert (await dashboard.get("system_message"))["data"]["message"] == "after the restart"


def test_the_cache_and_the_presence_answer_at_once(redis_server):
    cache.set("lesson", 1)
    presence.stats()
    redis_server.restart()
    assert cache.get("lesson") in (1, None)
    assert presence.stats()
