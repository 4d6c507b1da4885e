"""The extension as Jupyter's server knows it: its configuration, its start and its end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode

from .routes import handlers
from .service import NOTICE, Service


class CellMonitorLab(ExtensionApp):
    """Every trait may also be an environment variable, such as CELL_MONITOR_URL; the README lists them."""

    name = "cell_monitor_lab"
    app_name = "Cell Monitor"
    description = "Tells the teacher what runs in this server's notebooks."
    load_other_extensions = True
    open_browser = False

    url = Unicode(help="Address of Cell Monitor.").tag(config=True)
    class_key = Unicode(help="Key of the class.").tag(config=True)
    user_id = Unicode(help="The student's address or id.").tag(config=True)
    user_name = Unicode(help="The student's name.").tag(config=True)
    team = Unicode(help="The student's team.").tag(config=True)
    user_template = Unicode(help="Makes an id of a JupyterHub user: {user}@hub.example.").tag(config=True)
    consent = Unicode(help="'given' where the school has the consent on paper.").tag(config=True)
    path_prefix = Unicode(help="Folder that is left out of the names of notebooks.").tag(config=True)
    data_dir = Unicode(help="Folder of the queue; default: cell-monitor in Jupyter's data folder.").tag(config=True)

    service: Service

    def initialize_settings(self) -> None:
        """Make the service, and start it with the event loop."""
        server = self.serverapp
        assert server is not None
        assert server.event_logger is not None
        names = ("url", "class_key", "user_id", "user_name", "team", "user_template", "consent", "path_prefix")
        configured = {name: getattr(self, name) for name in names}
        folder = Path(self.data_dir or Path(jupyter_data_dir()) / "cell-monitor")
        if NOTICE not in server.event_logger.schemas:
            server.event_logger.register_event_schema(Path(__file__).parent / "notice.yaml")
        self.service = Service(server, configured, folder, os.environ)
        self.settings["cell_monitor_lab_service"] = self.service
        server.io_loop.add_callback(self.service.start)

    def initialize_handlers(self) -> None:
        """Add the routes."""
        assert self.serverapp is not None
        self.handlers.extend(self._routes())

    async def stop_extension(self) -> None:
        """End open runs and write everything."""
        await self.service.stop()

    def _routes(self) -> list[Any]:
        return list(handlers(""))
