"""A class that floods is told to wait while others are taken; alone, or while nothing waits, it sends what it likes."""

import threading
import time
from collections import Counter

import httpx
import pytest

from events.intake.rate_limit import ALLOWANCE_SECONDS, RateLimiter
from lms.models import Class, ClassKey

FLOOD, QUIET = "key-of-the-flood", "key-of-the-quiet"


FULL = 10 * ALLOWANCE_SECONDS


@pytest.fixture
def shares() -> RateLimiter:
    return RateLimiter(10)


def test_an_allowance_is_exceeded_and_fills_again(shares):
    assert not shares.is_exceeded(1, 0)
    shares.record(1, FULL, 0)
    assert shares.is_exceeded(1, 0)
    assert not shares.is_exceeded(2, 0), "another class has its own"
    assert not shares.is_exceeded(1, 0.1)
    shares.record(1, FULL - 1, 3600)
    assert not shares.is_exceeded(1, 3600)
    shares.record(1, 1, 3600)
    assert shares.is_exceeded(1, 3600), "it holds so much and no more"


def test_there_is_no_debt(shares):
    for _ in range(50):
        shares.record(1, FULL, 0)
    assert not shares.is_exceeded(1, 0.2)


def test_nobody_is_measured_without_a_key_or_a_rate(shares):
    off = RateLimiter(0)
    for _ in range(5):
        shares.record(None, 10_000, 0)
        off.record(1, 10_000, 0)
    assert not shares.is_exceeded(None, 0)
    assert not off.is_exceeded(1, 0)


# --- As it runs -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowded(start_live_system):
    """A hundred entries that wait are pressure here; no worker takes them away before the test lets one."""
    system = start_live_system(workers=0, EVENTS_REQUIRE_KEY="1", EVENT_KEY_RATE="20", EVENT_BACKLOG_LIMIT="2000")
    code = "from tests.events.intake.test_rate_limit import make_classes; make_classes()"
    system.manage("shell", "--no-imports", "-v0", "-c", code)
    yield system
    system.stop()


def make_classes() -> None:
    for key in (FLOOD, QUIET):
        made = Class.objects.create(class_code=key[:20], name=key)
        ClassKey.objects.create(class_ref=made, key_hash=ClassKey.hash(key))


def event(student: int, number: int) -> dict:
    return {
        "eventType": "cell_executed", "emailAddress": f"s{student}@example.com", "eventId": f"{student}-{number}",
        "notebookPath": "a.ipynb", "cellId": "c", "code": "1", "result": "1",
    }  # fmt: skip


def test_a_flood_of_one_key_is_told_503_and_the_other_never(crowded):
    address = f"{crowded.url}/api/v1/events"
    flood: Counter[int] = Counter()
    shed: list[httpx.Response] = []
    stop = threading.Event()

    def pour(lane: int) -> None:
        with httpx.Client() as client:
            number = 0
            while not stop.is_set():
                number += 1
                body = [event(lane, number * 10 + each) for each in range(10)]
                answer = client.post(address, params={"key": FLOOD}, json=body)
                flood[answer.status_code] += 1
                if answer.status_code == 503:
                    shed.append(answer)

    lanes = [threading.Thread(target=pour, args=(lane,)) for lane in range(4)]
    for lane in lanes:
        lane.start()
    quiet = []
    try:
        deadline = time.monotonic() + 30
        while not shed and time.monotonic() < deadline:
            time.sleep(0.05)
        with httpx.Client() as client:
            for number in range(40):
                answer = client.post(address, params={"key": QUIET}, json=[event(100, number)])
                quiet.append(answer.status_code)
                time.sleep(0.02)
    finally:
        stop.set()
        for lane in lanes:
            lane.join()
    assert quiet == [202] * 40
    assert set(flood) == {202, 503}
    assert shed[0].headers["Retry-After"]
    assert "share" in shed[0].json()["detail"]
    assert "try again" in shed[0].json()["detail"]
    assert "sends more than its share" in crowded.web.tail()


def test_once_the_workers_have_caught_up_it_is_taken_again(crowded):
    crowded.start_worker()
    deadline = time.monotonic() + 30
    status = 0
    while status != 202 and time.monotonic() < deadline:
        status = httpx.post(
            f"{crowded.url}/api/v1/events", params={"key": FLOOD}, json=[event(50, int(time.time() * 1000))]
        ).status_code
        time.sleep(0.1)
    assert status == 202
