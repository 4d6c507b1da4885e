"""The admin site, one module a group of tables. Django loads this package; it loads the rest."""

from lms.admin import accounts, assignments, classes, maps, people, settings, versions

__all__ = ["accounts", "assignments", "classes", "maps", "people", "settings", "versions"]
