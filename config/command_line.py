"""Run a `manage.py` command. Mistakes and outages that the operator can fix are reported in one sentence."""

import sys
from collections.abc import Sequence

from django.conf import settings
from django.core.management import execute_from_command_line

from config.operator_errors import sentence_of
from core import optional_libraries

# They serve many threads for long. Any other command has one thread, and without a pool it learns at once why there is
# no connection.
WITH_POOL = {"up", "work", "rqcron", "rqworker", "rqworker-pool", "runserver"}
INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT


def run(argv: Sequence[str]) -> int:
    """Run the command and return the exit code. Raises any other error; with --traceback, every error."""
    if argv[1:2] == ["work"]:
        optional_libraries.hide()  # until the command begins
    try:
        if argv[1:2] and argv[1] not in WITH_POOL:
            settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
        execute_from_command_line(list(argv))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None or "--traceback" in argv:
            raise
        sys.stderr.write(f"{sentence}\n")
        return 1
    return 0
