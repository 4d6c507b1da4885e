"""The rules for help as pure functions: docs/contract/events.md section 3.2."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.processing.help_rules import Dismissal, HelpSignal, Timeouts, reduce_signals

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TIMEOUTS = Timeouts(single=timedelta(minutes=5), resent=timedelta(seconds=45))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def ask(seconds: float, notebook: str = "a.ipynb") -> HelpSignal:
    return HelpSignal(at(seconds), "ask", "s1", notebook)


def stop(seconds: float) -> HelpSignal:
    return HelpSignal(at(seconds), "stop", "s1", "a.ipynb")


def test_asking_since_the_first_of_the_re_sends():
    asking = reduce_signals([ask(0), ask(10), ask(20)], timeouts=TIMEOUTS).open_request
    assert (asking.since, asking.last, asking.resent) == (at(0), at(20), True)


def test_stop_ends_it():
    assert reduce_signals([ask(0), ask(10), stop(12)], timeouts=TIMEOUTS).open_request is None


def test_late_request_older_than_the_stop_changes_nothing():
    assert reduce_signals([stop(12), ask(10)], timeouts=TIMEOUTS).open_request is None


def test_stop_and_request_of_the_same_moment_end():
    assert reduce_signals([ask(10), stop(10)], timeouts=TIMEOUTS).open_request is None


def test_request_after_the_stop_is_a_new_one():
    assert reduce_signals([ask(0), stop(5), ask(8)], timeouts=TIMEOUTS).open_request.since == at(8)


def test_one_request_lasts_five_minutes_without_re_send():
    assert reduce_signals([ask(0), ask(299)], timeouts=TIMEOUTS).open_request.since == at(0)
    assert reduce_signals([ask(0), ask(301)], timeouts=TIMEOUTS).open_request.since == at(301)


def test_re_sent_request_ends_after_45_seconds_of_silence():
    assert reduce_signals([ask(0), ask(10), ask(54)], timeouts=TIMEOUTS).open_request.since == at(0)
    assert reduce_signals([ask(0), ask(10), ask(56)], timeouts=TIMEOUTS).open_request.since == at(56)


DISMISSED = Dismissal(at(20), "s1", "a.ipynb")


def test_re_sends_of_a_dismissed_request_raise_nothing():
    signals = [ask(second) for second in range(0, 200, 10)]
    assert reduce_signals(signals, timeouts=TIMEOUTS, dismissal=DISMISSED).open_request is None


def test_help_after_half_a_minute_of_silence_is_a_new_request():
    signals = [ask(0), ask(10), ask(20), ask(30), ask(61)]
    assert reduce_signals(signals, timeouts=TIMEOUTS, dismissal=DISMISSED).open_request.since == at(61)


def test_help_after_a_stop_is_a_new_request_although_it_was_dismissed():
    assert reduce_signals(
        [ask(20), ask(30), stop(32), ask(34)], timeouts=TIMEOUTS, dismissal=DISMISSED
    ).open_request.since == at(34)


def test_help_in_another_notebook_is_a_new_request():
    signals = [ask(20), ask(30), ask(31, "b.ipynb"), ask(40)]
    assert reduce_signals(signals, timeouts=TIMEOUTS, dismissal=DISMISSED).open_request.since == at(31)


signals = st.lists(
    st.builds(
        HelpSignal,
        st.integers(0, 400).map(at),
        st.sampled_from(["ask", "stop"]),
        st.just("s1"),
        st.sampled_from(["a.ipynb", "b.ipynb"]),
    ),
    max_size=30,
)


@given(signals, st.randoms(), st.none() | st.integers(0, 400).map(lambda s: Dismissal(at(s), "s1", "a.ipynb")))
def test_any_order_and_any_repetition_give_the_same_state(given_signals, random, dismissal):
    again = given_signals + random.choices(given_signals, k=5) if given_signals else []
    random.shuffle(again)
    assert reduce_signals(given_signals, timeouts=TIMEOUTS, dismissal=dismissal) == reduce_signals(
        again, timeouts=TIMEOUTS, dismissal=dismissal
    )


@given(signals)
def test_asking_only_after_the_last_stop(given_signals):
    state = reduce_signals(given_signals, timeouts=TIMEOUTS)
    stops = [signal.at for signal in given_signals if signal.kind == "stop"]
    if state.open_request and stops:
        assert state.open_request.since > max(stops)


# --- Clocks and sessions: an end ends its own request, and no clock makes a request invisible


def sent(seconds: float, kind: str = "ask", session: str = "s1", received: float | None = None) -> HelpSignal:
    """At that second by the sender's clock, received at that second by ours."""
    return HelpSignal(at(seconds), kind, session, "a.ipynb", None, at(seconds if received is None else received))


def asking(*signals: HelpSignal, dismissal: Dismissal | None = None):
    return reduce_signals(signals, timeouts=TIMEOUTS, dismissal=dismissal).open_request


def test_end_of_another_session_leaves_the_request():
    assert asking(sent(0, session="A"), sent(5, "stop", "B")).session == "A"


def test_who_asks_in_two_sessions_asks_until_both_have_ended():
    both = [sent(0, session="A"), sent(3, session="B")]
    assert asking(*both, sent(5, "stop", "A")).session == "B"
    assert asking(*both, sent(5, "stop", "A"), sent(6, "stop", "B")) is None


def test_session_that_fell_silent_does_not_keep_the_request_open():
    resent = [sent(0, session="A"), sent(10, session="A")]
    assert asking(*resent, sent(20, session="B"), sent(30, "stop", "B")).session == "A"
    assert asking(*resent, sent(60, session="B"), sent(70, "stop", "B")) is None


@pytest.mark.parametrize("off", [-3600, -240, -30, 30, 240])
def test_second_computer_whose_clock_is_wrong_is_seen(off):
    """`off`: how far its clock is ahead of ours."""
    first = [sent(0, session="A"), sent(60, "stop", "A")]
    assert asking(*first, sent(120 + off, session="B", received=120)) is not None


def test_clock_that_was_ahead_and_is_set_right_hides_no_request():
    """Four minutes ahead when help was switched off; asked again after the clock was set: "earlier" by its own time."""
    before = [sent(240, received=0), sent(250, "stop", received=10)]
    assert asking(*before, sent(30, received=30)) is not None
    assert asking(*before, sent(30, received=30), sent(40, "stop", received=40)) is None


def test_clock_that_is_set_back_an_hour_hides_no_request():
    before = [sent(0), sent(10, "stop")]
    assert asking(*before, sent(20 - 3600, received=20)) is not None


def test_clock_that_is_set_back_by_minutes_is_known_from_the_re_sends():
    before = [sent(600), sent(610, "stop")]
    once = sent(620 - 120, received=620)
    assert asking(*before, once) is None, "one alone may be late"
    assert asking(*before, once, sent(630 - 120, received=630)) is not None


@pytest.mark.parametrize("late", [1, 20, 38, 59, 300, 599])
def test_late_request_of_the_same_session_changes_nothing(late):
    assert asking(sent(10, "stop"), sent(9, received=9 + late)) is None


def test_burst_of_an_offline_queue_keeps_its_order():
    """Sent over minutes, received at once."""
    queued = [sent(second, received=900) for second in range(0, 120, 10)]
    assert asking(*queued, sent(125, "stop", received=900)) is None
    assert asking(sent(125, "stop", received=899), *queued) is None


def test_dismissal_ends_what_every_session_had_asked():
    dismissal = Dismissal(at(20), "A", "a.ipynb", ended_at=at(25))
    signals = [sent(n, session=session) for n in (0, 10, 20, 30, 40) for session in ("A", "B")]
    assert asking(*signals, dismissal=dismissal) is None
    again = sent(90, session="B")
    assert asking(*signals, again, dismissal=dismissal).session == "B"


clocks = st.lists(
    st.builds(
        lambda second, kind, session, late: sent(second, kind, session, second + late),
        st.integers(0, 900),
        st.sampled_from(["ask", "ask", "stop"]),
        st.sampled_from(["A", "B"]),
        st.sampled_from([0, 1, 30, 200, 700, -200]),
    ),
    max_size=20,
)


@given(clocks, st.randoms())
def test_any_order_of_arrival_gives_one_state_whatever_the_clocks(given_signals, random):
    again = given_signals + given_signals[:5]
    random.shuffle(again)
    assert reduce_signals(given_signals, timeouts=TIMEOUTS) == reduce_signals(again, timeouts=TIMEOUTS)
