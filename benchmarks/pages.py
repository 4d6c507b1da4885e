"""The time of the pages an instructor looks at, with 200 students in the class. To be measured once they are there."""

from benchmarks.rows import Row
from benchmarks.system import System


def pages(*, system: System) -> list[Row]:
    """One row a page: median milliseconds of a GET. Called while the students of the others are in the database."""
    return []
