"""`manage.py runserver` on daphne: pages, API and WebSockets in one process with autoreload.

Daphne in INSTALLED_APPS would do the same, but load Twisted in every worker.
"""

from argparse import ArgumentParser

from daphne.management.commands.runserver import Command as DaphneCommand


class Command(DaphneCommand):  # type: ignore[misc]  # daphne has no types
    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        # WhiteNoise serves static files, as in production, and passes on other paths.
        parser.set_defaults(use_static_handler=False)
