"""The only door to time series: InfluxDB where it is configured, PostgreSQL's own rows where it is not.

Every event is a row of PostgreSQL already, so without InfluxDB there is nothing to write and the rows answer. With it,
each event is also one point of the measurement `student_progress` (`lines`); two more measurements say once a minute
how the product itself does (`events.timeseries.system_metrics`).

The way of a point: the river lays it down in Redis (`waiting`) and goes on; a thread of each worker (`sending`) hands
over once a second what lies there. So InfluxDB can hang, refuse or be away, and neither a row nor a screen is a
moment later. The backlog is bounded; what does not fit is missing from InfluxDB only, and `backfill` writes it again
from the rows.

The way of a question: InfluxDB answers (`flux`) for spans of which it is known to hold every point; for all others,
and while it is away, the rows do (`stored`). Which of the two it was shows nowhere but in the log (`answering`).

Source: docs/contract/events.md section 6; docs/decisions/0009-time-series.md says why.
"""

from events.timeseries.buffer import BacklogStatus, backlog_status
from events.timeseries.client import is_configured, unreachable, version
from events.timeseries.erasure import erase
from events.timeseries.reads import activity, per_student, totals
from events.timeseries.sender import Sender, note, note_numbers, send_waiting, write
from events.timeseries.types import Activity, Number, Totals, Work

__all__ = [
    "Activity",
    "BacklogStatus",
    "Number",
    "Sender",
    "Totals",
    "Work",
    "activity",
    "backlog_status",
    "erase",
    "is_configured",
    "note",
    "note_numbers",
    "per_student",
    "send_waiting",
    "totals",
    "unreachable",
    "version",
    "write",
]
