"""A new version in the middle of a lesson: web, workers and cron are asked to end, and start again. Nothing is lost,
and whoever was answered was answered properly."""

import pytest

from tests.faults.conftest import IS_LONG
from tests.servers import wait_until

TIMES = 5 if IS_LONG else 1


@pytest.mark.parametrize("turn", range(TIMES))
def test_nothing_is_lost_when_a_new_version_is_deployed(world, turn):
    with world.room(rate=120) as room:
        wait_until(lambda: len(room.accepted) > 100, seconds=60, what="a hundred events")
        world.system.web.stop()
        assert world.system.web.process is None
        for worker in world.system.running_workers:
            if worker.process is not None:
                worker.stop()
                worker.start()
        world.system.cron.stop()
        world.system.cron.start()
        world.system.web.start()
        world.system.wait_until_answers()
        there = len(room.accepted)
        wait_until(lambda: len(room.accepted) > there + 100, seconds=60, what="a hundred events of the new version")
    assert set(room.answers) <= {"202", "no answer"}, "nobody is told of an error"
    assert not room.given_up
    world.check()
