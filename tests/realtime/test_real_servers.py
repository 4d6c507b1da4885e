"""The sockets behind real uvicorn and daphne processes: what only a server can get wrong."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime import broadcast
from tests.realtime.conftest import instructor, system_message, wire
from tests.realtime.servers import serve

pytestmark = pytest.mark.django_db(transaction=True)


async def frame(ws, kind: str) -> dict:
    async with asyncio.timeout(60):
        while (heard := json.loads(await ws.recv()))["type"] != kind:
            pass
    return heard


async def code_of(ws) -> int:
    async with asyncio.timeout(60):
        while True:
            try:
                await ws.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code


@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
async def test_server(redis, kind):
    teacher = await instructor()
    with serve(kind) as server:
        for path in (
            "/ws/nothing",
            "/instructor/ws",
            "/instructor/ws?token=x",
            f"/api/v1/ws/instructor/0?token={teacher.token}",
        ):
            with pytest.raises(InvalidStatus) as refused:
                await connect(server.url(path))
            assert refused.value.response.status_code == 403, path
        hanako = await connect(server.url("/api/v1/v1/websocket/ws/hanako%40example.com"))
        assert (await frame(hanako, "connection_established"))["client_id"] == "hanako@example.com"
        dashboard = await connect(server.url("/api/v1/dashboard/ws/dashboard/"))
        await frame(dashboard, "connection_established")
        w3 = await connect(server.url(f"/instructor/ws?token={teacher.token}"))
        assert (await frame(w3, "connection_success"))["instructor_id"] == teacher.pk
        await w3.send(json.dumps({"type": "instructor_reply", "student_id": "hanako@example.com", "message": "Hi"}))
        assert (await frame(hanako, "instructor_message"))["data"]["message"] == "Hi"
        again = await connect(server.url("/api/v1/ws/hanako@example.com"))
        assert await code_of(hanako) == 1000
        await asyncio.to_thread(broadcast.system_message, "Bye", level="info")
        for ws in (again, dashboard, w3):
            await frame(ws, "system_message")
        await dashboard.send("x" * 65 * 1024)
        assert await code_of(dashboard) == 1009
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        assert [await code_of(ws) for ws in (again, w3)] == [1001, 1001]
        await stopping


async def test_two_processes_are_one(redis):
    """Each client hears each thing once, whichever process it sits in; a client id has one socket in all of them."""
    with serve("uvicorn") as one, serve("daphne") as two:
        path = "/api/v1/ws/hanako@example.com"
        first = await connect(one.url(path))
        taro = await connect(one.url("/api/v1/ws/taro@example.com"))
        second = await connect(two.url(path))
        await frame(second, "connection_established")
        assert await code_of(first) == 1000
        async with asyncio.timeout(60):
            while redis.pubsub_numsub("student_progress_notifications")[0][1] < 2:
                await asyncio.sleep(0.05)
        outside = wire(system_message("Outside"))
        redis.publish("student_progress_notifications", json.dumps(outside))
        await asyncio.to_thread(broadcast.system_message, "Inside", level="info")
        for ws in (taro, second):
            heard = {(await frame(ws, "system_message"))["data"]["message"] for _ in range(2)}
            assert heard == {"Outside", "Inside"}
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await ws.recv()
        await asyncio.sleep(1.5)
        await taro.send(json.dumps({"type": "status_request"}))
        stats = (await frame(taro, "status_response"))["stats"]
        assert (stats["total_connections"], stats["rooms"]) == (2, {"default": 2})
        await taro.close()
        await second.close()


async def test_a_dead_peer_holds_up_nobody(redis):
    """One client reads nothing while a megabyte a second is sent to all of its room; the others hear it in time."""
    with serve("uvicorn") as server:
        deaf = await connect(server.url("/api/v1/ws/deaf"), max_queue=1)
        deaf.transport.pause_reading()
        speaker = await connect(server.url("/api/v1/ws/speaker"), max_queue=None)
        listener = await connect(server.url("/api/v1/ws/listener"), max_queue=None)
        text = "x" * 50_000
        for number in range(60):
            await speaker.send(json.dumps({"type": "progress_update", "data": {"n": number, "text": text}}))
            heard = await frame(listener, "progress_broadcast")
            assert heard["data"]["n"] == number
            await asyncio.sleep(0.04)
        for ws in (speaker, listener):
            await ws.close()
        deaf.transport.abort()
