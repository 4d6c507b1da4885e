"""A Jupyter server with the extension, in this process."""

import asyncio
import time

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403


async def wait_for_async(condition, seconds=30.0):
    """The same on the event loop of the test's Jupyter server."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            assert found, "it did not happen in time"
            return found
        await asyncio.sleep(0.05)


@pytest.fixture
def lab_config():
    """Traits of the extension beside url, user and consent; a module may override this."""
    return {}


@pytest.fixture
def jp_server_config(stub, tmp_path, lab_config):
    return {
        "ServerApp": {"jpserver_extensions": {"cell_monitor_lab": True}},
        "CellMonitorLab": {
            "url": stub.url,
            "user_id": "hanako@example.com",
            "user_name": "Hanako",
            "consent": "given",
            "data_dir": str(tmp_path / "queue"),
            **lab_config,
        },
    }


@pytest.fixture
def service(jp_serverapp, jp_asyncio_loop):
    """The extension of a running server, with short waits; stopped in the end."""
    service = jp_serverapp.web_app.settings["cell_monitor_lab_service"]
    service.sender._scale = 0.05
    jp_asyncio_loop.run_until_complete(wait_for_async(lambda: service._loop is not None))
    yield service
    jp_asyncio_loop.run_until_complete(service.stop())
