"""Programs that call the API."""

from tests.classroom.api import _open_doors, anyone, as_admin, as_hanako, gone, heard  # noqa: F401
