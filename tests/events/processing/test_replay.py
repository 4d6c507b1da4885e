"""Recorded requests are posted again as they were, or under new ids and times."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.events.receiver import Receiver, listening

EVENT = {
    "eventId": "one",
    "eventType": "help",
    "eventTime": "2026-04-01T00:00:00.000Z",
    "emailAddress": "a@example.com",
}
LATER = EVENT | {"eventId": "two", "eventTime": "2026-04-01T09:00:30+09:00"}


def recorded(body: str | None, *, method: str = "POST", t: float = 0.0) -> str:
    return json.dumps({"method": method, "path": "/api/v1/events", "headers": {}, "body": body, "t": t})


def replay(server: Receiver, folder: Path, lines: list[str], *options: str) -> tuple[str, str]:
    file, out, err = folder / "recorded.jsonl", StringIO(), StringIO()
    file.write_text("\n".join(lines) + "\n")
    call_command("replay", str(file), f"--url={server.url}", *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_bodies_of_posts_arrive_byte_for_byte(tmp_path):
    odd = '[ {"eventType":"help" , "emailAddress":"\\u3042 あ"} ]'
    with listening() as server:
        out, _ = replay(
            server, tmp_path, [recorded(None, method="OPTIONS"), recorded(odd), recorded(None), recorded("{broken")]
        )
    assert server.bodies == [odd.encode(), b"{broken"]
    assert out.splitlines()[-2:] == ["answer      posts", "202             2"]


def test_plain_events_and_arrays_are_posted_too(tmp_path):
    with listening() as server:
        replay(server, tmp_path, [json.dumps(EVENT), "", json.dumps([EVENT, LATER])], "--key=k")
    assert [json.loads(body) for body in server.bodies] == [[EVENT], [EVENT, LATER]]
    assert set(server.paths) == {"/api/v1/events?key=k"}


def test_bad_lines_are_named_and_do_not_stop_the_rest(tmp_path):
    lines = [
        "not json",
        "3",
        json.dumps({"a": 1}),
        json.dumps(EVENT),
        json.dumps({"method": "POST", "body": "x", "t": "soon"}),
    ]
    with listening() as server:
        _, err = replay(server, tmp_path, lines)
    assert len(server.bodies) == 1
    assert [line.partition(":")[0] for line in err.splitlines()] == ["line 1", "line 2", "line 3", "line 5"]


def test_fresh_ids_keep_repetitions_repetitions(tmp_path):
    lines = [recorded(json.dumps([event])) for event in (EVENT, EVENT, LATER)]
    with listening() as server:
        replay(server, tmp_path, lines, "--fresh-ids")
    first, again, other = (json.loads(body)[0]["eventId"] for body in server.bodies)
    assert first == again != other
    assert {first, other} & {"one", "two"} == set()


def test_times_are_shifted_together_so_that_the_latest_is_now(tmp_path):
    broken = EVENT | {"eventTime": "yesterday"}
    with listening() as server:
        replay(server, tmp_path, [json.dumps([EVENT, LATER, broken])], "--shift-times")
    first, last, kept = (event["eventTime"] for event in json.loads(server.bodies[0]))
    assert datetime.now(UTC) - datetime.fromisoformat(last) < timedelta(seconds=10)
    assert datetime.fromisoformat(last) - datetime.fromisoformat(first) == timedelta(seconds=30)
    assert kept == "yesterday"


def test_the_recorded_pace_is_kept_and_can_be_changed(tmp_path):
    lines = [recorded(json.dumps([EVENT]), t=t) for t in (5.0, 5.3, 1.0)]  # the last begins another recording
    took = []
    with listening() as server:
        for speed in ("--speed=1", "--speed=3", "--speed=0"):
            begun = monotonic()
            replay(server, tmp_path, lines, speed)
            took.append(monotonic() - begun)
    assert took[0] >= 0.3
    assert all(slow > fast for slow, fast in pairwise(took))


@pytest.mark.parametrize("status", [400, 422, 503])
def test_refusals_are_counted_and_fail_the_command(tmp_path, status):
    with listening() as server:
        server.statuses = [202, status]
        with pytest.raises(CommandError, match="1 of 3 posts"):
            replay(server, tmp_path, [json.dumps(EVENT)] * 3)
    assert len(server.bodies) == 3


def test_a_cut_connection_is_no_answer(tmp_path):
    with listening() as server:
        server.statuses = [0]
        with pytest.raises(CommandError, match="1 of 1 posts"):
            replay(server, tmp_path, [json.dumps(EVENT)])


def test_a_file_that_is_missing_or_empty_is_a_clear_error(tmp_path):
    with pytest.raises(CommandError, match="Cannot read"):
        call_command("replay", str(tmp_path / "none.jsonl"))
    with listening() as server, pytest.raises(CommandError, match="nothing to post"):
        replay(server, tmp_path, [])
