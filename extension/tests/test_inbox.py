"""What was read on one device is told to the product."""

from cell_monitor_lab.inbox import mark_read
from cell_monitor_lab.sender import NotReady, Route
from cell_monitor_lab.texts import say


def test_what_was_read_is_told(stub):
    stub.answers["POST", "/api/v1/progress/notifications/5/read"] = (200, {})
    route = Route(stub.url, {"Authorization": "Student t"}, "monitor")
    mark_read(lambda: route, ["notifications:5", "messages:7", "notifications:0123abc", "nonsense"])
    told = [(method, path) for method, path, _, _ in stub.requests]
    assert told == [("POST", f"/api/v1/progress/notifications/{number}/read") for number in (5, 7)]


def test_without_a_token_or_the_product_nothing_happens(stub):
    mark_read(lambda: Route(stub.url, {"X-Class-Key": "k"}, "monitor"), ["notifications:5"])

    def not_ready() -> Route:
        raise NotReady(say("not-configured"), 1.0)

    mark_read(not_ready, ["notifications:5"])
    assert stub.requests == []
    mark_read(lambda: Route("http://127.0.0.1:9", {"Authorization": "Student t"}, "monitor"), ["notifications:5"])
