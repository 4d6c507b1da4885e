"""Measure delivery to students and instructors on a real server, and check that each receives only their frames.

    python -m benchmarks.sockets [--students 200] [--instructors 10] [--server uvicorn|daphne]

Wants DATABASE_URL (migrated) and REDIS_URL. Students and instructors of its own are made and stay.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from realtime.rows import ClassRun

ROUNDS = 5
AT_ONCE = 20  # handshakes


@dataclass
class Client:
    name: str
    socket: ClientConnection
    connected_in: float
    heard: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    async def listen(self) -> None:
        async for text in self.socket:
            self.heard.append((time.perf_counter(), json.loads(text)))

    def of(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        return [(at, frame) for at, frame in self.heard if frame["type"] == kind]


async def enter(url: str, name: str, gate: asyncio.Semaphore) -> Client:
    async with gate:
        started = time.perf_counter()
        socket = await connect(url, max_queue=None, compression=None)
        first = json.loads(await socket.recv())
        assert first["type"] in ("connection_established", "connection_success"), first
        return Client(name, socket, time.perf_counter() - started)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def people(students: int, instructors: int) -> tuple[dict[str, int], list[str]]:
    """Ids of the students by address, tokens of the instructors."""
    from django.contrib.auth import get_user_model

    from instructors import tokens
    from lms.models import Student

    ids = {}
    for number in range(students):
        email = f"socket{number}@bench.example"
        ids[email] = Student.objects.get_or_create(email=email)[0].pk
    accounts = get_user_model().objects
    given = []
    for number in range(instructors):
        email = f"socket-teacher{number}@bench.example"
        found = accounts.filter(email=email).first() or accounts.create_user(email, "password123")
        given.append(tokens.issue(found, now=datetime.now(UTC)))
    return ids, given


def run_of(email: str, student_id: int, number: int) -> ClassRun:
    return None, {
        "emailAddress": email,
        "student_id": student_id,
        "notebookPath": "a.ipynb",
        "cellId": str(number),
        "cellIndex": 1,
        "executionCount": number,
        "status": "success",
        "hasError": False,
        "errorMessage": None,
        "executionDurationMs": 1.0,
        "consecutiveErrorCount": 0,
    }


async def measure(url: str, ids: dict[str, int], tokens: list[str]) -> dict[str, float]:
    """Connect everybody, publish as a worker does, and check every frame of everyone."""
    from realtime import broadcast, groups, messages

    gate = asyncio.Semaphore(AT_ONCE)
    started = time.perf_counter()
    paths = [(email, f"/api/v1/v1/websocket/ws/{email}") for email in ids]
    paths += [(f"teacher{number}", f"/instructor/ws?token={token}") for number, token in enumerate(tokens)]
    clients = await asyncio.gather(*(enter(url + path, name, gate) for name, path in paths))
    everybody_in = time.perf_counter() - started
    listening = [asyncio.create_task(client.listen()) for client in clients]
    delays: dict[str, list[float]] = {"execution_update": [], "help_request": [], "system_message": []}
    for number in range(ROUNDS):
        runs = [run_of(email, pk, number) for email, pk in ids.items()]
        asked = messages.HelpRequestData(
            emailAddress="a",
            userName="a",
            teamName="a",
            notebookPath="a",
            cellId=str(number),
            timestamp=messages.timestamp(),
        )
        help_ = messages.HelpRequested(asked)
        system = messages.SystemMessage(messages.SystemMessageData(str(number)))
        sent = time.perf_counter()
        await asyncio.to_thread(broadcast.publish_runs, runs, {})
        notices = [(groups.ALL_STUDENTS, help_), (groups.BROADCAST, system)]
        await asyncio.to_thread(broadcast.publish, {}, notices, outside=[help_, system])
        await settle(clients)
        for client in clients:
            for kind in delays:
                delays[kind] += [at - sent for at, _ in client.of(kind)[number:]]
    for client in clients:
        check(client, ids)
    for client in clients:
        await client.socket.close()
    await asyncio.gather(*listening)
    connects = [client.connected_in * 1000 for client in clients]
    result = {"all connected, s": everybody_in, "connect p50, ms": statistics.median(connects)}
    result["connect p95, ms"] = percentile(connects, 0.95)
    for kind, values in delays.items():
        result[f"{kind} p50, ms"] = statistics.median(values) * 1000
        result[f"{kind} p95, ms"] = percentile(values, 0.95) * 1000
    return result


async def settle(clients: list[Client]) -> None:
    """Wait until no frame has arrived for a while."""
    heard = -1
    while heard != (heard := sum(len(client.heard) for client in clients)):
        await asyncio.sleep(0.4)


def check(client: Client, ids: dict[str, int]) -> None:
    """All that it should hear, once and in order, and nothing else."""
    is_student = client.name in ids
    rounds = [str(number) for number in range(ROUNDS)]
    assert [frame["data"]["message"] for _, frame in client.of("system_message")] == rounds, client.name
    runs = [frame["data"] for _, frame in client.of("execution_update")]
    assert [run["cellId"] for run in runs] == (rounds if is_student else []), client.name
    assert {run["student_id"] for run in runs} <= {ids.get(client.name)}, client.name
    helps = [frame["data"]["cellId"] for _, frame in client.of("help_request")]
    assert helps == ([] if is_student else rounds), client.name
    confirmed = [frame["data"]["execution_count"] for _, frame in client.of("execution_confirmed")]
    assert confirmed == (list(range(ROUNDS)) if is_student else []), client.name
    kinds = {frame["type"] for _, frame in client.heard}
    own = {"execution_update", "execution_confirmed"} if is_student else {"help_request"}
    assert kinds <= {"system_message"} | own, (client.name, kinds)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--students", type=int, default=200)
    arguments.add_argument("--instructors", type=int, default=10)
    arguments.add_argument("--server", choices=["uvicorn", "daphne"], default="uvicorn")
    given = arguments.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from tests.realtime.servers import serve

    ids, tokens = people(given.students, given.instructors)
    with serve(given.server) as server:
        result = asyncio.run(measure(server.url(""), ids, tokens))
    print(f"{given.students} students and {given.instructors} instructors on {given.server}")
    for name, value in result.items():
        print(f"  {name:28} {value:8.1f}")


if __name__ == "__main__":
    main()
