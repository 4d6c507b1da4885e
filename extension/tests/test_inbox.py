"""What was read on one device is told to the product."""

from uuid import uuid4

from cell_monitor_lab.inbox import mark_read
from cell_monitor_lab.sender import NotReady, Route
from cell_monitor_lab.texts import say


def test_what_was_read_is_told(stub):
    ids = [str(uuid4()), str(uuid4())]
    for each in ids:
        stub.answers["POST", f"/api/v1/progress/notifications/{each}/read"] = (200, {})
    route = Route(stub.url, {"Authorization": "Student t"}, "monitor")
    mark_read(lambda: route, [f"notifications:{ids[0]}", f"messages:{ids[1]}", "notifications:0123456789abcdef", "x"])
    told = [(method, path) for method, path, _, _ in stub.requests]
    assert told == [("POST", f"/api/v1/progress/notifications/{each}/read") for each in ids]


def test_without_a_token_or_the_product_nothing_happens(stub):
    keys = [f"notifications:{uuid4()}"]
    mark_read(lambda: Route(stub.url, {"X-Class-Key": "k"}, "monitor"), keys)

    def not_ready() -> Route:
        raise NotReady(say("not-configured"), 1.0)

    mark_read(not_ready, keys)
    assert stub.requests == []
    mark_read(lambda: Route("http://127.0.0.1:9", {"Authorization": "Student t"}, "monitor"), keys)
