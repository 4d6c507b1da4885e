"""Periodic jobs and their intervals. Read by `manage.py rqcron events.worker.periodic`.

The jobs are small and mostly have high priority, so that they run between two drains even under load. A job that no
worker takes in time is dropped, because the next one follows.
"""

from rq.cron import register

from events.queue import jobs
from events.worker import tasks

register(jobs.requeue_stranded_shards, queue_name="high", interval=5, ttl=10, result_ttl=0)
register(tasks.expire_idle, queue_name="high", interval=5, ttl=10, result_ttl=0)
register(tasks.record_system_metrics, queue_name="high", interval=60, ttl=30, result_ttl=0)
register(tasks.run_cleanup, queue_name="low", interval=3600, ttl=600, result_ttl=0)
register(tasks.sync_offline, queue_name="high", interval=5, ttl=10, result_ttl=0)
