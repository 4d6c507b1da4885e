"""Writes into InfluxDB what PostgreSQL has and it lacks."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from events.points import server, waiting
from events.points.backfill import Tally, backfill, earliest


class Command(BaseCommand):
    help = "Writes the points of a span of time again from PostgreSQL; those that InfluxDB has are left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", required=True, help="a date or time, e.g. 2026-11-21 or 2026-11-21T09:00+09:00; or `start`"
        )
        parser.add_argument("--until", help="the same; default: now. With it, older gaps are still assumed to be there")
        parser.add_argument("--new", action="store_true", help="the bucket is empty: do not ask what is there already")
        parser.add_argument("--dry-run", action="store_true", help="count what would be written, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not server.is_configured():
            raise CommandError("No InfluxDB is configured: set INFLUXDB_URL.")
        now = datetime.now(UTC)
        since = (earliest() or now) if options["since"] == "start" else _moment("--since", options["since"])
        until = _moment("--until", options["until"]) if options["until"] else now
        if since > until:
            raise CommandError("--since is after --until.")
        with waiting.connect() as redis:
            dropped = waiting.standing(redis).dropped
            tally = self._write(since, until, options)
            verb = "would be written" if options["dry_run"] else "written"
            self.stdout.write(f"{tally.written} points {verb}, {tally.present} were there, {tally.refused} refused.")
            if options["dry_run"] or options["until"]:
                return
            # What arrived while this ran was laid down to be sent as always.
            if not waiting.call_complete(redis, since_ms=int(since.timestamp() * 1000), dropped_before=dropped):
                raise CommandError("Points were dropped meanwhile, because too many wait. Run this again.")

    def _write(self, since: datetime, until: datetime, options: dict[str, Any]) -> Tally:
        tally = Tally()
        try:
            for found in backfill(since=since, until=until, is_new=options["new"], is_trial=options["dry_run"]):
                tally = found
        except server.Away as away:
            raise CommandError(f"InfluxDB {away}; {tally.written} points were written. Run this again.") from away
        except server.unanswered() as error:
            raise CommandError(
                f"InfluxDB at {settings.INFLUXDB_URL}: {server.said(error)}; {tally.written} points were written."
            ) from error
        return tally


def _moment(name: str, value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise CommandError(f"{name}: {value} is no time. Write it like 2026-11-21T09:00+09:00.") from error
    return moment if moment.tzinfo else moment.astimezone()
