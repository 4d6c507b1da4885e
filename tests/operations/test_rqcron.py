"""The process that queues periodic jobs waits for Redis, as web and workers do: nobody has to start it again. Of
several on different machines one queues."""

import time
from datetime import timedelta

import django_rq
import pytest
import redis as redis_client
from django.core.management import call_command
from django.core.management.base import CommandError

from operations.management.commands import rqcron
from operations.management.commands.rqcron import Scheduler
from tests.servers import wait_until

JOBS = 5


def test_cron_starts_before_redis_and_goes_on_after_an_outage(start_live_system):
    system = start_live_system(workers=0)
    log = system.cron.log

    def warnings() -> int:
        return log.read_text().count("periodic jobs wait") if log.exists() else 0

    def a_job_is_queued() -> int:
        with redis_client.Redis.from_url(system.redis_url) as link:
            return link.llen("rq:queue:high")

    system.redis.stop()
    system.cron.start()
    try:
        wait_until(warnings, what=f"a warning\n{log}")
        system.redis.start()
        wait_until(a_job_is_queued, what="a job")
        earlier = warnings()
        system.redis.kill()
        wait_until(lambda: warnings() > earlier, what="another warning")
        system.redis.start()
        with redis_client.Redis.from_url(system.redis_url) as link:
            link.delete("rq:queue:high")
        wait_until(a_job_is_queued, what="a job after the outage")
        process = system.cron.process
        system.cron.stop()
        assert process.returncode == 0
        assert "Traceback" not in log.read_text()
    finally:
        system.stop()


def test_a_module_that_is_not_there_is_said_in_a_line():
    with pytest.raises(CommandError, match=r"nonsense.*events\.worker\.periodic"):
        call_command("rqcron", "nonsense.module")


@pytest.fixture
def machines(redis):
    """Two machines, whose jobs are due."""
    return scheduler("one"), scheduler("other")


def scheduler(name: str) -> Scheduler:
    found = Scheduler(token=name)
    found.load_config_from_file("events.worker.periodic")
    return found


def next_round(*schedulers: Scheduler) -> None:
    for each in schedulers:
        for job in each.get_jobs():
            job.set_enqueue_time(job.next_enqueue_time - timedelta(hours=2))


def queued() -> int:
    return sum(django_rq.get_queue(name).count for name in ("high", "low"))


def test_of_two_machines_one_queues_each_round(machines):
    one, other = machines
    assert len(one.enqueue_jobs()) == JOBS
    assert other.enqueue_jobs() == []
    assert other.calculate_sleep_interval() > 1, "it does not turn without a pause"
    next_round(one, other)
    assert other.enqueue_jobs() == []
    assert len(one.enqueue_jobs()) == JOBS
    assert queued() == 2 * JOBS


def test_other_machine_takes_over_from_one_that_died_or_was_cut_off_and_keeps_it(machines, monkeypatch):
    one, other = machines
    monkeypatch.setattr(rqcron, "LEASE_MS", 100)
    assert len(one.enqueue_jobs()) == JOBS
    time.sleep(0.2)
    monkeypatch.setattr(rqcron, "LEASE_MS", 60_000)
    assert len(other.enqueue_jobs()) == JOBS
    next_round(one, other)
    assert one.enqueue_jobs() == [], "it was only cut off, and comes back"
    assert len(other.enqueue_jobs()) == JOBS


def test_machine_that_is_stopped_is_replaced_at_once(machines):
    one, other = machines
    one.register_birth()
    one.enqueue_jobs()
    other.enqueue_jobs()
    one.register_death()
    next_round(other)
    assert len(other.enqueue_jobs()) == JOBS
    one.register_birth()
    one.register_death()
    next_round(one)
    assert one.enqueue_jobs() == [], "what it returns is its own lease"
