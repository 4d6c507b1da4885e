"""Who is on a list of which nothing is wrong."""

from lms.rosters.parser import read

HANA = "hana@example.com"


def people(text):
    """Everybody on a list of which every line is good."""
    table = read(text)
    assert not table.bad
    return [(line.email, line.name, line.team) for line in table.lines]
