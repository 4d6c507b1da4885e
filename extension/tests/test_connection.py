"""The token: asked for once, used for everything, waited for, never taken without consent."""

import pytest

from cell_monitor_lab.connection import Connection
from cell_monitor_lab.identity import resolve
from cell_monitor_lab.privacy import Privacy
from cell_monitor_lab.product import Unreachable
from cell_monitor_lab.sender import NotReady
from cell_monitor_lab.settings import Settings

TOKEN = ("POST", "/api/v1/me/token")
STUDENT = {"id": 7, "email": "hanako@example.com", "name": "Hanako", "team": None}
CLASS = {"id": 1, "name": "Python", "class_code": "PY"}


def claimed(status="active"):
    return 201, {"token": "T", "status": status, "check_number": "42", "student": STUDENT, "class": CLASS}


class Setup:
    def __init__(self, stub, tmp_path, *, consent=True):
        self.stub = stub
        self.settings = Settings(tmp_path / "settings.json")
        self.panel = {"url": stub.url, "user_id": "hanako@example.com"}
        self.environ = {}
        self.privacy = Privacy(self.settings, lambda: self.identity().url, is_given_by_school=consent)
        self.connection = Connection(self.settings, self.identity, self.privacy)

    def identity(self):
        return resolve({}, self.environ, {"panel": self.panel})

    def refusal(self):
        with pytest.raises(NotReady) as error:
            self.connection.route()
        return error.value


@pytest.fixture
def setup(stub, tmp_path):
    return Setup(stub, tmp_path)


def test_the_first_device_is_active_at_once(setup, stub):
    stub.answers[TOKEN] = claimed()
    setup.panel["class_code"] = "K7QF-2M9X"
    route = setup.connection.route()
    assert route.headers == {"Authorization": "Student T"}
    assert setup.connection.route().headers == route.headers
    assert len(stub.requests) == 1
    body = stub.requests[0][3]
    assert (body["userId"], body["class_code"]) == ("hanako@example.com", "K7QF-2M9X")
    assert body["device"]
    assert setup.connection.student() == STUDENT
    assert setup.connection.state() == {"status": "active", "check_number": "42", "class": CLASS}


def test_a_class_key_goes_in_its_header_and_only_until_there_is_a_token(setup, stub):
    stub.answers[TOKEN] = claimed()
    setup.panel["url"] = f"{stub.url}/api/v1/events?key=KEY"
    assert setup.connection.route().headers == {"Authorization": "Student T"}
    assert stub.requests[0][2]["X-Class-Key"] == "KEY"
    assert "class_code" not in stub.requests[0][3]


def test_a_second_device_waits_until_it_is_confirmed(setup, stub):
    stub.answers[TOKEN] = claimed("waiting")
    stub.answers["GET", "/api/v1/me/token"] = (200, {"status": "waiting", "student": STUDENT, "class": CLASS})
    setup.panel["class_code"] = "K7QF-2M9X"
    error = setup.refusal()
    assert "42" in error.text["en"]
    assert error.after == 15
    assert not setup.connection.has_token()
    stub.answers["GET", "/api/v1/me/token"] = (200, {"status": "active", "student": STUDENT, "class": CLASS})
    assert setup.connection.route().headers == {"Authorization": "Student T"}
    assert [request[0] for request in stub.requests].count("POST") == 1


@pytest.mark.parametrize(
    ("status", "code", "after"),
    [
        (401, "code-unknown", 600),
        (403, "refused", 600),
        (422, "not-taken", 600),
        (429, "try-later", 60),
        (404, "wrong-address", 60),
    ],
)
def test_what_no_token_says(setup, stub, status, code, after):
    stub.answers[TOKEN] = (status, {"detail": "why"})
    setup.panel["class_code"] = "K7QF-2M9X"
    error = setup.refusal()
    assert (error.text["code"], error.after) == (code, after)


def test_a_product_without_tokens_is_sent_to_with_the_class_key(setup, stub):
    setup.panel["url"] = f"{stub.url}?key=KEY"
    assert setup.connection.route().headers == {"X-Class-Key": "KEY"}
    setup.connection.route()
    assert len(stub.requests) == 1


def test_two_servers_on_one_home_that_ask_at_once_share_the_token_that_counts(setup, stub):
    setup.panel["class_code"] = "K7QF-2M9X"
    owner = {"url": stub.url, "user_id": "hanako@example.com", "key": ""}

    def second(_value, _headers):
        other = {"token": "FIRST", "status": "active", "student": STUDENT, "class": CLASS, "owner": owner}
        Settings(setup.settings._path).put(token=other)  # the other server's answer came first
        return claimed("waiting")

    stub.answers[TOKEN] = second
    assert setup.connection.route().headers == {"Authorization": "Student FIRST"}
    assert setup.connection.state()["status"] == "active"


def test_a_product_that_is_away_is_unreachable(setup, stub):
    stub.answers[TOKEN] = (503, {})
    setup.panel["class_code"] = "K7QF-2M9X"
    with pytest.raises(Unreachable):
        setup.connection.route()


def test_without_consent_no_request_leaves(stub, tmp_path):
    setup = Setup(stub, tmp_path, consent=False)
    setup.panel["class_code"] = "K7QF-2M9X"
    assert setup.refusal().text["code"] == "consent-needed"
    assert stub.requests == []


def test_without_configuration_no_request_leaves(setup, stub):
    setup.panel = {}
    assert setup.refusal().text["code"] == "not-configured"
    assert stub.requests == []


def test_a_token_is_of_one_student_at_one_address(setup, stub):
    stub.answers[TOKEN] = claimed()
    setup.panel["class_code"] = "K7QF-2M9X"
    setup.connection.route()
    setup.panel["user_id"] = "taro@example.com"
    assert not setup.connection.has_token()
    setup.connection.route()
    assert stub.requests[-1][3]["userId"] == "taro@example.com"


def test_forgetting_ends_the_token_at_the_product(setup, stub):
    stub.answers[TOKEN] = claimed()
    stub.answers["DELETE", "/api/v1/me/token"] = (204, None)
    setup.panel["class_code"] = "K7QF-2M9X"
    setup.connection.route()
    setup.connection.forget()
    assert stub.requests[-1][0] == "DELETE"
    assert stub.requests[-1][2]["Authorization"] == "Student T"
    assert not setup.connection.has_token()


def test_another_class_key_asks_for_another_token_and_ends_the_first(setup, stub):
    stub.answers[TOKEN] = claimed()
    setup.panel["url"] = f"{stub.url}/api/v1/events?key=KEY-A"
    setup.connection.route()
    setup.panel["url"] = f"{stub.url}/api/v1/events?key=KEY-B"
    setup.connection.route()
    told = [(method, headers.get("X-Class-Key") or headers["Authorization"]) for method, _, headers, _ in stub.requests]
    assert told == [("POST", "KEY-A"), ("DELETE", "Student T"), ("POST", "KEY-B")]


def test_a_token_that_could_not_be_ended_is_ended_before_the_next_is_asked_for(setup, stub):
    stub.answers[TOKEN] = claimed()
    setup.panel["class_code"] = "K7QF-2M9X"
    setup.connection.route()
    stub.answers["DELETE", "/api/v1/me/token"] = (503, {})
    setup.connection.forget()
    assert not setup.connection.has_token()
    with pytest.raises(Unreachable):
        setup.connection.route()
    stub.answers["DELETE", "/api/v1/me/token"] = (204, {})
    setup.connection.route()
    assert [method for method, *_ in stub.requests] == ["POST", "DELETE", "DELETE", "DELETE", "POST"]
    assert setup.settings.get("retired") is None


def test_a_waiting_token_that_was_revoked_is_asked_for_again(setup, stub):
    stub.answers[TOKEN] = claimed("waiting")
    stub.answers["GET", "/api/v1/me/token"] = (401, {"detail": "Unknown student token"})
    setup.panel["class_code"] = "K7QF-2M9X"
    setup.connection._claim(setup.identity())
    stub.answers[TOKEN] = claimed("active")
    assert setup.connection.route().headers == {"Authorization": "Student T"}
