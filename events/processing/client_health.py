"""What clients report of themselves: the latest report of each student in each class, for the Set-up page."""

from collections.abc import Sequence

from django.db import connection

from events.contract.client_reports import ClientReport, report_of
from events.contract.schema import Event
from lms.resolved_rows import Member, ResolvedRows

UPSERT = """
INSERT INTO client_health (student_id, class_id, version, waiting, dropped, clock_offset_ms, reported_at)
SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::float8[],
    %b::timestamptz[])
ON CONFLICT (student_id, class_id) DO UPDATE SET
    version = excluded.version, waiting = excluded.waiting, dropped = excluded.dropped,
    clock_offset_ms = excluded.clock_offset_ms, reported_at = excluded.reported_at
WHERE client_health.reported_at <= excluded.reported_at"""


def save_reports(events: Sequence[Event], resolved: ResolvedRows) -> None:
    """Store the latest report of each student and class. One statement; none without reports.

    Reports are ordered by receipt, then by the sender's clock: that clock may be what is wrong.
    """
    latest: dict[Member, tuple[Event, ClientReport]] = {}
    for event in sorted(events, key=lambda event: (event.received, event.time)):
        report = report_of(event)
        if report is not None:
            latest[resolved.member_of(event)] = event, report
    rows = [
        (*member, report.version, report.waiting, report.dropped, report.clock_offset_ms, event.received_at)
        for member, (event, report) in sorted(latest.items(), key=lambda item: item[0])
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(UPSERT, [list(column) for column in zip(*rows, strict=True)])
