"""Create InfluxDB's buckets with their retention, and the task of hourly sums, according to the settings."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from events.timeseries import buckets
from events.timeseries import client as timeseries_client


class Command(BaseCommand):
    help = "Makes the buckets and the task of hourly sums in InfluxDB, or brings them up to date. May be repeated."
    requires_system_checks = []  # needs neither the database nor Redis

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not timeseries_client.is_configured():
            raise CommandError("No InfluxDB is configured: set INFLUXDB_URL, INFLUXDB_TOKEN, INFLUXDB_ORG.")
        try:
            client = timeseries_client.connect(timeseries_client.WRITE_MS)
            steps = buckets.missing(client, retention=timedelta(days=settings.INFLUXDB_RETENTION_DAYS))
            for step in steps:
                if not options["dry_run"]:
                    step.take()
                self.stdout.write(f"{'Would' if options['dry_run'] else 'Did'}: {step.text}")
        except buckets.NoSuchOrganisation as error:
            raise CommandError(f"InfluxDB has no organisation {error}, or the token may not see it.") from error
        except timeseries_client.unreachable() as error:
            raise CommandError(
                f"InfluxDB at {settings.INFLUXDB_URL}: {timeseries_client.describe_error(error)}"
            ) from error
        if not steps:
            self.stdout.write("Everything is as it should be.")
