"""The admin site, one module for each group of tables. Django imports this package, which imports the modules."""

from lms.admin import accounts, assignments, classes, maps, people, rooms, settings, students, tokens, versions

__all__ = [
    "accounts",
    "assignments",
    "classes",
    "maps",
    "people",
    "rooms",
    "settings",
    "students",
    "tokens",
    "versions",
]
