"""Help as the product sees it, and the inbox that tells it."""

import pytest

from cell_monitor_lab.help import Help
from cell_monitor_lab.inbox import Inbox
from cell_monitor_lab.sender import Route
from cell_monitor_lab.settings import Settings

OFF = {"state": "off", "place": None, "of": None, "since": None, "by_name": None}
ASKED = {**OFF, "state": "asked", "place": 2, "of": 5, "since": "2026-05-01T10:00:00.000Z"}
COMING = {**OFF, "state": "coming", "since": ASKED["since"], "by_name": "Ms Ito"}
ANSWERED = {**OFF, "state": "answered", "since": "2026-05-01T10:05:00.000Z", "by_name": "Ms Ito"}


class Recorder:
    is_recording = True

    def __init__(self):
        self.kinds = []

    def event(self, kind, **fields):
        self.kinds.append(kind)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def asked(recorder):
    made = Help(recorder, lambda: "host", lambda: True, lambda state: None)
    made.start(1000.0, path="a.ipynb", cell_id="c")
    return made


def code(asked):
    return asked.state()["text"]["code"]


def test_what_the_student_reads(asked):
    assert code(asked) == "help-asked"
    asked.ended_by_product(ASKED)
    assert asked.state()["text"]["en"] == "You are number 2 of 5 in the queue."
    asked.ended_by_product(COMING)
    assert asked.state()["text"]["en"] == "Ms Ito is on the way to you."
    assert asked.state()["product"]["by_name"] == "Ms Ito"
    asked.ended_by_product({**COMING, "by_name": None})
    assert code(asked) == "help-somebody-coming"
    asked.ended_by_product({**ASKED, "state": "not_found"})
    assert code(asked) == "help-not-found"
    asked.ended_by_product(ANSWERED)
    assert (asked.is_on, code(asked)) == (False, "help-answered")


def test_off_before_the_request_was_there_is_no_end(asked, recorder):
    asked.ended_by_product(OFF)
    assert asked.is_on
    asked.ended_by_product(ASKED)
    asked.ended_by_product(OFF)
    assert not asked.is_on
    assert recorder.kinds == ["help"]  # the product knows, so no help_stop


def test_an_answer_between_two_looks_ends_it(asked):
    asked.ended_by_product(ANSWERED)
    assert not asked.is_on


def test_an_earlier_answer_does_not_end_a_new_request(asked):
    asked.ended_by_product(ANSWERED)
    asked.start(2000.0, path="a.ipynb", cell_id="c")
    asked.ended_by_product(ANSWERED)
    assert asked.is_on
    asked.ended_by_product({**ANSWERED, "since": "2026-05-01T10:09:00.000Z"})
    assert not asked.is_on


def test_the_inbox_goes_on_from_its_position_and_tells_changes(stub, tmp_path):
    told = []
    settings = Settings(tmp_path / "settings.json")
    route = Route(stub.url, {"Authorization": "Student T"}, "host")
    inbox = Inbox(lambda: route, settings, lambda: True, told.append)
    answer = {"next": "p1", "notifications": [], "messages": [], "help": OFF}
    for changes in ({}, {"next": "p2"}, {"help": ASKED}, {"messages": [{"message": "Hi"}]}):
        answer = {**answer, **changes}
        stub.answers["GET", "/api/v1/me/inbox"] = (200, answer)
        inbox._poll()
    assert [each["help"]["state"] for each in told] == ["off", "asked", "asked"]
    asked = [path.partition("?")[2] for _, path, _, _ in stub.requests]
    assert asked == ["since=&wait=0", "since=p1&wait=25", "since=p2&wait=25", "since=p2&wait=25"]


def test_help_is_repeated_though_the_clock_is_put_back(asked, recorder):
    """A laptop that was 47 min fast is set right while its student waits; 45 s of silence are the end of a request."""
    asked.tick(1016.0 - 2820, has_tab=True)
    asked.tick(1020.0 - 2820, has_tab=True)
    assert recorder.kinds == ["help", "help"]


def test_a_place_that_is_told_before_the_delivery_is_noted_is_shown(recorder):
    """The inbox answers at once; the product tells a place only when it changes."""
    is_delivered = False
    made = Help(recorder, lambda: "host", lambda: is_delivered, lambda state: None)
    made.start(1000.0, path="a.ipynb", cell_id="c")
    made.ended_by_product(ASKED)
    assert code(made) == "help-asking"
    is_delivered = True
    made.tick(1001.0, has_tab=True)
    assert code(made) == "help-queue"


def test_an_earlier_answer_that_is_told_early_ends_nothing(recorder):
    is_delivered = False
    made = Help(recorder, lambda: "host", lambda: is_delivered, lambda state: None)
    made.start(1000.0, path="a.ipynb", cell_id="c")
    made.ended_by_product(ANSWERED)
    is_delivered = True
    made.tick(1001.0, has_tab=True)
    assert made.is_on
