"""The rules of what kernel messages mean: recorded traces, then each rule alone."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell_monitor_lab.contract import Cell, event_id
from cell_monitor_lab.reducer import Reducer
from cell_monitor_lab.tracked import Hint, Message

TRACES = sorted((Path(__file__).parent.parent / "traces").glob("*.jsonl"))
DATE = 1_795_819_000.0


def message(kind, parent, content=None, date=DATE, parent_type="execute_request", **more):
    content = content or {}
    return Message(kind, date, parent, parent_type, len(str(content)), lambda: content, **more)


def busy(run, date=DATE):
    return message("status", run, {"execution_state": "busy"}, date)


def idle(run, date=DATE):
    return message("status", run, {"execution_state": "idle"}, date)


def starts(run, date=DATE, count=1, code="1"):
    return message("execute_input", run, {"code": code, "execution_count": count}, date)


def prints(run, text, name="stdout"):
    return message("stream", run, {"name": name, "text": text})


def fails(run, name="ValueError"):
    return message("error", run, {"ename": name, "evalue": "bad", "traceback": ["a", "b"]})


class Player:
    """A reducer with a clock of its own that rings when something is due."""

    def __init__(self, **options):
        options.setdefault("locate", lambda _code: Cell(path="a.ipynb"))
        self.reducer = Reducer("k", **options)
        self.now = 0.0
        self.outputs = []

    def until(self, now):
        while True:
            due = self.reducer.due()
            if due is None or due > now:
                break
            self.now = max(self.now, due)
            taken = self.reducer.tick(self.now)
            self.outputs += taken
            if not taken and self.reducer.due() is not None and self.reducer.due() <= self.now:
                raise AssertionError("the reducer rings for nothing")
        self.now = max(now, self.now)

    def hear(self, *messages, at=None):
        for one in messages:
            self.until(self.now + 0.01 if at is None else at)
            self.outputs += self.reducer.message(one, self.now)
        return self

    def hint(self, run, at=None, **cell):
        self.until(self.now + 0.01 if at is None else at)
        cell = {"path": "a.ipynb", "cell_id": f"cell-{run}", **cell}
        self.outputs += self.reducer.hint(Hint(Cell(**cell), run, "code", self.now), self.now)
        return self

    def end(self, reason, at=None):
        self.until(self.now + 0.01 if at is None else at)
        self.outputs += self.reducer.life_ended(reason, self.now)
        return self

    def finish(self):
        self.until(self.now + 60)
        return self

    @property
    def events(self):
        return [output.event for output in self.outputs]

    def said(self):
        """Return what a trace expects."""
        found = []
        for output in self.outputs:
            event = output.event
            words = [event.get("cellId", "-").replace("cell-", ""), output.phase]
            if output.phase == "end":
                words += [event["status"], event["metadata"].get("reason", "-")]
                words.append(event.get("errorMessage", "-").split(":")[0] if event["status"] == "error" else "-")
            while words[-1] == "-":
                words.pop()
            found.append(" ".join(words))
        return found


def played(path, **options):
    player = Player(**options)
    for line in path.read_text().splitlines():
        step = json.loads(line)
        if "expect" in step:
            player.finish()
            return player, step["expect"]
        player.until(step["at"])
        if "hint" in step:
            hint = step["hint"]
            cell = Cell("a.ipynb", "a.ipynb", hint["cellId"], hint["cellIndex"])
            player.outputs += player.reducer.hint(Hint(cell, hint["msgId"], "", player.now), player.now)
        elif "kernel" in step:
            if step["kernel"] == "interrupted":
                player.outputs += player.reducer.interrupted(player.now)
            else:
                player.outputs += player.reducer.life_ended(step["kernel"], player.now)
        else:
            said = step["message"]
            one = message(said["type"], said["parent"], said["content"], said["date"])
            player.outputs += player.reducer.message(one, player.now)
    raise AssertionError("a trace ends with what it expects")


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_recorded_traces(path):
    player, expected = played(path)
    assert player.said() == expected


def test_there_are_traces():
    assert len(TRACES) >= 10


def test_durations_and_times_are_the_kernels():
    player, _expected = played(TRACES[0].with_name("lab46_run_all_error.jsonl"))
    ends = [output.event for output in player.outputs if output.phase == "end"]
    assert ends[1]["executionDurationMs"] == pytest.approx(1527.8, abs=0.1)
    assert ends[1]["eventTime"] == "2026-11-27T22:32:14.498Z"
    flood, _expected = played(TRACES[0].with_name("lab46_flood.jsonl"))
    assert flood.events[1]["executionDurationMs"] == pytest.approx(1777, abs=0.1)


def test_both_tabs_name_a_run_alike():
    first, _expected = played(TRACES[0].with_name("lab46_two_tabs_first.jsonl"))
    second, _expected = played(TRACES[0].with_name("lab46_two_tabs_second.jsonl"))
    assert [event["eventId"] for event in first.events] == [event["eventId"] for event in second.events]


def test_a_run_says_what_the_contract_wants():
    player = Player().hint("r", cell_index=3, local_path="x/a.ipynb")
    player.hear(busy("r"), starts("r", code="print(1)", count=7), prints("r", "1\n"), idle("r", DATE + 1.5)).finish()
    start, end = player.events
    assert start["eventType"] == "cell_execution_start"
    assert start["eventId"] == event_id("r", "start")
    assert end["eventId"] == event_id("r", "end") != start["eventId"]
    assert end["eventType"] == "cell_execution_complete"
    expected = {"code": "print(1)", "executionCount": 7, "cellId": "cell-r", "cellIndex": 3, "cellType": "code"}
    assert {name: end[name] for name in expected} == expected
    assert end["notebookPath"] == "a.ipynb"
    assert end["metadata"]["localPath"] == "x/a.ipynb"
    assert end["result"] == "1\n"
    assert end["executionDurationMs"] == 1500
    assert not end["hasError"]
    assert end["metadata"]["runId"] == "r"
    assert end["metadata"]["queuedMs"] >= 0


def test_an_error_says_its_name_value_and_traceback():
    event = Player().hint("r").hear(starts("r"), fails("r"), idle("r")).finish().events[1]
    assert (event["status"], event["errorMessage"]) == ("error", "ValueError: bad")
    assert event["eventType"] == "cell_execution_error"
    assert event["metadata"]["traceback"] == "a\nb"


def test_output_of_other_threads_just_after_idle_still_counts():
    player = Player().hint("r").hear(starts("r"), idle("r"))
    player.hear(prints("r", "late"), at=player.now + 0.1).finish()
    assert player.events[1]["result"] == "late"


def test_images_and_html_are_counted_and_never_sent():
    data = {"image/png": "iVBOR" * 100, "text/html": "<b>1</b>", "text/plain": "Figure"}
    player = Player().hint("r").hear(starts("r"), message("display_data", "r", {"data": data}), idle("r")).finish()
    event = player.events[1]
    assert event["result"] == "Figure\n"
    assert event["metadata"]["outputTypes"] == {"image/png": 500, "text/html": 8, "text/plain": 6}
    assert "iVBOR" not in json.dumps(event)


def test_a_private_cell_tells_kind_times_and_status_only():
    player = Player().hint("r", is_private=True)
    player.hear(starts("r", code="secret"), prints("r", "secret"), fails("r", "Secret"), idle("r")).finish()
    assert len(player.events) == 2
    assert "secret" not in json.dumps(player.events).lower()
    assert player.events[1]["status"] == "error"


def test_a_notebook_that_is_off_tells_nothing():
    player = Player().hint("r", is_off=True).hear(starts("r"), idle("r")).finish()
    assert player.events == []


def test_nothing_is_told_while_nothing_may_be_recorded():
    is_recording = [False]
    player = Player(is_recording=lambda: is_recording[0]).hint("r").hear(starts("r"))
    is_recording[0] = True
    assert player.hear(idle("r")).finish().events == []
    assert len(player.hint("s").hear(starts("s"), idle("s")).finish().events) == 2


def test_keyboard_interrupt_of_the_program_itself_is_an_error():
    player = Player().hint("r").hear(starts("r"), fails("r", "KeyboardInterrupt"), idle("r")).finish()
    assert player.said()[-1] == "r end error - KeyboardInterrupt"


def test_an_interrupt_that_is_told_after_idle_still_aborts():
    player = Player().hint("r").hear(starts("r"), fails("r", "KeyboardInterrupt"), idle("r"))
    player.outputs += player.reducer.interrupted(player.now)
    assert player.finish().said()[-1] == "r end aborted interrupted"


def test_a_restart_that_is_told_after_idle_aborts():
    player = Player().hint("r").hint("s").hear(starts("r"), fails("r", "KeyboardInterrupt"), idle("r"))
    player.end("restarted", at=player.now + 1.5).finish()
    assert player.said() == ["r start", "r end aborted restarted", "s end aborted restarted"]


def test_a_kernel_that_is_killed_at_once_dies_in_the_run_that_was_next():
    """Its beginning was lost with the process, as with `os.kill(os.getpid(), signal.SIGKILL)` in a cell."""
    player = Player().hint("r").hint("s").end("died").finish()
    assert player.said() == ["r end error - KernelDied", "s end aborted died"]
    assert "executionDurationMs" not in player.events[0]


def test_a_death_is_told_several_times_and_counts_once():
    player = Player().hint("r").hint("s").hear(starts("r"))
    player.end("died").end("shutdown").end("restarted")
    player.hear(message("status", None, {"execution_state": "starting"}))
    player.hint("t").hear(starts("t"), idle("t")).finish()
    assert player.said() == ["r start", "r end error - KernelDied", "s end aborted died", "t start", "t end success"]
    assert player.events[-1]["metadata"]["kernelStart"] == 2


def test_a_shutdown_may_be_half_of_a_restart():
    player = Player().hint("r").hear(starts("r")).end("shutdown").end("restarted").finish()
    assert player.said() == ["r start", "r end aborted restarted"]


def test_a_hint_between_a_restart_and_the_first_message_belongs_to_the_new_life():
    player = Player().hint("r").hear(starts("r"), idle("r")).end("restarted").hint("s")
    player.hear(message("status", None, {"execution_state": "starting"}), starts("s"), idle("s")).finish()
    assert player.said() == ["r start", "r end success", "s start", "s end success"]


def test_messages_of_the_old_life_still_count_for_five_seconds():
    player = Player().hint("r").hear(starts("r")).end("restarted")
    player.hear(prints("r", "last words"), at=player.now + 3).finish()
    assert player.events[1]["result"] == "last words"
    assert player.said()[1] == "r end aborted restarted"


def test_a_lost_idle_is_made_good_by_the_next_run():
    player = Player().hint("r").hint("s").hear(starts("r"), starts("s", DATE + 2, 2), idle("s", DATE + 3)).finish()
    assert player.said() == ["r start", "r end success", "s start", "s end success"]
    assert player.events[1]["executionDurationMs"] == 2000
    assert player.events[1]["metadata"]["endIsEstimated"]


def test_a_late_hint_is_waited_for():
    player = Player().hear(starts("r"), idle("r")).hint("r", at=1.5).finish()
    assert player.said() == ["r start", "r end success"]
    assert player.events[0]["cellId"] == "cell-r"


def test_without_a_hint_the_cell_is_found_by_its_source():
    cell = Cell("a.ipynb", "a.ipynb", "c", 4)
    player = Player(locate=lambda code: cell if code == "x = 1" else None)
    player.hear(starts("r", code="x = 1"), idle("r")).finish()
    assert player.events[0]["cellIndex"] == 4
    assert player.reducer.counts.without_hint == 1


def test_a_scheduled_cell_is_matched_by_its_source():
    player = Player()
    cell = Cell("a.ipynb", "a.ipynb", "scheduled")
    player.outputs += player.reducer.hint(Hint(cell, None, "x = 1"), 0)
    player.hear(starts("r", code="x = 1"), idle("r")).finish()
    assert player.events[0]["cellId"] == "scheduled"


def test_requests_of_other_extensions_are_not_reported_where_the_panel_speaks():
    player = (
        Player().hint("r").hear(starts("r"), idle("r"), starts("inspector", code="dir()"), idle("inspector")).finish()
    )
    assert player.said() == ["r start", "r end success"]
    assert player.reducer.counts.unexplained == 1


def test_a_kernel_without_a_notebook_is_not_reported():
    assert Player(locate=lambda _code: None).hear(starts("r"), idle("r")).finish().events == []


def test_silent_requests_comms_and_completions_are_not_reported():
    player = Player().hear(busy("silent"), idle("silent"))
    player.hear(message("status", "c", {"execution_state": "busy"}, parent_type="complete_request"))
    player.hear(message("iopub_welcome", None), prints(None, "no parent"))
    player.hear(message("execute_input", "x", {"code": "1", "execution_count": 1}, subshell_id="s"))
    assert player.finish().events == []


def test_an_aborted_cell_whose_hint_comes_late_is_told():
    player = Player().hear(busy("r"), idle("r")).hint("r", at=5).finish()
    assert player.said() == ["r end aborted error-before"]


def test_closing_the_server_ends_what_is_open():
    player = Player().hint("r").hint("s").hear(starts("r"))
    player.outputs += player.reducer.close(player.now)
    assert player.said() == ["r start", "r end aborted server-stopped", "s end aborted server-stopped"]


def test_a_start_brings_the_end_that_is_sent_after_a_kill():
    output = Player().hint("r").hear(starts("r")).outputs[0]
    assert output.unfinished["eventId"] == event_id("r", "end")
    assert output.unfinished["status"] == "aborted"
    assert "executionDurationMs" not in output.unfinished


@given(
    st.lists(
        st.sampled_from(["hint", "busy", "input", "print", "error", "idle", "die", "restart", "interrupt", "wait"]),
        max_size=60,
    ),
    st.randoms(),
)
def test_whatever_comes_every_start_has_one_end_and_ids_are_unique(steps, chance):
    player = Player()
    runs = [f"r{number}" for number in range(8)]
    started = 0
    for step in steps:
        run = runs[min(started + chance.randrange(2), 7)]
        if step == "hint":
            player.hint(run)
        elif step == "wait":
            player.until(player.now + chance.uniform(0, 8))
        elif step in ("die", "restart"):
            player.end({"die": "died", "restart": "restarted"}[step])
        elif step == "interrupt":
            player.outputs += player.reducer.interrupted(player.now)
        else:
            one = {"busy": busy, "input": starts, "error": fails, "idle": idle}.get(step)
            player.hear(one(run) if one else prints(run, "x"))
            started += step == "idle"
    player.finish()
    player.outputs += player.reducer.close(player.now)
    ids = [event["eventId"] for event in player.events]
    assert len(ids) == len(set(ids))
    by_run = {}
    for output in player.outputs:
        by_run.setdefault(output.msg_id, []).append(output.phase)
    assert all(phases in (["start", "end"], ["end"]) for phases in by_run.values())


def test_what_a_restart_aborts_behind_the_run_that_it_stops():
    player = (
        Player().hint("a").hint("b").hear(starts("a"), fails("a", "KeyboardInterrupt"), idle("a"), busy("b"), idle("b"))
    )
    player.end("restarted").finish()
    assert player.said() == ["a start", "a end aborted restarted", "b end aborted restarted"]


def test_what_an_error_aborts_before_a_restart():
    player = Player().hint("a").hint("b").hear(starts("a"), fails("a"), idle("a"), busy("b"), idle("b"))
    player.end("restarted").finish()
    assert player.said() == ["a start", "a end error - ValueError", "b end aborted error-before"]


def test_a_restart_that_is_told_when_the_next_run_has_begun():
    player = Player().hint("a").hint("b").hear(starts("a"), fails("a", "KeyboardInterrupt"), idle("a"), starts("b"))
    player.end("restarted", at=player.now + 1.5).finish()
    assert player.said() == ["a start", "a end aborted restarted", "b start", "b end aborted restarted"]


def test_a_next_run_without_a_restart_waits_for_the_verdict_and_keeps_the_order():
    player = Player().hint("a").hint("b")
    player.hear(starts("a"), fails("a", "KeyboardInterrupt"), idle("a"), starts("b"), idle("b")).finish()
    assert player.said() == ["a start", "a end error - KeyboardInterrupt", "b start", "b end success"]


def test_a_run_that_was_queued_before_anybody_listened_is_not_told():
    """Behind a gateway the page tells of it; that its `idle` is heard here is no abort."""
    is_watched = False
    reducer = Reducer("k", is_recording=lambda: is_watched)
    reducer.hint(Hint(Cell(path="a.ipynb", cell_id="c1"), "m1", "1", 0.0), 0.0)
    is_watched = True
    outputs = reducer.message(message("status", "m1", {"execution_state": "idle"}, 1.0), 1.0)
    outputs += reducer.tick(60.0) + reducer.close(61.0)
    assert outputs == []


def test_an_end_that_nobody_heard_is_estimated_once_the_kernel_is_idle():
    reducer = Reducer("k")
    reducer.hint(Hint(Cell(path="a.ipynb", cell_id="c1"), "m1", "1", 0.5), 0.5)
    reducer.hint(Hint(Cell(path="a.ipynb", cell_id="c2"), "m2", "2", 0.5), 0.5)
    reducer.message(message("execute_input", "m1", {"code": "1", "execution_count": 1}, 1.0), 1.0)
    assert reducer.found_idle(3.0, since=2.5) == [], "it may have begun just after the gateway was asked"
    [output] = reducer.found_idle(20.0, since=4.0)
    assert (output.phase, output.event["status"], output.event["executionDurationMs"]) == ("end", "success", 3000)
    assert output.event["metadata"]["endIsEstimated"] is True
    assert not reducer.is_busy, "nobody knows what became of the other"
    assert reducer.close(30.0) == []


def run_over(gained, started, finished):
    """Return the end of a run during which the wall clock gained some seconds on the one that stands still in sleep."""
    ahead = 1000.0
    reducer = Reducer("k", locate=lambda _code: Cell(path="a.ipynb"), ahead=lambda: ahead)
    reducer.hint(Hint(Cell(path="a.ipynb", cell_id="c1"), "m1", "1", started), started)
    reducer.message(message("execute_input", "m1", {"code": "1"}, started), started)
    ahead += gained
    outputs = reducer.message(message("status", "m1", {"execution_state": "idle"}, finished), finished)
    return (outputs + reducer.tick(finished + 1))[-1].event


@pytest.mark.parametrize(
    ("gained", "finished", "duration"),
    [
        (1800.0, 1_000_000_000 + 1860.0, 60_000),  # half an hour of sleep in a run of a minute
        (1800.0, 1_000_000_000 + 60.0, 60_000),  # the sleep came after it
        (-2820.0, 1_000_000_000 + 60.0 - 2820.0, 60_000),  # the clock was 47 min fast, and is set right in the run
        (1.0, 1_000_000_000 + 60.0, 60_000),  # a clock that is corrected a little is no sleep
    ],
)
def test_a_sleep_and_a_clock_that_is_set_are_no_part_of_the_duration(gained, finished, duration):
    end = run_over(gained, 1_000_000_000.0, finished)
    assert end["executionDurationMs"] == duration


def test_a_clock_that_is_put_back_holds_no_end_back():
    reducer = Reducer("k")
    reducer.hint(Hint(Cell(path="a.ipynb", cell_id="c1"), "m1", "1", 10_000.0), 10_000.0)
    reducer.message(message("execute_input", "m1", {"code": "1"}, 10_000.0), 10_000.0)
    assert reducer.message(message("status", "m1", {"execution_state": "idle"}, 10_001.0), 10_001.0) == []
    [output] = reducer.tick(7_000.0)
    assert output.phase == "end"


def test_a_notebook_of_ten_thousand_cells_keeps_every_hint_and_its_restart_is_quick():
    """JupyterLab sends all requests of Run All at once."""
    reducer = Reducer("k", locate=lambda _code: None)
    for number in range(10_000):
        reducer.hint(Hint(Cell(path="a.ipynb", cell_id=f"c{number}"), f"m{number}", "pass", 1.0), 1.0)
    outputs = reducer.message(message("execute_input", "m0", {"code": "pass"}, 2.0), 2.0)
    assert outputs[0].event["cellId"] == "c0"
    before = time.process_time()
    outputs = reducer.life_ended("restarted", 3.0) + reducer.tick(60.0)
    assert time.process_time() - before < 5
    assert len([output for output in outputs if output.phase == "end"]) == 10_000


@pytest.mark.parametrize(("has_hints", "has_panel", "waits"), [(False, False, 2), (True, True, 5), (False, True, 10)])
def test_how_long_a_run_waits_for_its_hint(has_hints, has_panel, waits):
    reducer = Reducer("k", locate=lambda _code: Cell(path="a.ipynb", cell_id="saved"), has_panel=lambda: has_panel)
    reducer.has_hints = has_hints
    reducer.message(message("execute_input", "m1", {"code": "1"}, 100.0), 100.0)
    assert reducer.tick(100.0 + waits - 0.1) == []
    [output] = reducer.tick(100.0 + waits)
    assert output.event["cellId"] == "saved"
