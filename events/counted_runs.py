"""Which rows of `cell_executions` count as runs: code that succeeded or failed (docs/contract/events.md section 5).

JupyterLab reports the rendering of a text cell as a run; `events.contract.effects.is_in_totals` is the same rule for an
event. Charts, reports, analytics and the sums of `run_counts` (migration 0010) all use it.
"""

from django.db.models import Q

from events.contract.effects import TEXT_CELLS
from events.models import CellExecution

OF_TEXT = Q(cell_type__in=TEXT_CELLS)
COUNTED = ~Q(status=CellExecution.Status.ABORTED) & ~OF_TEXT
COUNTED_SQL = "status <> 'aborted' AND coalesce(cell_type, 'code') NOT IN ('markdown', 'raw')"
