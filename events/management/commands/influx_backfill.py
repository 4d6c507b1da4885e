"""Write points that InfluxDB lacks from PostgreSQL's rows."""

from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from redis import Redis

from events.contract.schema import MAX_AHEAD_MS
from events.timeseries import backfill as points
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries.backfill import Tally
from events.timeseries.sender import probe
from realtime.messages import timestamp


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The period to write, and the state of InfluxDB before it."""

    since: datetime
    until: datetime
    bucket: timeseries_client.Bucket | None
    watermark: points.Watermark | None
    known: set[str]


class Command(BaseCommand):
    help = "Writes the points of a span of time again from PostgreSQL; those that InfluxDB has are left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", required=True, help="a date or time, e.g. 2026-11-21 or 2026-11-21T09:00+09:00; or `start`"
        )
        parser.add_argument("--until", help="the same; default: now. With it, older gaps are still assumed to be there")
        parser.add_argument("--new", action="store_true", help="the bucket is new: ask once what is there, not often")
        parser.add_argument("--dry-run", action="store_true", help="count what would be written, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not timeseries_client.is_configured():
            raise CommandError("No InfluxDB is configured: set INFLUXDB_URL.")
        now = datetime.now(UTC)
        since = (points.earliest() or now) if options["since"] == "start" else _moment("--since", options["since"])
        # A sender's clock may be ahead by MAX_AHEAD_MS.
        until = _moment("--until", options["until"]) if options["until"] else now + timedelta(milliseconds=MAX_AHEAD_MS)
        if since > until:
            raise CommandError("--since is after --until.")
        with timeseries_buffer.connect() as redis:
            before, tally = timeseries_buffer.backlog_status(redis), Tally()
            try:
                plan = self._plan(redis, since, until, options)
                for found in points.backfill(
                    since=plan.since, until=plan.until, is_new=options["new"], is_trial=options["dry_run"],
                    known=plan.known, watermark=plan.watermark, retention=plan.bucket.seconds if plan.bucket else 0,
                ):  # fmt: skip
                    tally = found
                self._report(tally, is_trial=options["dry_run"])
                if not options["dry_run"] and not options["until"]:
                    self._mark_complete(redis, plan, tally, before)
            except timeseries_client.Unreachable as away:
                raise CommandError(f"InfluxDB {away}; {tally.written} points were written. Run this again.") from away
            except timeseries_client.unanswered() as error:
                raise CommandError(
                    f"InfluxDB at {settings.INFLUXDB_URL}: {timeseries_client.describe_error(error)}; "
                    f"{tally.written} points were written."
                ) from error

    def _plan(self, redis: Redis, since: datetime, until: datetime, options: dict[str, Any]) -> Plan:
        """Return the plan. Raises Unreachable, one of `unanswered`."""
        bucket = timeseries_client.bucket() if options["dry_run"] else probe(redis)
        if bucket and bucket.seconds:
            kept_from = _moment_of(timeseries_client.kept_from(bucket.seconds, now_ms=_ms(datetime.now(UTC))))
            if since < kept_from:
                self.stdout.write(
                    f"The bucket keeps points for {_length(bucket.seconds)}: what was before {timestamp(kept_from)} is"
                    " left out. PostgreSQL has it."
                )
                since, until = kept_from, max(kept_from, until)
        is_written_to = not options["dry_run"] and timeseries_buffer.is_on_target(
            redis, target=timeseries_client.target()
        )
        watermark = points.settle(redis) if is_written_to else None
        try:
            known = points.first_points(since, until) if options["new"] else set()
        except points.NotNew as error:
            raise CommandError("The bucket is not new: run this without --new.") from error
        return Plan(since=since, until=until, bucket=bucket, watermark=watermark, known=known)

    def _report(self, tally: Tally, *, is_trial: bool) -> None:
        verb = "would be written" if is_trial else "written"
        self.stdout.write(f"{tally.written} points {verb}, {tally.present} were there, {tally.refused} refused.")
        if tally.expired:
            self.stdout.write(f"{tally.expired} are older than the bucket keeps points.")

    def _mark_complete(self, redis: Redis, plan: Plan, tally: Tally, before: timeseries_buffer.BacklogStatus) -> None:
        if plan.watermark is None:
            self.stdout.write(
                "No worker writes to this InfluxDB yet. When one does, run this again, for what happens until then."
            )
            return
        now = probe(redis)
        if now and plan.bucket and now.identity != plan.bucket.identity:
            raise CommandError("The bucket was made again meanwhile. Run this again.")
        if tally.refused:
            timeseries_buffer.count_refused(redis, tally.refused, reason=tally.reason, until_ms=tally.refused_until)
        # Events that arrived meanwhile were buffered and are sent as usual.
        if not timeseries_buffer.mark_complete(redis, since_ms=_ms(plan.since), before=before):
            raise CommandError("Points were dropped meanwhile, because too many wait. Run this again.")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment_of(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _length(seconds: int) -> str:
    days, rest = divmod(seconds, 24 * 3600)
    return f"{seconds / 3600:g} hours" if rest else f"{days} days"


def _moment(name: str, value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise CommandError(f"{name}: {value} is no time. Write it like 2026-11-21T09:00+09:00.") from error
    return moment if moment.tzinfo else moment.astimezone()
