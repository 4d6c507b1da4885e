"""`manage.py runserver`, on daphne: pages, API and sockets in one process that reloads itself.

Daphne as an installed application would do the same, and have every worker hold Twisted in memory.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
