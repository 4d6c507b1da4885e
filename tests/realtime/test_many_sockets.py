"""The benchmark of sockets, small: everybody hears what is theirs, once, and nothing else."""

import pytest
from channels.db import database_sync_to_async

from benchmarks import sockets
from tests.realtime.servers import serve

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("server", ["uvicorn", "daphne"])
async def test_a_class_hears_what_is_theirs(redis, server):
    ids, tokens = await database_sync_to_async(sockets.people)(25, 3)
    with serve(server) as running:
        result = await sockets.measure(running.url(""), ids, tokens)
    assert result["execution_update p95, ms"] < 1000
