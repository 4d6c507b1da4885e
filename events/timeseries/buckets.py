"""Setup of InfluxDB: two buckets, and a task that writes hourly sums of points that will expire.

{bucket}          every point, for INFLUXDB_RETENTION_DAYS
{bucket}_hourly   for ever: measurement `student_activity`, tags userId, teamName, notebook; fields runs, errors
                  (numbers), timed and milliseconds (the number of runs with a `duration`, and its sum), one point an
                  hour. Used for queries of long periods (`reads`), and by dashboards of other programs.

The task sums the last two hours, without points that arrive later. Therefore a worker sums each hour again of which it
has sent points since (`sender`), and queries use only such sums.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket import Bucket
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.organization import Organization
from influxdb_client.domain.post_bucket_request import PostBucketRequest
from influxdb_client.domain.task import Task
from influxdb_client.domain.task_create_request import TaskCreateRequest

from events.timeseries.hourly_sums import hourly_bucket, sums

TASK = "cellmonitor_hourly"


class NoSuchOrganisation(Exception): ...


@dataclass(frozen=True, slots=True)
class Step:
    """A missing or outdated part of the setup, and the call that corrects it."""

    text: str
    take: Callable[[], object]


def quoted(name: str) -> str:
    """Return a Flux string literal. All other characters have no special meaning in it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${").replace("\n", "\\n")
    return f'"{escaped}"'


def hourly(bucket: str) -> str:
    """Return the Flux of the task. Each run sums the last two hours, to include points that arrived late."""
    option = f"option task = {{name: {quoted(TASK)}, every: 1h, offset: 5m}}"
    start, stop = "date.truncate(t: -2h, unit: 1h)", "date.truncate(t: now(), unit: 1h)"
    text = sums(bucket=quoted(bucket), into=quoted(f"{bucket}_hourly"), start=start, stop=stop)
    return f'import "date"\n\n{option}\n{text}'


def missing(client: InfluxDBClient, *, retention: timedelta) -> list[Step]:
    """Return the steps that complete the setup, without taking them. Raises one of `client.unreachable`,
    NoSuchOrganisation."""
    [org] = client.organizations_api().find_organizations(org=settings.INFLUXDB_ORG) or [None]
    if org is None:
        raise NoSuchOrganisation(settings.INFLUXDB_ORG)
    name = settings.INFLUXDB_BUCKET
    return [
        *_bucket(client, org, name, retention),
        *_bucket(client, org, hourly_bucket(), timedelta(0)),
        *_task(client, org, hourly(name)),
    ]


def _bucket(client: InfluxDBClient, org: Organization, name: str, retention: timedelta) -> list[Step]:
    buckets = client.buckets_api()
    seconds = int(retention.total_seconds())
    rules = [BucketRetentionRules(type="expire", every_seconds=seconds)]
    length = f"{retention.days} days" if seconds else "for ever"
    found: list[Bucket] = [bucket for bucket in buckets.find_buckets_iter(org=org.name) if bucket.name == name]
    if not found:
        wanted = PostBucketRequest(org_id=org.id, name=name, retention_rules=rules)
        return [Step(f"make the bucket {name}, points kept {length}", lambda: buckets.create_bucket(bucket=wanted))]
    [bucket] = found
    kept = bucket.retention_rules[0].every_seconds if bucket.retention_rules else 0
    if kept == seconds:
        return []
    bucket.retention_rules = rules
    return [Step(f"keep the points of the bucket {name} {length}", lambda: buckets.update_bucket(bucket))]


def _task(client: InfluxDBClient, org: Organization, flux: str) -> list[Step]:
    tasks = client.tasks_api()
    found: list[Task] = [task for task in tasks.find_tasks(name=TASK, org_id=org.id) if task.name == TASK]
    if not found:
        request = TaskCreateRequest(org_id=org.id, flux=flux, status="active")
        return [Step(f"make the task {TASK}", lambda: tasks.create_task(task_create_request=request))]
    [task] = found
    if task.flux.strip() == flux.strip() and task.status == "active":
        return []
    task.flux, task.status = flux, "active"
    task.every = task.cron = task.offset = None  # the Flux text has them
    return [Step(f"bring the task {TASK} up to date", lambda: tasks.update_task(task))]
