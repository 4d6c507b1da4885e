"""Every row of the sender's table, against a stub product over real HTTP."""

import contextlib
import json
import socket
import threading
import time

import pytest

from cell_monitor_lab.clock import Clock
from cell_monitor_lab.outbox import Outbox
from cell_monitor_lab.product import Answer, Product, Unreachable, split_address
from cell_monitor_lab.sender import NotReady, Route, Sender, judge, say_of_wrong_address
from cell_monitor_lab.store import Item
from cell_monitor_lab.texts import say

from .conftest import wait_for

SCALE = 0.02


def event(number, **fields):
    return {"eventId": str(number), "eventType": "cell_executed", "eventTime": "2026-11-28T00:00:00.000Z", **fields}


def ids(stub):
    return [found["eventId"] for found in stub.events]


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox.in_folder(tmp_path)
    yield outbox
    outbox.close()


@pytest.fixture
def start(stub, outbox, monkeypatch):
    """Start a sender with short waits; add events before and after."""
    monkeypatch.setattr("cell_monitor_lab.product.TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("cell_monitor_lab.sender.SPREAD_SECONDS", 0.0)
    senders = []

    def begin(route=None, said=None):
        sender = Sender(
            outbox,
            Clock(),
            route or (lambda: Route(stub.url, {"Authorization": "Student t"}, "stub")),
            tell=(said if said is not None else []).append,
            wait_scale=SCALE,
        )
        senders.append(sender)
        sender.start()
        return sender

    yield begin
    for sender in senders:
        sender.stop(5)


def add(outbox, *numbers, **fields):
    outbox.add([Item(event(number, **fields), "end") for number in numbers])


def posts(stub):
    return [request for request in stub.requests if request[0] == "POST"]


def test_202_empties_the_queue_in_order_with_credential_and_gzip(stub, outbox, start):
    add(outbox, *range(250))
    start()
    wait_for(lambda: len(stub.events) == 250)
    assert ids(stub) == [str(number) for number in range(250)]
    assert [len(request[3]) for request in posts(stub)] == [100, 100, 50]
    assert posts(stub)[0][2]["Authorization"] == "Student t"
    assert posts(stub)[0][2]["Content-Encoding"] == "gzip"
    wait_for(lambda: outbox.waiting == 0)


def test_a_small_body_is_plain(stub, outbox, start):
    add(outbox, 1)
    start()
    wait_for(lambda: stub.events)
    assert "Content-Encoding" not in posts(stub)[0][2]


def test_failed_events_of_a_202_are_refused_and_the_rest_delivered(stub, outbox, start):
    stub.script = [(202, {"batch_stats": {"failed_events": [{"index": 1, "error": "another student"}]}}, {})]
    add(outbox, 1, 2, 3)
    start()
    wait_for(lambda: outbox.waiting == 0)
    assert ids(stub) == ["1", "3"]
    assert [found["reason"] for found in outbox.refusals()] == ["another student"]


@pytest.mark.parametrize("answer", [(503, {}, {}), (500, {}, {}), "hang", "cut"])
def test_no_answer_or_5xx_sends_the_same_batch_again(stub, outbox, start, answer):
    stub.script = [answer, answer]
    add(outbox, 1, 2)
    start()
    wait_for(lambda: ids(stub) == ["1", "2"])
    assert outbox.refusals() == []


def test_an_unreachable_product_loses_nothing(stub, outbox, start):
    url = stub.url
    stub.close()
    said = []
    add(outbox, 1)
    start(lambda: Route(url, {}, "stub"), said)
    wait_for(lambda: said)
    assert said[-1]["code"] == "unreachable"
    assert outbox.waiting == 1
    stub.__init__()  # a server again, for the fixture to close


def test_retry_after_wins(stub, outbox, start):
    stub.script = [(503, {}, {"Retry-After": "50"})]
    add(outbox, 1)
    start()
    wait_for(lambda: stub.events)
    assert 0.9 < stub.times[1] - stub.times[0] < 3


def test_waits_grow_and_end_at_a_minute(outbox):
    sender = Sender(outbox, Clock(), lambda: None)
    waits = []
    for _ in range(9):
        sender._retry_later()
        waits.append(sender._not_before[1] - time.time())
    for wait, seconds in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]):
        assert 0.65 * seconds < wait < 1.35 * seconds


def test_413_halves_and_grows_again(stub, outbox, start):
    def too_many(value):
        return (413, {"detail": "large"}, {}) if len(value) > 30 else None

    stub.script = [too_many] * 40
    add(outbox, *range(100))
    start()
    wait_for(lambda: outbox.waiting == 0)
    assert ids(stub) == [str(number) for number in range(100)]


def test_413_of_one_event_cuts_its_output_then_refuses_it(stub, outbox, start):
    def too_large(value):
        large = any("result" in found or found["eventId"] == "2" for found in value)
        return (413, {"detail": "large"}, {}) if large else None

    stub.script = [too_large] * 40
    add(outbox, 1, result="x" * 1000)
    add(outbox, 2, 3)
    start()
    wait_for(lambda: outbox.waiting == 0)
    assert ids(stub) == ["1", "3"]
    assert [found["event"]["eventId"] for found in outbox.refusals()] == ["2"]


def test_422_takes_out_what_it_names(stub, outbox, start):
    bad = {"detail": [{"loc": ["body", 1, "code"], "msg": "Expected str", "type": "type_error"}]}
    stub.script = [(422, bad, {})]
    add(outbox, 1, 2, 3)
    start()
    wait_for(lambda: outbox.waiting == 0)
    assert ids(stub) == ["1", "3"]
    assert outbox.refusals()[0]["reason"] == "code: Expected str"


def test_422_without_indexes_halves_until_the_bad_one_is_alone(stub, outbox, start):
    def refuse(value):
        return (422, {"detail": "no"}, {}) if any(found["eventId"] == "5" for found in value) else None

    stub.script = [refuse] * 40
    add(outbox, *range(8))
    start()
    wait_for(lambda: outbox.waiting == 0)
    assert ids(stub) == [str(number) for number in range(8) if number != 5]
    assert [found["event"]["eventId"] for found in outbox.refusals()] == ["5"]


@pytest.mark.parametrize("status", [415, 400])
def test_a_refusal_of_gzip_is_followed_by_plain_bodies(stub, outbox, start, status):
    stub.script = [(status, {"detail": "gzip"}, {})]
    add(outbox, *range(10))
    start()
    wait_for(lambda: outbox.waiting == 0)
    assert ["Content-Encoding" in request[2] for request in posts(stub)] == [True, False]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "refused"),
        (403, "refused"),
        (404, "wrong-address"),
        (301, "moved"),
        (200, "wrong-address"),
        (408, "busy"),
        (429, "busy"),
        (500, "busy"),
    ],
)
def test_what_is_no_delivery_keeps_everything_and_says_so(stub, outbox, start, status, code):
    stub.script = [(status, {"detail": "why"}, {"Location": "http://127.0.0.1:1/api/v1/events"})]
    said = []
    add(outbox, 1)
    sender = start(said=said)
    wait_for(lambda: said)
    assert said[0]["code"] == code
    assert outbox.waiting == 1
    sender.kick()
    wait_for(lambda: ids(stub) == ["1"])


def test_what_was_recorded_before_the_clock_was_put_back_is_not_held(stub, outbox, start, monkeypatch):
    monkeypatch.setattr("cell_monitor_lab.store.time.time", lambda now=time.time: now() + 3600)
    add(outbox, 1)
    monkeypatch.undo()
    start()
    wait_for(lambda: ids(stub) == ["1"], 5)


def test_where_the_product_s_clock_is_set_it_is_measured_anew(stub, outbox, start):
    def send(number):
        outbox.add([Item(event(number, metadata={}), "end", clock_epoch=0)])
        wait_for(lambda: ids(stub)[-1:] == [str(number)])
        wait_for(lambda: outbox.waiting == 0)
        return stub.events[-1]["metadata"].get("clockOffsetMs", 0)

    start()
    stub.clock_offset = -600
    assert send(1) == pytest.approx(-600_000, abs=2000)
    stub.clock_offset = 0
    send(2)  # whose answer tells it
    assert send(3) == 0
    asked = len(stub.requests)
    send(4)
    assert len(stub.requests) == asked + 1, "and not measured again"


def test_a_wrong_address_is_tried_again_after_a_minute(stub, outbox, start):
    stub.script = [(404, {}, {})]
    add(outbox, 1)
    start()
    wait_for(lambda: len(stub.times) == 2)
    assert 60 * SCALE <= stub.times[1] - stub.times[0] < 60 * SCALE + 2


def test_nobody_to_send_as_sends_nothing(stub, outbox, start):
    def route():
        raise NotReady(say("consent-needed"), 600)

    said = []
    add(outbox, 1)
    start(route, said)
    wait_for(lambda: said)
    assert stub.requests == []


def test_times_are_the_products(stub, outbox, start):
    stub.clock_offset = 47 * 60
    outbox.add([Item(event(1, metadata={"startedAt": "2026-11-28T00:00:00.000Z"}), "end", clock_epoch=0)])
    start()
    wait_for(lambda: stub.events)
    found = stub.events[0]
    assert found["eventTime"][:16] in ("2026-11-28T00:46", "2026-11-28T00:47")
    assert found["metadata"]["startedAt"] == found["eventTime"]
    assert abs(found["metadata"]["clockOffsetMs"] - 47 * 60_000) < 2000


def test_stopping_sends_what_waits_and_does_not_wait_for_a_product_that_is_away(stub, outbox, start):
    sender = start()
    add(outbox, 1)
    sender.stop(5)
    assert ids(stub) == ["1"]


def test_one_connection_is_kept(stub, outbox, start):
    start()
    for number in range(3):
        add(outbox, number)
        wait_for(lambda number=number: len(stub.events) == number + 1)
    product = Product(stub.url)
    product.request("GET", "/api/v1/events/health")
    connection = product._connection
    product.request("GET", "/api/v1/events/health")
    assert product._connection is connection is not None
    product.close()


def test_judge_names_every_action():
    def action(status, is_compressed=True):
        return judge(Answer(status, {}, b"{}"), is_compressed=is_compressed).action

    expected = {
        "delivered": [202],
        "again": [500, 503, 408, 429],
        "halve": [413, 422],
        "plain": [415, 400],
        "refused": [401, 403],
        "wrong-address": [404, 302, 200],
    }
    for name, statuses in expected.items():
        assert [action(status) for status in statuses] == [name] * len(statuses)
    assert action(400, is_compressed=False) == "wrong-address"


def test_a_proxy_is_used_where_the_system_names_one(stub, monkeypatch):
    monkeypatch.setenv("http_proxy", stub.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    stub.answers = {("GET", "http://product.example:80/api/v1/me"): (200, {"through": "proxy"})}
    product = Product("http://product.example")
    assert product.request("GET", "/api/v1/me").json() == {"through": "proxy"}
    product.close()


def test_addresses():
    assert split_address("https://a.example/api/v1/events?key=K") == ("https://a.example", "K")
    assert split_address("http://a.example:8000/cm/") == ("http://a.example:8000/cm", None)
    assert split_address("a.example") == ("https://a.example", None)
    for bad in ("ftp://x", "http://", "http://x:y"):
        with pytest.raises(ValueError, match=r".+"):
            split_address(bad)


def test_unreachable_says_why_without_the_address():
    with pytest.raises(Unreachable, match="refused"):
        Product("http://127.0.0.1:9").request("GET", "/")


@pytest.mark.parametrize(
    "stats",
    [{"failed_events": 5}, {"failed_events": [{"index": -1, "error": "x"}]}, {"failed_events": [{"index": 99}]}, None],
)
def test_a_202_with_nonsense_refuses_nothing(stats):
    answer = Answer(202, {}, json.dumps({"batch_stats": stats}).encode())
    assert [index for index in judge(answer, is_compressed=True).failed if index < 2] == []


def test_a_422_about_an_element_before_the_first_is_halved():
    body = json.dumps({"detail": [{"loc": ["body", -1], "msg": "no"}]}).encode()
    assert judge(Answer(422, {}, body), is_compressed=True).action == "halve"


@pytest.mark.parametrize(("said", "seconds"), [("nan", None), ("inf", 3600.0), ("-5", 0.0), ("soon", None), ("7", 7.0)])
def test_a_retry_after_is_a_number_of_seconds_or_nothing(said, seconds):
    """Not a number would be asked again without any wait."""
    assert judge(Answer(503, {"retry-after": said}, b""), is_compressed=True).after == seconds


def test_a_redirect_names_the_address_to_enter():
    said = say_of_wrong_address(Answer(301, {"location": "https://cm.example.com/login/"}, b""), "cm.example.com")
    assert said["code"] == "moved"
    assert "https://cm.example.com" in said["en"]
    assert "login" not in said["en"]
    for elsewhere in ("/login", "javascript:alert(1)", "https://", ""):
        assert say_of_wrong_address(Answer(302, {"location": elsewhere}, b""), "host")["code"] == "wrong-address"


def test_the_page_of_a_network_that_wants_a_login_is_no_new_address():
    for answer in (
        Answer(302, {"location": "https://student:secret@login.school.example/portal?to=x"}, b""),
        Answer(200, {"content-type": "text/html; charset=utf-8"}, b"<html>Welcome to our wireless network"),
    ):
        said = say_of_wrong_address(answer, "cm.example.com")
        assert said["code"] == "login-page"
        assert "cm.example.com" in said["en"]
        assert "secret" not in said["en"]
    assert say_of_wrong_address(Answer(307, {"location": "http://[broken"}, b""), "h")["code"] == "wrong-address"


def test_an_answer_that_drips_is_no_answer(monkeypatch):
    """No single read is late, and the whole would take for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        product = Product(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.3)
        before = time.monotonic()
        with pytest.raises(Unreachable):
            product.request("GET", "/")
        assert time.monotonic() - before < 5
        product.close()


@pytest.mark.parametrize("body", ["[" * 100_000, "null", '"text"', "[]", "{}", '{"batch_stats": 3}'])
def test_hostile_bodies_are_read_as_nothing(body):
    for status in (202, 400, 401, 413, 422, 500):
        assert judge(Answer(status, {}, body.encode()), is_compressed=True).failed == {}
