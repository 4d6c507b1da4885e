"""What distinguishes people with the same shown name: their student number, else their reading, else their address.

A name is the same however it is typed: 佐藤 花 and 佐藤花 are. Pages show the text beside the name; on a projector,
where students are numbers, they show nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from core.identity import display_name, label_key


@dataclass(frozen=True, slots=True)
class NamedStudent:
    """A student as a class sees them."""

    student_id: int
    name: str | None
    email: str
    student_number: str | None = None
    reading: str | None = None
    reading_key: str = ""

    @property
    def shown(self) -> str:
        return display_name(self.name, self.email)

    @property
    def order(self) -> tuple[bool, str, str, int]:
        """Return the place in a list: by reading, those without one last and by name."""
        return not self.reading_key, self.reading_key, self.shown.casefold(), self.student_id


def distinguished(people: Iterable[NamedStudent]) -> dict[int, str]:
    """Return what to show beside the names that more than one has, by student id.

    It is the first of number, reading and address that no other of the same name has.
    """
    same: dict[str, list[NamedStudent]] = defaultdict(list)
    for person in people:
        same["".join(label_key(person.shown).split())].append(person)
    found: dict[int, str] = {}
    for group in same.values():
        if len(group) < 2:
            continue
        numbers = Counter(person.student_number for person in group)
        readings = Counter(person.reading for person in group)
        for person in group:
            if person.student_number and numbers[person.student_number] == 1:
                found[person.student_id] = person.student_number
            elif person.reading and readings[person.reading] == 1:
                found[person.student_id] = person.reading
            else:
                found[person.student_id] = person.email
    return found
