"""What is drawn once for a class in the world of drifting confusion: its cells, and how hard and how kind it is."""

from dataclasses import dataclass
from random import Random

from benchmarks.lessons import Lesson, Style

WAYS = ("hammers", "guesses", "stares", "wanders", "believes", "starts over")
PARTS = (
    "{a} = load('{b}.csv')", "{a} = [{n}, {m}, 7]", "for {c} in {a}:", "    {b} = {b} + {c} * {n}", "    print({c})",
    "if {b} > {n}:", "    {a}.append({m})", "def find_{c}({a}, {b}={n}):", "    return {a}[{b}] - {m}", "print({b})",
    "{b} = sum({a}) / len({a})", "{c} = dict(zip({a}, {b}))", "plot({a}, {b}, label='{c}')", "{a}.sort(key={c})",
)  # fmt: skip
WORDS = ("speed", "cities", "temps", "score", "key", "line", "price", "days", "pupil", "grid", "step", "edge")
WRONG = (
    ("NameError", "name '{w}' is not defined"), ("TypeError", "'{w}' object is not callable"), ("KeyError", "'{w}'"),
    ("IndexError", "list index out of range"), ("SyntaxError", "invalid syntax (<cell>, line {n})"),
    ("ValueError", "too many values to unpack (expected {n})"), ("AttributeError", "'list' has no attribute '{w}'"),
    ("AssertionError", "expected {n}"), ("FileNotFoundError", "No such file: '{w}.csv'"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One cell of the lesson."""

    book: str
    cell: str
    place: int
    hard: float
    takes: float  # seconds of clear work
    text: tuple[str, ...]
    output: str
    opens: float = 0.0
    needs_word: bool = False  # fails for all until the teacher has said how


@dataclass(slots=True)
class Room:
    """What a class shares, drawn once for a lesson from wide ranges."""

    style: Style
    rng: Random
    lesson: Lesson
    steps: list[Step]
    quiet: list[tuple[float, float]]  # lectures and breaks
    usual: float  # confusion that a cell for which one is just able enough leads to
    pull: float  # how strongly confusion follows the cell
    shake: float  # and how much it wanders
    help_rate: float  # a minute of being stuck
    insight: float
    leaves_cell: float
    ways: list[float]
    fails: float
    gap: float
    shy: float
    hints: float  # a share of those who fail alike makes the teacher speak, so many seconds later


def draw_room(style: Style, students: int, seed: int, rng: Random) -> Room:
    u = rng.uniform
    minutes = {"live coding": u(45, 75), "exercises": u(45, 90), "project": u(60, 90), "exam": u(45, 90)}[style]
    length = 60 * minutes
    is_exam, is_live = style == "exam", style == "live coding"
    books = {"project": rng.randint(2, 5), "exam": rng.choice((1, 1, 2, 3))}.get(style, 1)
    count = {"live coding": int(minutes / u(1.2, 2.4)), "exercises": rng.randint(15, 40),
             "project": rng.randint(14, 32), "exam": rng.randint(8, 22)}[style]  # fmt: skip
    takes = (length / count) * u(0.35, 0.8)
    quiet: list[tuple[float, float]] = []
    steps: list[Step] = []
    clock, hard, slope = u(60, 500) * is_live, u(-0.9, 0.3), u(0, 1.2)
    for place in range(count):
        book = place * books // count
        first = next((i for i in range(count) if i * books // count == book), 0)
        if is_live:
            clock += takes * u(0.7, 1.6)
            if rng.random() < 0.15:
                quiet.append((clock, clock := clock + u(100, 500)))
        level = hard + slope * place / count + rng.gauss(0, 0.8) - 1.5 * (rng.random() < 0.2)
        a, b, c = rng.sample(WORDS, 3)
        text = tuple(
            part.format(a=a, b=b, c=c, n=rng.randint(2, 40), m=rng.randint(2, 9))
            for part in rng.sample(PARTS, rng.randint(2, 8))
        )
        steps.append(Step(f"unit{book + 1}.ipynb", f"s{place}-{rng.randrange(9999)}", place - first, level,
                          takes * rng.lognormvariate(-0.1, 0.4), text, str(rng.randrange(10**5)), clock,
                          not is_exam and rng.random() < 0.03))  # fmt: skip
    if not is_live and not is_exam:
        for _ in range(rng.choice((0, 1, 1, 2))):
            begin = u(0.15, 0.8) * length
            quiet.append((begin, begin + u(120, 900)))
    return Room(
        style,
        rng,
        Lesson("drift", style, students, seed, length),
        steps,
        sorted(quiet),
        usual=u(0.55, 0.85),
        pull=u(0.1, 0.3),
        shake=u(0.1, 0.22),
        help_rate=0.0 if is_exam else u(0.01, 0.08),
        insight=u(0.01, 0.05),
        leaves_cell=u(0.0, 0.04),
        ways=[rng.gammavariate(1.5, 1) for _ in WAYS],
        fails=u(0.2, 0.5),
        gap=u(30, 75) * (1.3 if is_exam else 1),
        shy=u(0.4, 0.95),
        hints=u(150, 500),
    )
