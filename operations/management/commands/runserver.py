"""`manage.py runserver`, on daphne: pages, API and sockets in one process that reloads itself.

Daphne as an installed application would do the same, and have every worker hold Twisted in memory.
"""

from argparse import ArgumentParser

from daphne.management.commands.runserver import Command as DaphneCommand


class Command(DaphneCommand):  # type: ignore[misc]  # daphne has no types
    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        # WhiteNoise serves what is below /static/, as everywhere else, and passes on what it does not know.
        parser.set_defaults(use_static_handler=False)
