"""The supervisor with children of one line: what it says, what it brings back, how it ends them."""

import io
import signal
import sys
import time

import pytest

from operations.local.processes import Program
from operations.local.supervisor import MIN_PAUSE, StartFailed, Stopped, Supervisor


def program(code: str, *, name: str = "child", rank: int = 0, stop_timeout: float = 5.0) -> Program:
    return Program(name=name, rank=rank, argv=(sys.executable, "-u", "-c", code), stop_timeout=stop_timeout)


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(output: io.StringIO):
    supervisor = Supervisor(output=output)
    yield supervisor
    supervisor.stop()


def test_lines_carry_the_childs_name(supervisor: Supervisor, output: io.StringIO) -> None:
    code = "import sys; print('one'); print('two', file=sys.stderr); print('three', end='')"
    assert supervisor.finish(program(code, name="web")) == 0
    assert output.getvalue() == "web      | one\nweb      | two\nweb      | three\n"


def test_the_exit_code_of_a_one_time_task(supervisor: Supervisor) -> None:
    assert supervisor.finish(program("raise SystemExit(3)")) == 3
    assert supervisor.children == []


def test_what_ends_is_started_again_ever_more_slowly(supervisor: Supervisor, output: io.StringIO) -> None:
    child = supervisor.start(program("print('here')"))
    supervisor.wait_for(lambda: output.getvalue().count("here") == 2, seconds=10, what="two lives")
    assert f"child ended with code 0; starting it again in {MIN_PAUSE:g} s" in output.getvalue()
    assert child.pause > MIN_PAUSE


def test_a_program_that_does_not_exist_fails(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match="gone cannot be started"):
        supervisor.start(Program(name="gone", rank=0, argv=("/does/not/exist",)))


def test_waiting_has_an_end_and_can_be_interrupted(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match="The moon did not happen"):
        supervisor.wait_for(lambda: False, seconds=0.05, what="The moon")
    supervisor.stop_signals = 1
    with pytest.raises(Stopped):
        supervisor.wait_for(lambda: False, seconds=5, what="The moon")


def test_they_end_by_rank_and_the_stubborn_are_killed(supervisor: Supervisor, output: io.StringIO) -> None:
    polite = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(print('bye')))"
    polite += "; print('up'); time.sleep(60)"
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"
    supervisor.start(program(polite, name="store", rank=0))
    supervisor.start(program(polite, name="web", rank=2))
    supervisor.start(program(deaf, name="worker", rank=1, stop_timeout=0.2))
    supervisor.wait_for(lambda: output.getvalue().count("up\n") == 3, seconds=10, what="three starts")
    supervisor.stop()
    said = output.getvalue()
    order = [said.index(line) for line in ("web      | bye", "worker does not end; killing it", "store    | bye")]
    assert order == sorted(order)


def test_a_second_signal_hurries(supervisor: Supervisor, output: io.StringIO) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"
    supervisor.listen()
    try:
        supervisor.start(program(deaf, stop_timeout=60))
        supervisor.wait_for(lambda: "up\n" in output.getvalue(), seconds=10, what="the start")
        signal.raise_signal(signal.SIGINT)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
        began = time.monotonic()
        supervisor.run()
        supervisor.stop()
        assert time.monotonic() - began < 30
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_nobody_reads_any_more(supervisor: Supervisor) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    supervisor.output = Closed()
    assert supervisor.finish(program("print('unheard')")) == 0
    supervisor.output.close()
    supervisor.output = io.StringIO()
