"""A live system for each module, and a backup of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.events.conftest import event
from tests.operations.backup.live_copy import Copy


@pytest.fixture(scope="module")
def copy(start_live_system) -> Iterator[Copy]:
    made = Copy(start_live_system(workers=1))
    yield made
    made.system.stop()


@pytest.fixture(scope="module")
def backed_up(copy, tmp_path_factory) -> Path:
    """A backup made while two events wait, because no worker runs. `before` is what the pages and tables said."""
    directory = tmp_path_factory.mktemp("backups")
    copy.stop_workers()
    copy.before = (copy.pages(), copy.counts(), copy.pictures())
    assert httpx.post(f"{copy.system.url}/api/v1/events", json=[event(), event()]).status_code == 202
    said = copy.system.manage("backup", f"--to={directory}")
    [file] = directory.iterdir()
    assert str(file) in said
    return file
