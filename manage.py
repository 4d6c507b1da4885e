#!/usr/bin/env python
"""The operator's door: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # of the environment: the sentence says which setting, and what it must be
        sys.exit(str(error))


if __name__ == "__main__":
    main()
