"""Time series: stored in InfluxDB if it is configured, else computed from PostgreSQL's rows.

Every event is a row in PostgreSQL, so without InfluxDB nothing is written, and queries read the rows. With InfluxDB,
each event is also one point of the measurement `student_progress` (`line_protocol`), and two more measurements have the
system's metrics once a minute (`system_metrics`).

Writing: the pipeline buffers points in Redis (`buffer`), and a thread of each worker sends them once a second
(`sender`). So if InfluxDB hangs, refuses or is down, rows and notifications are not delayed. The buffer is bounded.
Points that do not fit are missing from InfluxDB only, and `backfill` writes them again from the rows.

Reading: InfluxDB is queried (`flux`) for periods of which it is known to have every point. Otherwise, and while it is
unavailable, the rows are (`sql`). `reads` chooses; only the log shows the choice.

Source: docs/contract/events.md section 6; docs/decisions/0009-time-series.md says why.
"""

from events.timeseries.buffer import BacklogStatus, backlog_status
from events.timeseries.client import is_configured, unreachable, version
from events.timeseries.erasure import erase
from events.timeseries.reads import activity, per_student, totals
from events.timeseries.sender import Sender, send_waiting, write, write_numbers, write_resolution
from events.timeseries.sql import between
from events.timeseries.types import Activity, Number, StudentTotals, Totals

__all__ = [
    "Activity",
    "BacklogStatus",
    "Number",
    "Sender",
    "StudentTotals",
    "Totals",
    "activity",
    "backlog_status",
    "between",
    "erase",
    "is_configured",
    "per_student",
    "send_waiting",
    "totals",
    "unreachable",
    "version",
    "write",
    "write_numbers",
    "write_resolution",
]
