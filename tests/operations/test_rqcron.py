"""The process that queues periodic jobs waits for Redis, as web and workers do: nobody has to start it again."""

import pytest
import redis as redis_client
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.servers import wait_until


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
