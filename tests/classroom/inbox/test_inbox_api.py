"""`GET /me/inbox` and the help of `/me`: what a student is told, theirs alone, once."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from classroom.attention.services import perform
from classroom.base.classrooms import classroom_of_class
from core.time_formats import moment_text, zone_name
from events.models import HelpRequest
from events.processing import help_requests
from lms import due_date_extensions
from lms.access import Scope
from lms.models import AssignmentSubmission, DueDateExtension, ProgressNotification, Student, StudentClass
from lms.notifications import store_message
from tests.lms.tokens.conftest import device_of

pytestmark = pytest.mark.usefixtures("locked")


@pytest.fixture
def token(cast) -> str:
    return device_of(cast.python, "hanako@example.com")[1]


@pytest.fixture
def classmates(cast) -> list[Student]:
    made = [Student.objects.create(email=f"{name}@example.com", name=name.title()) for name in ("jiro", "aoi")]
    StudentClass.objects.bulk_create(StudentClass(student=each, class_ref=cast.python) for each in made)
    return made


def notice(student: Student, title: str, *, class_id: int, **fields) -> ProgressNotification:
    return ProgressNotification.objects.create(
        notification_id=uuid.uuid4(), recipient_id=student.email_key, title=title, message="m", class_id=class_id,
        **fields,
    )  # fmt: skip


def asks(cast, student: Student, *, minutes_ago: float = 1, class_id: int | None = None) -> HelpRequest:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return HelpRequest.objects.create(
        student=student, class_id=class_id or cast.python.pk, asked_at=at, last_asked_at=at, last_heard_at=at
    )


def act(cast, student: Student, what: str) -> None:
    room = classroom_of_class(user=cast.sato, class_id=cast.python.pk)
    perform(room, student, what, by=cast.sato, request=None, student_name="x", now=datetime.now(UTC))


@pytest.fixture
def read(ask, token):
    def call(since: str = "", *, token: str = token, **query) -> dict:
        more = "".join(f"&{name}={value}" for name, value in query.items())
        answer = ask("GET", f"/me/inbox?since={since}{more}", token=token)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return call


def titles(told: dict) -> list[str]:
    return [each["title"] for each in told["notifications"]]


# --- Notifications and messages -----------------------------------------------------------------------------------


def test_each_is_told_once_in_order(cast, read):
    first = notice(cast.hanako, "one", class_id=cast.python.pk)
    notice(cast.hanako, "two", class_id=cast.python.pk)
    told = read()
    assert titles(told) == ["one", "two"]
    assert told["notifications"][0]["notification_id"] == str(first.notification_id)
    assert titles(read(told["next"])) == []
    notice(cast.hanako, "three", class_id=cast.python.pk)
    assert titles(read(told["next"])) == ["three"]


def test_one_that_is_committed_late_is_told(cast, read):
    """A transaction that began before and ended after another: its row is older than what was told."""
    notice(cast.hanako, "quick", class_id=cast.python.pk)
    told = read()
    notice(cast.hanako, "slow", class_id=cast.python.pk, created_at=datetime.now(UTC) - timedelta(seconds=20))
    later = read(told["next"])
    assert titles(later) == ["slow"]
    assert titles(read(later["next"])) == []


def test_what_is_read_or_too_old_is_not_told(cast, ask, read, token):
    now = datetime.now(UTC)
    notice(cast.hanako, "old", class_id=cast.python.pk, created_at=now - timedelta(days=31))
    seen = notice(cast.hanako, "seen", class_id=cast.python.pk, created_at=now - timedelta(days=29))
    for since in ("", "nonsense", "1.5.0.."):
        assert titles(read(since)) == ["seen"]
    assert ask("POST", f"/progress/notifications/{seen.notification_id}/read", token=token).status_code == 200
    assert titles(read()) == []


def test_many_come_in_pages(cast, read):
    at = datetime.now(UTC) - timedelta(hours=1)
    for number in range(130):
        notice(cast.hanako, str(number), class_id=cast.python.pk, created_at=at)
    first = read()
    second = read(first["next"])
    assert titles(first) + titles(second) == [str(number) for number in range(130)]
    assert titles(read(second["next"])) == []


def test_nobody_elses_and_no_other_class(cast, read, classmates):
    jiro = classmates[0]
    StudentClass.objects.create(student=cast.hanako, class_ref=cast.rust)
    notice(jiro, "to Jiro", class_id=cast.python.pk)
    notice(cast.hanako, "of Rust", class_id=cast.rust.pk)
    notice(cast.hanako, "of Python", class_id=cast.python.pk)
    assert titles(read()) == ["of Python"]
    other = device_of(cast.python, "jiro@example.com")[1]
    assert titles(read(token=other)) == ["to Jiro"]
    rust = device_of(cast.rust, "hanako@example.com")[1]
    assert titles(read(token=rust)) == ["of Rust"]


def test_a_grade_is_told_with_its_points(cast, read):
    AssignmentSubmission.objects.create(
        assignment=cast.loops, student=cast.hanako, grade=8.5, feedback="Well done", status="graded"
    )
    [graded] = read()["notifications"]
    assert (graded["title"], graded["message"]) == ("Loops", "Graded: 8.5 Well done")


def test_messages_of_instructors_are_kept(cast, read, ask, token):
    store_message(cast.hanako, [cast.python.pk], by_name="Sato", text="Come\0 in", now=datetime.now(UTC))
    told = read()
    [message] = told["messages"]
    assert (message["instructor_name"], message["message"]) == ("Sato", "Come in")
    assert told["notifications"] == []
    assert read(told["next"])["messages"] == []
    assert ask("POST", f"/progress/notifications/{message['notification_id']}/read", token=token).status_code == 200
    assert read()["messages"] == []


@pytest.mark.parametrize("wait", ["26", "-1", "x", "1.5"])
def test_a_wait_that_is_none(ask, token, wait):
    assert ask("GET", f"/me/inbox?wait={wait}", token=token).status_code == 422


def test_it_takes_a_token_alone(cast, ask, token):
    assert ask("GET", "/me/inbox").status_code == 401
    assert ask("GET", "/me/inbox", token="guessed").status_code == 401
    waiting = device_of(cast.python, "hanako@example.com")[1]
    assert ask("GET", "/me/inbox", token=waiting).status_code == 403


# --- Help -----------------------------------------------------------------------------------------------------------


def help_of(ask, token) -> dict:
    told = ask("GET", "/me", token=token).json()["help"]
    assert ask("GET", "/me/inbox", token=token).json()["help"] == told
    return told


OFF = {"state": "off", "place": None, "of": None, "since": None, "by_name": None, "seats": []}


def test_a_request_from_place_to_answer(cast, ask, token, classmates):
    jiro, aoi = classmates
    assert help_of(ask, token) == OFF
    asks(cast, jiro, minutes_ago=5)
    mine = asks(cast, cast.hanako, minutes_ago=3)
    asks(cast, aoi, minutes_ago=1)
    told = help_of(ask, token)
    assert (told["state"], told["place"], told["of"], told["by_name"]) == ("asked", 2, 3, None)
    assert abs(datetime.fromisoformat(told["since"]) - mine.asked_at) < timedelta(milliseconds=1)
    act(cast, jiro, "claim")
    told = help_of(ask, token)
    assert (told["state"], told["place"], told["of"]) == ("asked", 1, 2)
    act(cast, cast.hanako, "claim")
    told = help_of(ask, token)
    assert (told["state"], told["place"], told["of"], told["by_name"]) == ("coming", None, None, cast.sato.name)
    act(cast, cast.hanako, "release")
    assert help_of(ask, token)["state"] == "asked"
    act(cast, cast.hanako, "not_found")
    told = help_of(ask, token)
    assert (told["state"], told["place"], told["of"]) == ("not_found", 2, 2)
    act(cast, cast.hanako, "resolve")
    told = help_of(ask, token)
    assert (told["state"], told["by_name"]) == ("answered", cast.sato.name)
    HelpRequest.objects.filter(pk=mine.pk).update(ended_at=datetime.now(UTC) - timedelta(minutes=11))
    assert help_of(ask, token) == OFF


def test_the_order_is_the_teachers(cast, ask, token, classmates):
    """A snoozed request and one who was not found come last, as on the page."""
    jiro, aoi = classmates
    for minutes, student in ((5, jiro), (4, aoi), (3, cast.hanako)):
        asks(cast, student, minutes_ago=minutes)
    act(cast, jiro, "snooze-5")
    act(cast, aoi, "not_found")
    told = help_of(ask, token)
    assert (told["place"], told["of"]) == (1, 3)


@pytest.mark.parametrize(
    ("ending", "state"), [("resolved", "answered"), ("dismissed", "off"), ("stopped", "off"), ("expired", "off")]
)
def test_how_a_request_ended(cast, ask, token, ending, state):
    asks(cast, cast.hanako)
    help_requests.end_by_instructor(
        cast.hanako.pk, scope=Scope((cast.python.pk,)), ending=HelpRequest.Ending(ending),
        instructor_id=cast.sato.pk, now=datetime.now(UTC),
    )  # fmt: skip
    assert help_of(ask, token)["state"] == state


def test_asking_again_after_an_answer(cast, ask, token):
    asks(cast, cast.hanako)
    act(cast, cast.hanako, "resolve")
    asks(cast, cast.hanako, minutes_ago=0)
    assert help_of(ask, token)["state"] == "asked"


def test_a_claim_ends_after_half_an_hour(cast, ask, token):
    mine = asks(cast, cast.hanako)
    act(cast, cast.hanako, "claim")
    HelpRequest.objects.filter(pk=mine.pk).update(claimed_at=datetime.now(UTC) - timedelta(minutes=31))
    assert help_of(ask, token)["state"] == "asked"


def test_of_another_class_nothing_is_told(cast, ask, token, classmates):
    StudentClass.objects.create(student=cast.hanako, class_ref=cast.rust)
    asks(cast, cast.hanako, class_id=cast.rust.pk)
    assert help_of(ask, token) == OFF
    asks(cast, cast.hanako)
    assert help_of(ask, token)["of"] == 1


def test_a_position_of_another_inbox_is_the_beginning(cast, read):
    """Of another class of the same student, too: else what came there before would never be told."""
    StudentClass.objects.create(student=cast.hanako, class_ref=cast.rust)
    notice(cast.hanako, "Of Rust", class_id=cast.rust.pk)
    _, other = device_of(cast.rust, "hanako@example.com")
    here = read()["next"]
    assert titles(read(here, token=other)) == ["Of Rust"]


# --- The due date of one student -------------------------------------------------------------------------------------


@pytest.fixture
def extend_to(cast):
    def extend_to(until: datetime, *, reason: str | None = None) -> DueDateExtension:
        return due_date_extensions.extend(
            cast.loops, cast.hanako.pk, until=until, reason=reason, by=cast.sato, request=None, now=datetime.now(UTC)
        )

    return extend_to


def test_an_extension_is_told_with_its_date_and_without_its_reason(cast, read, extend_to):
    until = cast.loops.due_date + timedelta(days=7)
    extend_to(until, reason="Ill for a week")
    [told] = read()["notifications"]
    assert (told["title"], told["level"], told["assignment_id"]) == ("Loops", "info", cast.loops.pk)
    assert moment_text(until) in told["message"]
    assert zone_name() in told["message"]
    assert "Ill" not in str(told)


def test_only_another_date_is_news(cast, read, extend_to):
    until = cast.loops.due_date + timedelta(days=7)
    extend_to(until)
    since = read()["next"]
    extend_to(until, reason="Typed later")
    assert read(since)["notifications"] == []
    extend_to(until + timedelta(days=1))
    [told] = read(since)["notifications"]
    assert moment_text(until + timedelta(days=1)) in told["message"]


def test_the_end_of_an_extension_is_told(cast, read, extend_to):
    granted = extend_to(cast.loops.due_date + timedelta(days=7))
    since = read()["next"]
    due_date_extensions.withdraw(granted, by=cast.sato, request=None, now=datetime.now(UTC))
    [told] = read(since)["notifications"]
    assert moment_text(cast.loops.due_date) in told["message"]


def test_the_end_of_one_that_no_longer_held_is_no_news(cast, read, extend_to):
    granted = extend_to(cast.loops.due_date + timedelta(days=7))
    since = read()["next"]
    granted.assignment.due_date = granted.due_date + timedelta(days=1)  # moved for everybody
    due_date_extensions.withdraw(granted, by=cast.sato, request=None, now=datetime.now(UTC))
    assert read(since)["notifications"] == []


def test_of_the_extension_of_a_classmate_nothing_is_told(cast, read, classmates):
    due_date_extensions.extend(
        cast.loops, classmates[0].pk, until=cast.loops.due_date + timedelta(days=7), reason=None, by=cast.sato,
        request=None, now=datetime.now(UTC),
    )  # fmt: skip
    assert read()["notifications"] == []
