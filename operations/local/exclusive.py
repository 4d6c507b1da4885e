"""Run a management command with the embedded servers while nothing else of the product runs."""

import os
from pathlib import Path

from operations.local import programs, services
from operations.local.file_permissions import make_private, private_files
from operations.local.launch import addresses, start_servers
from operations.local.supervisor import Stopped, Supervisor


def is_needed(data_dir: Path) -> bool:
    """Return whether embedded servers are needed and `manage.py up` does not run them already."""
    return bool(services.missing(data_dir)) and services.holder_of(data_dir) is None


def run(data_dir: Path, *arguments: str) -> int:
    """Start the servers, run a `manage.py` command and stop them. Return its exit code.

    Raises StartFailed, ImproperlyConfigured.
    """
    supervisor = Supervisor()
    with private_files(), services.own(data_dir):
        make_private(data_dir)
        services.delete_services_file(data_dir)  # of a run that was killed
        supervisor.listen()
        try:
            os.environ["DATA_DIR"] = str(data_dir)
            start_servers(supervisor, data_dir)
            services.write_services_file(data_dir, addresses())
            return supervisor.finish(programs.command(arguments[0], *arguments))
        except Stopped:
            return 1
        finally:
            supervisor.stop()
            services.delete_services_file(data_dir)
