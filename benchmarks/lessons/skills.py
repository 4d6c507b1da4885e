"""Simulate lessons in which being stuck follows from what a student knows and what a cell demands.

The weakest mastery of the concepts a cell needs counts (item response theory: Rasch 1960; Junker & Sijtsma 2001). The
higher above demand, the sooner an attempt succeeds; the nearer, the more it teaches (Vygotsky 1978). Far below, wheels
spin (Beck & Gong 2013) until insight, a neighbour, the teacher, or leaving the cell. Stoppers, movers, tinkerers take
failure differently (Perkins et al. 1986); asking is a trait (Aleven & Koedinger 2000; Ryan, Pintrich & Midgley 2001).
"""

import heapq
import re
from collections import Counter, deque
from collections.abc import Generator, Iterator
from math import exp, inf
from random import Random
from statistics import median
from typing import NamedTuple

from benchmarks.lessons import STYLES, Asked, Lesson, Run, Stuck, Style

TASKS = """
AA = list(range(1, NN))¶BB = 0¶for x in AA:¶    BB += x¶print(BB)
def BB(x, b=NN):¶    AA = x * b¶    return AA¶print(BB(3) + 1)
AA = {"ken": NN, "mio": 7}¶BB = {}¶for x, v in AA.items():¶    BB[v] = x¶print(sorted(BB))
with open("AA.csv") as f:¶    rows = f.readlines()¶BB = [int(x) for x in rows[1:]]¶print(sum(BB) / NN)
AA = [NN, 4, 9, 1]¶BB = []¶for x in range(len(AA) - 1):¶    BB.append(AA[x + 1] - AA[x])¶print(BB)
AA = pd.read_csv("shop.csv")¶BB = AA[AA["price"] > NN]¶print(BB.groupby("town")["price"].mean())
""".strip().split("\n")  # one concept each; AA, BB: names, NN: a number
MISTAKES = (  # where, what instead, the error ("": a wrong output) with its message (kinds: Smith & Rixner 2019)
    ("NN", "NN * 2", "", ""), (r"BB(?!.*BB)", "BBs", "NameError", "name 'BBs' is not defined"),
    (r":¶", "¶", "SyntaxError", "expected ':'"), (r"\)$", "", "SyntaxError", "'(' was never closed"),
    (r"¶ {4}", "¶", "IndentationError", "expected an indented block after line 3"),
    (r"\.items\(\)", "", "ValueError", "too many values to unpack (expected 2)"),
    (r" in AA\b", r" in len(AA)", "TypeError", "'int' object is not iterable"),
    (r"BB(?=\W*\)$)", "BB.value", "AttributeError", "'list' object has no attribute 'value'"),
    (r"\[x \+ 1\]", "[NN]", "IndexError", "list index out of range"), (r'"price"', '"Price"', "KeyError", "'Price'"),
    (r"AA\.csv", "AA", "FileNotFoundError", "[Errno 2] No such file or directory: 'AA'"),
    (r"return AA", "print(AA)", "TypeError", "unsupported operand type(s) for +: 'NoneType' and 'int'"),
)  # fmt: skip
UNSEEN, TYPO, RIGHT, PARTIAL = 0, 1, -1, -2
FITTING = [[i for i, m in enumerate(MISTAKES) if i != TYPO and re.search(m[0], task)] for task in TASKS]
WORDS = ("total", "data", "result", "items", "scores", "count", "prices", "words", "table", "value", "answer", "temp")
# Acts when stuck: seconds between them; weights for stoppers, movers, tinkerers (after Perkins et al. 1986).
ACTS = {
    "silence": (150, 4.0, 0.7, 0.5), "gave up": (200, 1.5, 0.7, 0.2), "same error": (45, 1.0, 1.0, 2.5),
    "wrong output": (100, 0.7, 1.0, 1.0), "back": (70, 0.5, 2.0, 0.7), "restart": (80, 0.2, 1.0, 0.7),
    "trial": (32, 0.1, 0.5, 3.0),
}  # fmt: skip
STOPPER, MOVER, TINKERER = 1, 2, 3


def edit(text: str, rng: Random) -> str:
    """Change one thing that does not touch the mistake: a number, quotes, blanks, a remark, a print more."""
    i, lines = rng.randrange(text.count("\n") + 1), text.split("\n")
    number = re.sub(r"\d+", lambda m: str(int(m[0]) + 1), line := lines[i], count=1)
    shown = re.sub(r"^( *)(?!print)(?:\w+ )?(\w+).*", r"\g<0>\n\1print(\2)" if len(lines) < 8 else r"\g<0>", line)
    lines[i] = rng.choice([number, shown, line.replace('"', "'"), line.replace(" = ", "="), line.rstrip("# ?") + " #?"])
    return "\n".join(lines)


class Cell(NamedTuple):
    id: str
    notebook: str
    place: int  # among all given cells of the lesson
    needs: list[int]  # concepts; the first is the task's
    demand: float
    names: list[str]
    output: int
    opens: float = 0.0  # live coding: when the teacher comes to it
    broken: bool = False  # a class problem: fails for everybody until explained

    def code(self, bug: int, rng: Random, letter: str = "x") -> str:
        """Write the cell with a mistake, in part, or right."""
        task = TASKS[self.needs[0]]
        text = re.sub(MISTAKES[bug][0], MISTAKES[bug][1], task, count=1) if bug >= 0 else task
        lines = self.named(re.sub(r"\bx\b", letter, text)).split("¶")
        if bug == PARTIAL:  # the lower half commented out, or not yet written
            half, mark = rng.randint(1, len(lines) - 1), rng.random() < 0.6
            lines = lines[:half] + (["# " + x for x in lines[half:]] if mark else [f"print({self.names[0]})"])
        return "\n".join(lines)

    def named(self, text: str) -> str:
        return text.replace("AA", self.names[0]).replace("BB", self.names[1]).replace("NN", self.names[2])


class Student:
    """Draw a person; parameters that the class shares come from the world."""

    def __init__(self, i: int, w: "World") -> None:
        r = self.rng = Random(w.rng.random())
        base, length, self.id = r.gauss(0, w.spread), w.lesson.length, i
        self.mastery = [base + r.gauss(0, 0.6) for _ in TASKS]
        self.kind = r.choices((STOPPER, MOVER, TINKERER), w.kinds)[0]
        self.slow = w.tempo * r.lognormvariate(0, 0.35)  # slow but steady is not stuck
        self.slip, self.learns, self.owned = r.uniform(0.03, 0.25), r.uniform(0.1, 0.4), 0
        # Those who need help most often avoid it (Ryan, Pintrich & Midgley 2001). Requests per minute when stuck.
        self.asks = 0.0 if w.exam or r.random() < w.shy - 0.1 * base else r.lognormvariate(-1.4, 0.8)
        self.social = 0.0 if w.exam else r.uniform(0, w.social)  # help by neighbours, per minute
        self.inserts, self.wanders = r.betavariate(1, 5), r.betavariate(1, 3)
        self.pastes, self.letter = r.betavariate(0.5, 12) * (not w.exam), r.choice("x" if w.live else "xij")
        self.watches = not w.exam and r.random() < w.lazy  # or sits beside the one of a pair who types
        self.now = r.uniform(300, 1500) if r.random() < 0.07 else abs(r.gauss(30, 60))  # late comers
        self.leaves = length * r.uniform(0.5, 1) if r.random() < 0.03 else inf
        self.alias = f"Untitled{r.randint(1, 9)}.ipynb" if r.random() < 0.05 else ""  # works in another notebook
        self.layout, self.done = dict[str, list[str]](), list[Cell]()  # cell ids by notebook; what works

    def lack(self, cell: Cell) -> float:
        return cell.demand - min(self.mastery[k] for k in cell.needs)

    def learn(self, cell: Cell, part: float) -> None:
        for k in cell.needs:
            self.mastery[k] += part * max(0.0, cell.demand + 0.5 - self.mastery[k])

    def own(self, cell: Cell, spread: float) -> Cell:
        self.owned += 1
        names = [*self.rng.sample(WORDS, 2), cell.names[2]] if spread else cell.names
        id_, demand = f"own{self.id}-{self.owned}", cell.demand + spread * self.rng.gauss(0, 1)
        return cell._replace(id=id_, demand=demand, names=names)


class World:
    """Hold what a class shares, and let its students work; generators yield the time of the next act."""

    def __init__(self, style: Style, students: int, seed: int) -> None:
        r = self.rng = Random(f"skills {style} {students} {seed}")
        self.live, self.exam, self.project = style == "live coding", style == "exam", style == "project"
        self.lesson = Lesson("skills", style, students, seed, length=60.0 * r.randint(45, 90))
        # Wide ranges, so that nothing hangs on one value. Wheels spin from `gap` on; `level` is the mean demand.
        self.gap, self.level = r.uniform(1.0, 1.9), r.uniform(-1.4, 0.2) + 0.4 * self.live
        self.tempo, self.spread = r.uniform(0.7, 1.6), r.uniform(0.5, 1)
        self.lazy, self.shy = r.uniform(0, 0.16), r.uniform(0, 0.9)
        self.insight, self.confusion, self.social = r.uniform(0.01, 0.06), r.uniform(0, 0.04), r.uniform(0, 0.15)
        self.kinds, self.patience = [r.uniform(0.3, 1.5) for _ in range(3)], r.uniform(6, 30)  # minutes
        self.rounds = 0.0 if self.exam else r.uniform(0.2, 1.5)  # seats a minute that the teacher looks at
        self.teachers = [0.0] * (1 + int(students / r.uniform(25, 90)))  # free from; with assistants
        self.share = r.uniform(0.08, 0.4)  # of the class in trouble at a cell before it is explained to all
        self.trouble, self.explained = Counter[int](), dict[int, float]()  # by place
        self.quiet, self.cells = list[tuple[float, float]](), list[Cell]()  # quiet: lectures, the break of the class
        books = r.randint(2, 5) if self.project else r.randint(1, 4) if self.exam else 1
        each = 60 if self.live else r.randint(4, 9) if self.project else r.randint(8, 16) // books if self.exam else 0
        each, ramp, clock = each or r.randint(15, 40), r.uniform(-0.5, 1.2), r.uniform(60, 600)
        if self.live or (self.lesson.length > 4200 and not self.exam and r.random() < 0.5):
            self.quiet.append((start := 0.0 if self.live else self.lesson.length / 2, start + clock))
        for place in range(books * each):
            demand, opens = self.level + r.gauss(0, 0.7) + ramp * (place / (books * each) - 0.5), clock * self.live
            if self.live:
                exercise = r.random() < 0.3
                demand -= 0.0 if exercise else r.uniform(0.0, 1.0)  # copying is easier than finding
                clock += r.uniform(180, 480) if exercise else r.uniform(40, 160)
                if r.random() < 0.2:  # a lecture
                    self.quiet.append((clock, clock := clock + r.uniform(120, 480)))
            needs, broken = r.sample(range(len(TASKS)), r.choice((1, 1, 2, 2, 3))), r.random() < 0.025 * (not self.exam)
            names = [*r.sample(WORDS, 2), str(r.randint(3, 40))]
            id_, book = f"c{place:02d}-{r.randrange(16**6):06x}", f"part{place // each + 1}.ipynb"
            self.cells.append(Cell(id_, book, place, needs, demand, names, r.randint(90, 900), opens, broken))
        self.cells = [c for c in self.cells if c.opens < self.lesson.length - 120]
        self.people = [Student(i, self) for i in range(students)]

    def run(self, s: Student, cell: Cell, bug: int, text: str = "", aborted: bool = False) -> None:
        """Record a run; a cell of the student's own is put in after the one worked on last."""
        book, last = s.alias or cell.notebook, s.done[-1].id if s.done else self.cells[cell.place].id
        ids = s.layout.setdefault(book, [] if s.alias else [c.id for c in self.cells if c.notebook == book])
        if cell.id not in ids:
            ids.insert(ids.index(last) + 1 if last in ids else len(ids), cell.id)
        error, message = MISTAKES[bug][2:] if bug >= 0 and not aborted else ("", "")
        out = "" if error or aborted else str({UNSEEN: cell.output // 3, PARTIAL: cell.names[2]}.get(bug, cell.output))
        at, took, code = round(s.now, 2), s.rng.uniform(0.02, 0.9), text or cell.code(bug, s.rng, s.letter)
        said = ids.index(cell.id), code, error > "", error, cell.named(message), out
        self.lesson.runs.append(Run(at, s.id, book, cell.id, *said, round(took, 2), "aborted" if aborted else ""))

    def wait(self, s: Student, seconds: float) -> Iterator[float]:
        """Let time pass; while the teacher lectures nearly everybody listens; some look elsewhere meanwhile."""
        start, until = s.now, s.now + seconds
        for begin, end in self.quiet:
            if begin <= until < end and s.rng.random() < 0.96:
                until = end + s.rng.uniform(5, 60)
        away = until - start > 25 and s.rng.random() < s.wanders * min(1.0, (until - start) / 150)
        for s.now, here in ((start + 0.2 * (until - start), False), (until - 3, True)) if away else ():
            yield s.now
            self.lesson.focus.append((s.now, s.id, here))
        s.now = until
        yield s.now

    def attend(self, s: Student) -> Generator[float, None, None]:
        """Go through the lesson."""
        self.lesson.focus.append((s.now, s.id, True))
        r, first = s.rng, s.rng.choice(self.cells).notebook if s.rng.random() < 0.3 else ""
        cells = sorted(self.cells, key=lambda c: (c.notebook != first, c.place))  # some begin with another notebook
        if self.project:  # mostly cells of one's own
            cells = [s.own(c, 0.5) if k else c for c in cells for k in range(r.randint(1, 5))]
        queue = deque((s.own(c, 0.0) if s.alias else c, 0) for c in cells)
        while s.watches:
            yield from self.wait(s, r.expovariate(1 / 900))
            self.run(s, r.choice([c for c in self.cells if c.opens < s.now] or self.cells[:1]), RIGHT)
        while queue:
            cell, visits = queue.popleft()
            if cell.opens > s.now:
                yield from self.wait(s, cell.opens - s.now + r.uniform(10, 70) * s.slow)
            if self.live and any(c.opens < s.now - 120 for c, _ in queue) and r.random() < 0.4:
                continue  # late or behind: leaves it out
            solved = yield from self.solve(s, cell, visits)
            if not solved and not self.live and visits < 2:
                queue.append((cell, visits + 1))
            if r.random() < s.inserts:  # tries things; some errors are on purpose, and tinkerers make many
                scratch = s.own(cell, 0.3)
                for bug in r.choices((RIGHT, PARTIAL, *FITTING[cell.needs[0]]), k=r.randint(1, 2 * s.kind)):
                    yield from self.wait(s, r.uniform(8, 50))
                    self.run(s, scratch, bug, edit(scratch.code(bug, r), r))
        while s.done and r.random() < 0.7:  # an early finisher looks over it, then does something else
            yield from self.wait(s, r.expovariate(1 / 200))
            self.run(s, r.choice(s.done), RIGHT)

    def in_trouble(self, cell: Cell, now: float, new: bool) -> None:
        self.trouble[cell.place] += new
        if self.trouble[cell.place] > self.share * self.lesson.students and not self.exam:
            self.explained.setdefault(cell.place, now + self.rng.uniform(60, 420))

    def ask(self, s: Student) -> float:
        """Ask, and say when the help is over; the teachers go to one student after another."""
        self.lesson.asked.append(Asked(round(s.now, 2), s.id))
        free = max(s.now + self.rng.uniform(10, 90), heapq.heappop(self.teachers)) + self.rng.uniform(40, 200)
        heapq.heappush(self.teachers, free)
        return free

    def solve(self, s: Student, cell: Cell, visits: int) -> Generator[float, None, bool]:
        """Work on a cell; say whether it is solved, or left."""
        r, tries, known, fitting = s.rng, 0, s.rng.random() < s.pastes, FITTING[cell.needs[0]]
        bug, pace = r.choice(fitting), s.slow * (1.6 if self.exam else 1.0)
        s.learn(cell, 0.5 * (self.explained.get(cell.place, inf) < s.now))
        rest = r.uniform(5, 20) if r.random() < 0.02 and not self.live else 1.0  # a break of one's own, or long reading
        yield from self.wait(s, (20 if self.live else 40) * pace * rest * r.lognormvariate(0, 0.8))
        while not known and not self.live and r.random() < 0.35:  # builds it up in working parts
            self.run(s, cell, PARTIAL)
            yield from self.wait(s, 25 * pace * r.lognormvariate(0, 0.6))
        if not known and s.lack(cell) > self.gap and r.random() < 0.4 / s.kind:  # cannot even begin
            return (yield from self.stuck(s, cell, bug, visits))
        while tries < (5 if s.kind == MOVER else 12) or known:
            lack, tries = s.lack(cell), tries + 1
            if cell.broken and s.now < self.explained.get(cell.place, inf):  # a class problem, not the student's
                self.run(s, cell, TYPO)
                self.in_trouble(cell, s.now, tries == 1)
                tries += r.randrange(3)
            elif known := known or r.random() < 1 / (1 + exp(2 * lack)):
                slipped = r.random() < s.slip
                self.run(s, cell, TYPO if slipped else RIGHT)
                if not slipped:
                    s.learn(cell, 0.1)
                    s.done.append(cell)
                    return True
            else:
                bug = bug if r.random() < 0.7 else r.choice(fitting)
                self.run(s, cell, bug, edit(cell.code(bug, r, s.letter), r) if tries > 1 else "")
                if bug == UNSEEN and lack < self.gap and r.random() < 0.3:
                    return True  # wrong, unseen, and in nobody's way
                # Struggle mostly ends by itself; where it turns to frustration, it does not (D'Mello & Graesser 2012).
                if r.random() < (1 / (1 + exp(-5 * (lack - self.gap))) if tries == 1 else self.confusion * (lack > 0)):
                    return (yield from self.stuck(s, cell, bug, visits))
                s.learn(cell, s.learns * exp(-max(0.0, lack)))
                if known := r.random() < s.asks / 8:  # some ask early (Aleven & Koedinger 2000)
                    yield from self.wait(s, max(10.0, self.ask(s) - s.now))
            yield from self.wait(s, 60 / (0.5 + 0.5 * s.kind) * pace * r.lognormvariate(0, 0.7))
        return False

    def stuck(self, s: Student, cell: Cell, bug: int, visits: int) -> Generator[float, None, bool]:
        """Spin the wheels until something ends it; say whether the cell is solved."""
        r, text, start, gone = s.rng, cell.code(bug, s.rng, s.letter), s.now, False
        how = {act: weights[s.kind] * r.expovariate(1) ** 2 for act, weights in ACTS.items()}
        self.in_trouble(cell, start, True)
        leave = 0.0 if self.live or visits > 1 else (2 if s.kind == MOVER else 1) / self.patience
        insight, seen = self.insight * exp(-max(0.0, s.lack(cell) - self.gap)), self.rounds / self.lesson.students
        rates = {"insight": insight, "neighbour": s.social, "ask": s.asks, "teacher": seen, "leave": leave}
        ends = {end: start + 60 * r.gammavariate(2, 0.5 / rate) if rate else inf for end, rate in rates.items()}
        if self.live and r.random() < 0.6:  # takes up the thread at a later cell that does not need this one
            ends["leave"] = max([start + 60, *(c.opens for c in self.cells[cell.place : cell.place + r.randint(2, 6)])])
        try:
            while True:
                ends["explained"] = told if (told := self.explained.get(cell.place, inf)) > start else inf
                act, end = r.choices(list(how), list(how.values()))[0], min(ends, key=ends.__getitem__)
                pause = ACTS[act][0] * s.slow * r.lognormvariate(0, 0.5)
                yield from self.wait(s, max(1.0, min(pause, ends[end] - s.now)))
                if end == "ask" and s.now >= ends["ask"]:
                    ends["teacher"], ends["ask"] = min(ends["teacher"], self.ask(s)), inf
                elif s.now >= ends[end]:
                    break
                elif act == "gave up" and not gone:
                    gone, how = True, {"gave up": 1.0}  # shuts the window, or stares at it; some leave for good
                    self.lesson.focus.append((s.now, s.id, r.random() < 0.4))
                    s.leaves = min(s.leaves, s.now + r.uniform(60, 1200)) if r.random() < 0.3 else s.leaves
                elif act == "back":  # looks for the reason in what worked
                    for earlier in s.done[-r.randint(1, 4) :]:
                        self.run(s, earlier, RIGHT)
                        yield from self.wait(s, r.uniform(3, 15))
                elif act == "restart" and not s.alias:
                    for c in [c for c in self.cells if c.notebook == cell.notebook and c.opens <= s.now]:
                        at, new = (cell, bug) if c.place == cell.place else (c, RIGHT), c.place > cell.place
                        self.run(s, *at, text if at[0] is cell else "", new)
                        s.now += 0.3
                elif act == "trial":
                    bug = r.choice((bug, PARTIAL, PARTIAL, *r.choices(FITTING[cell.needs[0]], k=2)))
                    text = edit(cell.code(bug, r, s.letter), r)
                elif act == "wrong output":  # believes it, or only sees that it is not what the book says
                    bug, text = UNSEEN, cell.code(UNSEEN, r, s.letter)
                    if r.random() < 0.4 and not self.live:  # goes on with it in the next cell
                        self.run(s, self.cells[min(cell.place + 1, len(self.cells) - 1)], UNSEEN)
                elif act == "same error" and r.random() < 0.8:
                    text = edit(text, r)
                if act in ("back", "same error", "trial", "wrong output"):
                    self.run(s, cell, bug, text)
        finally:  # also when the student or the lesson goes
            last = round(min(s.now, s.leaves, self.lesson.length), 2)
            self.lesson.stuck.append(Stuck(s.id, round(start, 2), last, max(how, key=how.__getitem__)))
        if end != "leave":
            s.learn(cell, 0.1 if end == "neighbour" and r.random() < 0.5 else r.uniform(0.4, 1.0))  # 0.1: copied
            yield from self.wait(s, r.uniform(10, 70) * s.slow)
            self.run(s, cell, RIGHT)
            s.done.append(cell)
        return end != "leave"


def make_lesson(*, style: Style, students: int, seed: int) -> Lesson:
    """Simulate a lesson; the same arguments give the same one."""
    world = World(style, students, seed)
    lesson, walks = world.lesson, [world.attend(s) for s in world.people]
    heap = sorted((s.now, s.id) for s in world.people)
    while heap:
        s = world.people[heapq.heappop(heap)[1]]
        now, end = next(walks[s.id], inf), min(lesson.length, s.leaves)
        if now < end:
            heapq.heappush(heap, (now, s.id))
        else:
            walks[s.id].close()
            lesson.focus.append((end, s.id, False))
    lesson.runs = sorted((run for run in lesson.runs if run.at < lesson.length), key=lambda run: run.at)
    lesson.focus = sorted((round(at, 2), i, here) for at, i, here in lesson.focus if at < lesson.length)
    return lesson


def main() -> None:
    print("style       seed   n min runs/student failing stuck median min >=5 min asked")
    for style, seed, n in [(style, seed, n) for style in STYLES for seed, n in enumerate((20, 60, 120, 200), 1)]:
        made = make_lesson(style=style, students=n, seed=seed)
        spans, failed = [x.end - x.start for x in made.stuck] or [0.0], sum(run.failed for run in made.runs)
        stuck, asked = len({x.student for x in made.stuck}) / n, len({x.student for x in made.asked}) / n
        runs, long = len(made.runs) / n, sum(x >= 300 for x in spans) / len(spans)
        row = f"{style:12}{seed:4}{n:4}{made.length / 60:4.0f}{runs:13.1f}{failed / len(made.runs):8.2f}"
        print(f"{row}{stuck:6.2f}{median(spans) / 60:11.1f}{long:8.2f}{asked:6.2f}")


if __name__ == "__main__":
    main()
