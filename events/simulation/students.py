"""The simulated students: names, teams, and traits that determine their behaviour."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Literal

from events.simulation.lesson import Language

TEAM_SIZE = 4
# The extension refuses any other team name: `^チーム([A-Z]|[1-9][0-9]?)$`.
TEAMS = [f"チーム{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] + [f"チーム{number}" for number in range(1, 100)]

# Family names, given names.
NAMES: dict[Language, tuple[str, str]] = {
    "ja": (
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 清水 斎藤",
        "陽翔 蓮 湊 樹 蒼 悠真 大翔 健太 翔太 拓海 陽葵 凛 結菜 咲良 葵 美咲 七海 さくら 花子 ひなた 直樹 千尋",
    ),
    "en": (
        "Adams Baker Clark Diaz Evans Fisher Green Hughes Iqbal Jones Khan Lewis Mori Novak Okoye Patel Rossi",
        "Alice Ben Chloe Daniel Emma Farid Grace Hugo Isla Jack Kira Leo Maya Noah Olivia Priya Ruth Sam Tara",
    ),
}


class Archetype(StrEnum):
    """A student's behaviour when stuck."""

    STEADY = "steady"  # tries this and that; sooner or later it works
    REPEATER = "repeater"  # runs the same failing cell again and again, and says nothing
    WANDERER = "wanderer"  # gives up and goes quiet, or leafs through cells that worked
    ASKER = "asker"  # raises a hand almost at once


# Share of the class. Most students are never stuck for long; the detector looks for the others.
SHARES = {Archetype.STEADY: 0.76, Archetype.REPEATER: 0.08, Archetype.WANDERER: 0.08, Archetype.ASKER: 0.08}


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedStudent:
    email: str
    name: str
    team: str
    language: Language
    archetype: Archetype
    skill: float  # 0..1; the share of trouble avoided
    speed: float  # 1 is average; 2 needs half the time
    patience: float  # 1 is average; longer before a hand goes up
    asks: float  # 0..1; chance of asking for help once stuck


def make_class(*, count: int, language: Literal["ja", "en", "mixed"], rng: Random) -> list[SimulatedStudent]:
    """Return the students of a class, the same ones for the same state of `rng`."""
    return [_student(number=number, language=language, rng=rng) for number in range(1, count + 1)]


def email_of(number: int) -> str:
    """Return the address of a student, counted from 1."""
    return f"student{number:03d}@example.com"


def _student(*, number: int, language: Literal["ja", "en", "mixed"], rng: Random) -> SimulatedStudent:
    # Draw every number in every language, so that the language does not change which students are stuck.
    english_draw, patience, willing = rng.random(), rng.random(), rng.random()
    skill, speed = rng.betavariate(4, 2.5), rng.lognormvariate(0, 0.25)
    archetype = rng.choices(list(SHARES), weights=list(SHARES.values()))[0]
    own: Language = ("en" if english_draw < 0.3 else "ja") if language == "mixed" else language
    return SimulatedStudent(
        email=email_of(number),
        name=_name(language=own, rng=rng),
        team=TEAMS[(number - 1) // TEAM_SIZE % len(TEAMS)],
        language=own,
        archetype=archetype,
        skill=skill if archetype is Archetype.STEADY else skill * 0.6,
        speed=speed,
        patience=0.5 + patience,
        asks=_willingness(archetype=archetype, draw=willing),
    )


def _willingness(*, archetype: Archetype, draw: float) -> float:
    """Return the probability of asking for help: most students never ask, a few ask whenever they are stuck."""
    if archetype is Archetype.ASKER:
        return 0.95
    if archetype is Archetype.STEADY and draw < 0.15:
        return 0.6
    return 0.0


def _name(*, language: Language, rng: Random) -> str:
    last, first = (names.split() for names in NAMES[language])
    # One draw each, whatever the lists' lengths: `choice` may take more.
    family, given = last[int(rng.random() * len(last))], first[int(rng.random() * len(first))]
    return f"{family} {given}" if language == "ja" else f"{given} {family}"
