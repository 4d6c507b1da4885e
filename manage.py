#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from config.command_line import run
    except ModuleNotFoundError as error:
        sys.exit(
            f"The package {error.name} is not installed for {sys.executable}. Use .venv/bin/python, which `make run` "
            "sets up."
        )
    sys.exit(run(sys.argv))


if __name__ == "__main__":
    main()
