"""The students by team, with their status, claims, and the place of the team on the map."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from unicodedata import east_asian_width

from django.utils.translation import gettext

from classroom.attention.claims import claims_of
from classroom.base.classrooms import MAX_CARDS, Classroom, latest_of
from classroom.base.display import PLAIN, Display
from classroom.base.student_cards import RANKS, STATUS_WORDS, Card, card, place_of
from core.identity import label_key
from events.student_status import NO_TEAM, student_rows
from lms.maps import Point, active_map, points_on
from lms.models import ClassroomMap
from realtime.rows import Status

MAX_LENGTH_ON_MAP = 14  # characters of a team's name


@dataclass(frozen=True, kw_only=True)
class TeamMember:
    card: Card
    helper: str  # the instructor who is on the way; empty if none


@dataclass(frozen=True, kw_only=True)
class TeamWithMembers:
    """A team. `key` is its name in messages and on the map; students without a team share one key.

    `members` may be empty: a team can have a place before its students are active.
    """

    key: str
    members: list[TeamMember]
    point: Point | None

    @property
    def name(self) -> str:
        return gettext("No team") if self.key == NO_TEAM else self.key

    @property
    def anchor(self) -> str:
        return f"team-{sha256(self.key.encode()).hexdigest()[:12]}"

    @cached_property
    def counts(self) -> dict[Status, int]:
        """The number of members by status, the most urgent first."""
        found = Counter(member.card.status for member in self.members)
        return {status: found[status] for status in RANKS}

    @property
    def worst(self) -> Status:
        return next((status for status, count in self.counts.items() if count), "idle")

    @property
    def worst_count(self) -> int:
        return self.counts[self.worst]

    @property
    def word(self) -> str:
        return str(STATUS_WORDS[self.worst]) if self.members else gettext("Nobody here yet")

    @property
    def tally(self) -> list[tuple[Status, str, int]]:
        return [(status, str(STATUS_WORDS[status]), count) for status, count in self.counts.items()]

    @property
    def label(self) -> str:
        """The accessible label of the mark; the same as `label` in static/js/seating/teams.js."""
        parts = [f"{word} {count}" for _, word, count in self.tally if count] or [self.word]
        return f"{self.name}: {', '.join(parts)}"

    @property
    def short(self) -> str:
        return self.name if len(self.name) <= MAX_LENGTH_ON_MAP else f"{self.name[: MAX_LENGTH_ON_MAP - 1]}…"

    @property
    def plate(self) -> int:
        """The approximate width of the name on the map in pixels; 13 px for a wide character."""
        return 18 + sum(13 if east_asian_width(letter) in "WFA" else 8 for letter in self.short)

    @property
    def plate_left(self) -> float:
        return -self.plate / 2


@dataclass(frozen=True, kw_only=True)
class TeamView:
    teams: list[TeamWithMembers]  # by the most urgent status, then by name
    map: ClassroomMap | None
    is_capped: bool

    @property
    def marks(self) -> list[TeamWithMembers]:
        """The teams in the order of painting: the last lies on top, so help requests come last."""
        return self.teams[::-1]

    @property
    def unplaced(self) -> list[TeamWithMembers]:
        return [team for team in self.teams if team.point is None]


def team_view(classroom: Classroom, *, now: datetime, display: Display = PLAIN) -> TeamView:
    """Return the teams of the classroom. Seven queries, whatever the number of students and teams."""
    rows = student_rows(latest_of(classroom.students), scope=classroom.scope, now=now)
    claims = claims_of((row["studentId"] for row in rows), scope=classroom.scope, now=now)
    members: dict[str, list[TeamMember]] = {}
    for row in rows:
        claim = claims.get(row["studentId"])
        found = TeamMember(card=card(row, display, classroom.people), helper=claim.by if claim else "")
        members.setdefault(row["teamName"], []).append(found)
    active = active_map(classroom.class_id)
    points = points_on(active) if active else {}
    return TeamView(teams=_teams(members, points), map=active, is_capped=len(rows) >= MAX_CARDS)


def _teams(members: Mapping[str, list[TeamMember]], points: Mapping[str, Point]) -> list[TeamWithMembers]:
    places = {label_key(name): (name, point) for name, point in points.items()}
    made = [
        TeamWithMembers(
            key=name,
            members=sorted(there, key=_order_of_member),
            point=places.pop(label_key(name), (name, None))[1],
        )
        for name, there in members.items()
    ]
    made += [TeamWithMembers(key=name, members=[], point=point) for name, point in places.values()]
    return sorted(made, key=lambda team: (RANKS[team.worst], *_order_of_name(team)))


def _order_of_member(member: TeamMember) -> tuple[int, bool, str, int]:
    return place_of(member.card)


def _order_of_name(team: TeamWithMembers) -> tuple[bool, list[tuple[int, str]]]:
    """Return a sort key: team 2 before team 10, students without a team last."""
    parts = re.findall(r"\d+|\D+", team.key.lower())
    return team.key == NO_TEAM, [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
