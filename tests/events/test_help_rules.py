"""The rules for help as pure functions: docs/contract/events.md section 3.2."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from events.help import Dismissal, Signal, Silence, fold

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SILENCE = Silence(single=timedelta(minutes=5), resent=timedelta(seconds=45))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def ask(seconds: float, notebook: str = "a.ipynb") -> Signal:
    return Signal(at(seconds), "ask", "s1", notebook)


def stop(seconds: float) -> Signal:
    return Signal(at(seconds), "stop", "s1", "a.ipynb")


def test_asking_since_the_first_of_the_re_sends():
    asking = fold([ask(0), ask(10), ask(20)], silence=SILENCE).asking
    assert (asking.since, asking.last, asking.resent) == (at(0), at(20), True)


def test_stop_ends_it():
    assert fold([ask(0), ask(10), stop(12)], silence=SILENCE).asking is None


def test_late_request_older_than_the_stop_changes_nothing():
    assert fold([stop(12), ask(10)], silence=SILENCE).asking is None


def test_stop_and_request_of_the_same_moment_end():
    assert fold([ask(10), stop(10)], silence=SILENCE).asking is None


def test_request_after_the_stop_is_a_new_one():
    assert fold([ask(0), stop(5), ask(8)], silence=SILENCE).asking.since == at(8)


def test_one_request_lasts_five_minutes_without_re_send():
    assert fold([ask(0), ask(299)], silence=SILENCE).asking.since == at(0)
    assert fold([ask(0), ask(301)], silence=SILENCE).asking.since == at(301)


def test_re_sent_request_ends_after_45_seconds_of_silence():
    assert fold([ask(0), ask(10), ask(54)], silence=SILENCE).asking.since == at(0)
    assert fold([ask(0), ask(10), ask(56)], silence=SILENCE).asking.since == at(56)


DISMISSED = Dismissal(at(20), "s1", "a.ipynb")


def test_re_sends_of_a_dismissed_request_raise_nothing():
    signals = [ask(second) for second in range(0, 200, 10)]
    assert fold(signals, silence=SILENCE, dismissal=DISMISSED).asking is None


def test_help_after_half_a_minute_of_silence_is_a_new_request():
    signals = [ask(0), ask(10), ask(20), ask(30), ask(61)]
    assert fold(signals, silence=SILENCE, dismissal=DISMISSED).asking.since == at(61)


def test_help_after_a_stop_is_a_new_request_although_it_was_dismissed():
    assert fold([ask(20), ask(30), stop(32), ask(34)], silence=SILENCE, dismissal=DISMISSED).asking.since == at(34)


def test_help_in_another_notebook_is_a_new_request():
    signals = [ask(20), ask(30), ask(31, "b.ipynb"), ask(40)]
    assert fold(signals, silence=SILENCE, dismissal=DISMISSED).asking.since == at(31)


signals = st.lists(
    st.builds(
        Signal,
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
    assert fold(given_signals, silence=SILENCE, dismissal=dismissal) == fold(
        again, silence=SILENCE, dismissal=dismissal
    )


@given(signals)
def test_asking_only_after_the_last_stop(given_signals):
    state = fold(given_signals, silence=SILENCE)
    stops = [signal.at for signal in given_signals if signal.kind == "stop"]
    if state.asking and stops:
        assert state.asking.since > max(stops)
