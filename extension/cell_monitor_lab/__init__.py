"""Cell Monitor in a student's Jupyter server: watches kernels, keeps what happened, and sends it to the product."""

from __future__ import annotations

__version__ = "0.1.0"
CLIENT = f"cell-monitor-lab/{__version__}"


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from .app import CellMonitorLab

    return [{"module": "cell_monitor_lab", "app": CellMonitorLab}]
