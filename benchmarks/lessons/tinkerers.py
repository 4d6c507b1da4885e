"""Simulate students as agents who debug: drafts with real bugs, edited by try and error, and really run.

Whether an edit removes a bug depends on whether the student understands its kind; who meets one of another kind is
stuck once their hidden supply of ideas has run out. Errors repeat as in Jadud (2006), Watson, Li & Godwin (2013) and
Becker (2016); struggle may pay (Kapur 2008).
"""

import heapq
import random
import re
from collections.abc import Iterator
from functools import lru_cache

from benchmarks.lessons import STYLES, Asked, Lesson, Run, Stuck, Style

# fmt: off
RECIPES = (  # programs; "|" ends a line
    '{xs} = {list}|{out} = 0|for item in {xs}:|    {out} += item * {a}|print("sum", {out})',
    'def grow(size, rate):|    return size * rate + {b}|{out} = grow({a}, {c})|print("size", {out})',
    'long = ""|for word in {w}:|    if len(word) > len(long):|        long = word|{out} = len(long)|print(long, {out})',
    'stock = {{"pen": {a}, "cup": {b}}}|{out} = 0|for key in stock:|    {out} += stock[key]|print(stock["cup"], {out})',
    "{xs} = {list}|first = {xs}[0]|last = {xs}[len({xs}) - 1]|{out} = max({xs}) - first + last|print({out}, first)",
    "{xs} = {list}|row = []|for i in range(1, len({xs})):|    row.append({xs}[i - 1] * {a})|{out} = row[0]|print(row)",
    '{out} = {c}|for part in "{a},{b},{c}".split(","):|    {out} += int(part)|print("sum: " + str({out}))',
)
WORDS = (("scores", "prices", "ages", "points"), ("total", "answer", "level", "amount"), ("sun", "rain", "storm"))
SLIPS = [(re.compile(pattern), to) for pattern, to in (
    (r":$", ""), (r"\)$", ""), (r"^    ", ""), (r'"(?=[^"]*$)', ""), (r"\bint\((\w+)\)", r"\1"), (r"\[0\]", "[9]"),
    (r"\bstr\((\w+)\)", r"\1"), (r"\blen\((\w+)\)", r"\1"), (r"\.append\(", ".add("), (r"\b(\d+)\b", r'"\1"'),
    (r" - 1\]", "]"), (r'"\]', 's"]'), (r"len\((\w+)\)\)", r"len(\1) + 1)"), (r" > ", " < "), (r" \* ", " + "),
    (r" - ", " + "), (r" \+= ", " = "), (r"\bmax\b", "min"), (r"\b([1-9])\b", r"\g<1>0"),
    (r"\b([a-z_]{3})[a-z_]([a-z_0-9]*)\b(?=([^'\"]|'[^']*'|\"[^\"]*\")*$)", r"\1\2"))]  # a letter less, not in a string
KIND = {"SyntaxError": "syntax", "IndentationError": "syntax", "NameError": "name", "AttributeError": "name",
        "IndexError": "index", "KeyError": "index", "": "logic", "AssertionError": "logic"}
HARD = {"syntax": -1.1, "name": -0.9, "type": 0.2, "index": 0.3, "logic": 0.7, "state": 0.2, "upstream": 0.5}
# Ways of debugging (Murphy et al. 2008): least and most seconds, and how far each helps to find the fault.
WAYS = {"rerun": (6, 25, 0.0), "random": (10, 45, 0.5), "print": (20, 70, 1.1), "comment": (15, 60, 0.9),
        "revert": (10, 30, 0.3), "copy": (30, 120, 1.0), "read": (30, 160, 1.5), "search": (45, 200, 1.6),
        "back": (15, 60, 0.6), "restart": (10, 50, 0.3), "rewrite": (60, 220, 1.0), "silent": (90, 600, 0.4)}
# Stoppers stop at a problem, movers try on, extreme tinkerers edit without a plan (Perkins et al. 1986).
TEMPERS = ({"silent": 7, "read": 3}, {"print": 3, "rewrite": 2}, {"random": 6, "rerun": 3}, dict[str, int]())
# fmt: on


def mutate(rng: random.Random, line: str) -> str:
    """Change one token of a line at random."""
    hit, to = rng.choice([(hit, to) for pattern, to in SLIPS for hit in pattern.finditer(line)] or [(None, "")])
    return line[: hit.start()] + hit.expand(to) + line[hit.end() :] if hit else line + ")"


@lru_cache(maxsize=50_000)
def run(code: str, before: str, out: str) -> tuple[str, str, str, str]:
    """Run code after `before`; return the error, its message, the output, and `out` as an assignment ("" if unset)."""
    printed: list[str] = []
    names: dict[str, object] = {"print": lambda *words: printed.append(" ".join(map(str, words)))}
    error = message = ""
    try:
        exec(before, names)
        exec(compile(code, "cell", "exec"), names)
    except Exception as wrong:
        error, message = type(wrong).__name__, str(wrong)
    after = f"{out} = {names[out]!r}" if isinstance(names.get(out), int | str | list) else ""
    return error, message, re.sub(" at 0x[0-9a-f]+", "", "\n".join(printed))[:200], after


class Cell:
    """A cell of the lesson. Roles: task; given (to be run); error (fails on purpose); trap (fails until explained)."""

    def __init__(self, name: str, notebook: str, place: int, role: str, dep: int, opens: float) -> None:
        self.id, self.notebook, self.place, self.role, self.opens = name, notebook, place, role, opens
        self.dep, self.out = dep, ""  # dep: the earlier cell whose value this one uses, or -1
        self.explained, self.met = float("inf"), set[int]()
        self.lines, self.right = ["import math"] if role == "trap" else [], run("", "", "")
        self.slips: dict[str, list[tuple[int, str]]] = {}  # bugs by kind: line, text


class Student:
    """Who understands what, and how they debug; and what is in their kernel, notebook and present s."""

    def __init__(self, w: "World", number: int) -> None:
        self.number, self.rng = number, (rng := random.Random(f"{w.rng.random()} {number}"))
        self.role = rng.choices([*w.shares, "usual"], [*w.shares.values(), 1.0])[0]
        fast = self.role == "fast tinkerer"
        skill, temper = rng.gauss(w.level + 3.0 * fast, 1.0), TEMPERS[2] if fast else rng.choice(TEMPERS)
        self.knows = {kind for kind, hard in HARD.items() if skill + rng.gauss(0, 0.8) > hard}
        scale = {"copy": 0.05 if w.exam else w.copies, "restart": 0.15, "silent": 0.0 if fast else 0.5}
        self.ways = [rng.gammavariate(0.8, 1) * temper.get(way, 1) * scale.get(way, 1) for way in WAYS]
        self.speed, self.fix = rng.lognormvariate(0.2 * w.exam - 0.5 * fast, 0.35), rng.uniform(0.3, 0.9)
        self.slip, self.builds = w.buggy * rng.uniform(0.5, 1.5) * (1.8 if fast else 1), rng.uniform(0, 0.7)
        self.notice, self.insert = rng.random() ** 0.6, w.inserts * rng.random()
        self.values, self.texts, self.inserted, self.todo = dict[int, str](), dict[int, str](), list[int](), list[int]()
        self.focus, self.asked, self.helped = False, False, False
        # A bug not understood: why ("": none), line (-1: above), and when they run dry (then stuck), ask, give up.
        self.why, self.line, self.dry, self.ask, self.give_up = "", 0, 0.0, 0.0, 0.0
        self.start([])

    def start(self, target: list[str]) -> None:
        """Begin a draft; bugs are line: kind ("own" is fresh damage by editing), above is what was inserted."""
        self.target, self.lines, self.muted = target, list(target), range(0)
        self.bugs, self.above = dict[int, str](), dict[int, str]()

    def text(self) -> str:
        return "\n".join(self.above.get(i, "") + "# " * (i in self.muted) + x for i, x in enumerate(self.lines))

    def put(self, at: int, line: str, kind: str = "own") -> None:
        self.lines[at], bugs = line, {at: kind, **self.bugs}
        self.bugs = {i: kind for i, kind in bugs.items() if self.lines[i] != self.target[i]}


class World:
    """Hold one lesson, drawn from wide ranges. Agents are iterators of the seconds until they act again."""

    def __init__(self, style: Style, students: int, seed: int) -> None:
        rng = self.rng = random.Random(f"tinkerers {style} {students} {seed}")
        u, self.exam, self.live = rng.uniform, style == "exam", style == "live coding"
        self.lesson = Lesson("tinkerers", style, students, seed, rng.choice((45, 50, 60, 75, 90)) * 60.0)
        self.length, self.now, self.cells, self.checks = self.lesson.length, 0.0, list[Cell](), u(0, 0.6)
        # Own ideas pay as long as there are some (Kapur 2008). Many who need help avoid it (Ryan & Pintrich 1997).
        self.ideas, self.insight, self.patience = u(25, 180), u(0.002, 0.05), u(200, 1100)
        self.ask, self.inserts = u(0.1, 0.65) * (0.08 if self.exam else 1), u(0, 0.35) * (1 + (style == "project"))
        # In live coding the teacher's code is on the screen: more slips of the pen than misconceptions.
        self.level, self.copies = u(0.3, 2.2) + 0.6 * self.live, u(0.02, 0.4) + 0.3 * self.live
        self.blind, self.breaks, self.walk, self.buggy = u(0, 0.4), u(0, 0.08), u(0.05, 0.5), u(0.1, 0.6)
        self.shares = {"late": u(0, 0.15), "elsewhere": u(0, 0.06), "paster": u(0, 0.12), "watcher": u(0, 0.1)}
        self.shares |= {"fast tinkerer": u(0.02, 0.25), "second": u(0, 0.15) * (not self.exam)}
        self.make_cells(style, rng)
        self.pace, self.crowd = self.length / len(self.cells) * u(0.35, 0.8), students * u(0.2, 0.4)
        self.students = [Student(self, number) for number in range(students)]

    def make_cells(self, style: Style, rng: random.Random) -> None:
        """Write the notebooks: targets, their bugs by kind (found by running mutations), and when cells open."""
        many = {"exercises": rng.randint(15, 40), "project": rng.randint(12, 28), "exam": rng.randint(6, 20)}
        count = many.get(style, int(self.length / rng.uniform(130, 300)))
        books = {"project": rng.randint(2, 4), "exam": rng.choice((1, 1, 2, 3))}.get(style, 1)
        given, linked, clock = rng.uniform(0, 0.4), rng.uniform(0.1, 0.45), rng.uniform(60, 420)
        trap, place = rng.randrange(count * 2) if not self.exam else -1, -1  # a trap in half of the lessons
        for i in range(count):
            book = f"{style.split()[0]}-{i * books // count + 1}.ipynb"
            role = "trap" if i == trap else rng.choices(("task", "given", "error"), (1 - given, given, 0.03))[0]
            tasks = [k for k, cell in enumerate(self.cells) if cell.role == "task" and cell.notebook == book][-3:]
            dep = rng.choice(tasks) if tasks and role == "task" and rng.random() < linked else -1
            place = rng.randint(1, 2) + (place if i and self.cells[-1].notebook == book else -1)
            cell = Cell(f"cell-{i}", book, place, role, dep, clock)
            for _ in range(2 if style == "project" and rng.random() < 0.6 else 1):
                xs, cell.out, w = rng.choice(WORDS[0]), f"{rng.choice(WORDS[1])}{i}", rng.sample(WORDS[2], 3)
                a, b, c, *n = rng.sample(range(1, 10), 8)
                cell.lines += rng.choice(RECIPES).format(xs=xs, out=cell.out, list=n, w=w, a=a, b=b, c=c).split("|")
            if dep >= 0:
                cell.lines.insert(-1, f"{cell.out} = {cell.out} + {self.cells[dep].out}")
            cell.lines = ['number = int("ten")', "print(number)"] if role == "error" else cell.lines
            before = self.cells[dep].right[3] if dep >= 0 else ""
            cell.right = run("\n".join(cell.lines), before, cell.out)
            if role in ("task", "trap") and rng.random() < self.checks:  # a test below the answer, as nbgrader has
                cell.lines.append(f"assert str({cell.out}) == '{cell.right[3].split()[-1]}', 'not yet right'")
            for at in [at for at, line in enumerate(cell.lines) if "assert" not in line and "math" not in line] * 5:
                code = "\n".join([*cell.lines[:at], wrong := mutate(rng, cell.lines[at]), *cell.lines[at + 1 :]])
                if (got := run(code, before, cell.out)) != cell.right:
                    cell.slips.setdefault(KIND.get(got[0], "type"), []).append((at, wrong))
            self.cells.append(cell)
            clock += self.length / count * rng.uniform(0.3, 1.0) + rng.choice((0, 0, 0, 0, rng.uniform(150, 540)))

    def execute(self, s: Student, k: int, code: str, own: str = "", aborted: bool = False) -> tuple[str, str, str, str]:
        """Run code in the student's kernel as cell k, or as a cell of their own below it."""
        cell = self.cells[k]
        got = ("",) * 4 if aborted else run(code, s.values.get(cell.dep, ""), cell.out)
        place = cell.place + bool(own) + sum(a < k and self.cells[a].notebook == cell.notebook for a in s.inserted)
        seconds, one = s.rng.lognormvariate(-2, 0.8), (self.now, s.number, cell.notebook, own or cell.id, place, code)
        self.lesson.runs.append(Run(*one, bool(got[0]), *got[:3], seconds, "aborted" if aborted else ""))
        if not own:
            s.texts[k], s.values[k] = code, got[3] or s.values.get(k, "")
        return got

    def close(self, s: Student) -> None:
        """End a trouble; it was being stuck only if own ideas had run out."""
        if s.why and s.dry < self.now:
            self.lesson.stuck.append(Stuck(s.number, s.dry, self.now, s.why))
        s.why, s.asked, s.helped = "", False, False

    def pause(self, s: Student, seconds: float, focus: bool = True) -> Iterator[float]:
        """Wait; who is in trouble may ask meanwhile, and help ends the wait."""
        end = self.now + seconds
        self.lesson.focus += [(self.now, s.number, focus)] * (s.focus is not focus)
        s.focus = focus
        while self.now < end and not s.helped:
            if s.why and not s.asked and s.ask <= self.now:
                s.asked = True
                self.lesson.asked.append(Asked(self.now, s.number))
            yield min(20.0 if s.why else seconds, max(0.1, end - self.now))

    def attend(self, s: Student) -> Iterator[float]:
        """Go through the cells. Of pairs at one machine the second never types; watchers seldom do."""
        rng, last = s.rng, len(self.cells) - 1
        yield rng.uniform(300, 1500) if s.role == "late" else rng.expovariate(1 / 60)
        cut, joins = rng.randint(0, last) if s.role == "elsewhere" else 0, rng.random()
        s.todo = [*range(cut, last + 1), *range(cut)]
        for k in s.todo:  # grows by what is left open
            late = self.live and k < last and self.now > self.cells[k + 1].opens and rng.random() < joins
            if late or s.role in ("second", "left") or (s.role == "watcher" and rng.random() < 0.85):
                yield 0.0 if late else self.pace
                continue
            yield from self.pause(s, self.cells[k].opens - self.now if self.live else 0.0)
            if rng.random() < self.breaks:
                yield from self.pause(s, rng.uniform(90, 720), rng.random() < 0.3)
            yield from self.work(s, k)
        while s.role not in ("second", "watcher", "left") and rng.random() < 0.8:  # an early finisher plays, or is done
            yield rng.expovariate(1 / 240)
            self.execute(s, last, mutate(rng, rng.choice(self.cells[last].lines)), f"play-{s.number}")
        yield from self.pause(s, 0, s.role != "left" and rng.random() < 0.5)

    def work(self, s: Student, k: int) -> Iterator[float]:
        """Write a draft of a cell, with the bugs that this student makes, and debug it."""
        rng, cell = s.rng, self.cells[k]
        s.start(cell.lines)
        think, ready = s.speed * self.pace * rng.lognormvariate(-0.2, 0.6), cell.role in ("given", "error")
        pasted = ready or rng.random() < (0.6 if s.role == "paster" else 0.03)
        for _ in range(0 if pasted else rng.choices((1, 2, 3), (6, 3, 1))[0]):
            # A misconception makes its bug wherever it can; what is understood is only a slip of the pen.
            kind = rng.choices(list(cell.slips), [1.0 if kind in s.knows else 2.2 for kind in cell.slips])[0]
            if rng.random() < s.slip:
                s.put(*rng.choice(cell.slips[kind]), kind)
        yield from self.pause(s, think * (0.2 if pasted else 0.6))
        if not pasted and rng.random() < s.builds:  # tried before it is done
            self.execute(s, k, "\n".join(s.lines[:-1]))
            yield think * 0.4
        if cell.role == "trap" and self.now < cell.explained and rng.random() < 0.95:
            s.put(0, "import maths", "trap")
        yield from self.debug(s, k)
        if s.role != "left" and rng.random() < s.insert:  # looks at a value in a cell of their own, below
            s.inserted.append(k)
            yield rng.uniform(5, 40)
            code = "\n".join([*s.lines[:-1], f"print({rng.choice((cell.out, cell.out, 'len', 'item'))})"])
            self.execute(s, k, code, f"own-{s.number}-{len(s.inserted)}")

    def debug(self, s: Student, k: int) -> Iterator[float]:
        """Run, look, edit, again, until the cell is right, or seems so, or is left."""
        rng, cell, careful = s.rng, self.cells[k], s.rng.random() < s.notice
        while True:
            got = self.execute(s, k, s.text())
            at, kind, up = 0, "own", self.cells[cell.dep].right[3] if cell.dep >= 0 else ""
            if s.bugs:  # the fault that this error, or wrong output, comes from
                at, kind = min([bug for bug in s.bugs.items() if bug[1] == KIND.get(got[0], "type")] or s.bugs.items())
            elif up and s.values.get(cell.dep) != up:  # an earlier cell is wrong, or was not run
                at, kind = -1, "upstream" if s.values.get(cell.dep) else "state"
            right = got == cell.right or not (got[0] or s.bugs or s.muted or got[3] != cell.right[3])
            unseen = kind in ("logic", "upstream") and not (got[0] or s.muted or careful or s.why)
            # Who goes on with a wrong output is not stuck, until a later cell needs it; but some stay and polish.
            if right or (unseen and (kind in s.knows or rng.random() > self.blind)):
                return self.close(s)
            if trap := kind == "trap":  # a problem of the class: after a while the teacher explains it to all
                cell.met.add(s.number)
                soon = rng.uniform(200, 600) if len(cell.met) > self.crowd else 900.0
                cell.explained = min(cell.explained, self.now + soon)
            known = kind in s.knows or kind == "own" or (trap and self.now > cell.explained)
            if not (known or trap or s.why):
                s.line, s.why = at, ("unnoticed: " if unseen else "misconception: ") + kind
                s.dry = self.now + rng.expovariate(1 / self.ideas)
                s.give_up = s.dry + 30 + rng.expovariate(1 / self.patience)
                s.ask = s.dry + rng.expovariate(1 / 150) if rng.random() < self.ask and not unseen else self.length
            unnoticed, what = s.why.startswith("unnoticed"), rng.random() * (3 if self.exam else 1)
            if s.why and self.now > s.give_up and not s.helped:
                if unnoticed or not 0.2 < what < 0.45:
                    s.role = "left" if what < 0.2 and not unnoticed else s.role
                    s.todo += [k] * (not unnoticed)
                    yield from self.pause(s, 0, s.role != "left")
                    return self.close(s)
                yield from self.pause(s, self.length, rng.random() < 0.6)  # gives up quietly and stays
            way = rng.choice(("rerun", "print", "read")) if unnoticed else rng.choices(list(WAYS), s.ways)[0]
            low, high, care = WAYS["read" if way == "silent" and not s.why else way]
            stays = way not in ("search", "silent") or rng.random() < 0.5
            yield from self.pause(s, rng.uniform(low, high) * s.speed, stays)
            chance = s.fix * max(0.3, care) if known else self.insight * care * (5 if self.now < s.dry else 1)
            at, chance = (s.line, 1.0) if s.helped else (at, chance)
            s.knows |= {s.why.split()[-1]} if s.helped and rng.random() < 0.5 else set()  # understood
            if way == "copy" and not trap and rng.random() < self.copies:  # the neighbour's text, whole
                s.lines, s.bugs, chance = list(cell.lines), {}, 1.0
            yield from self.edit(s, k, at, "fix" if rng.random() < chance else way)
            if s.why and s.line >= 0 and s.line not in s.bugs:
                self.close(s)

    def edit(self, s: Student, k: int, at: int, way: str) -> Iterator[float]:
        """Change the draft: remove the fault ("fix"), or do what the way of debugging does without removing it."""
        rng, cell, s.muted, spot = s.rng, self.cells[k], range(0), s.rng.randrange(len(s.lines))
        if way == "fix" and at >= 0:
            s.put(at, cell.lines[at])
            s.above = s.above if rng.random() < 0.3 else {}
        elif way == "fix":  # the fault is above: correct the earlier cell, or run it again
            self.execute(s, cell.dep, "\n".join(self.cells[cell.dep].lines))
            s.values[cell.dep] = self.cells[cell.dep].right[3]
            self.close(s)
        elif way == "print":
            line, what = s.lines[spot], rng.choice(('"here"', f'"step {spot}"', cell.out))
            s.above[spot] = line[: len(line) - len(line.lstrip())] + f"print({what})\n"
        elif way == "comment":
            start = max([i for i in range(max(at, 0) + 1) if s.lines[i][0] != " "])
            s.muted = range(start, len(s.lines) if rng.random() < 0.6 else start + 3)
        elif way == "revert":
            s.lines = [s.target[i] if s.bugs.get(i) == "own" else line for i, line in enumerate(s.lines)]
            s.bugs, s.above = {i: kind for i, kind in s.bugs.items() if kind != "own"}, {}
        elif way in ("rewrite", "search") and s.bugs.get(at) in cell.slips:  # the same misconception, other text
            s.lines[at] = rng.choice([line for i, line in cell.slips[s.bugs[at]] if i == at] or [s.lines[at]])
            s.above[0] = rng.choice(("# second try", "# from the web", "# new", f"# {cell.out}")) + "\n"
        elif way in ("back", "restart"):  # some earlier cells again, or restart and run all
            again, failed, first = way == "restart", False, k - rng.randint(1, 3)
            s.values = {} if again else s.values
            for j, other in enumerate(self.cells):
                if other.notebook == cell.notebook and (again or (first <= j < k and j in s.texts)):
                    text = s.texts.get(j, "# your answer" if other.role in ("task", "trap") else "\n".join(other.lines))
                    got = self.execute(s, j, s.text() if j == k else text, "", failed)
                    failed |= again and bool(got[0]) and other.role != "error"  # that one is marked: it may fail
                    yield 0.02 if failed else rng.uniform(0.2, 1.0) if again else rng.uniform(2, 25)
        elif way in ("random", "copy") or (way == "read" and rng.random() < 0.5):
            spot = at if at >= 0 and rng.random() < 0.65 else spot
            s.put(spot, mutate(rng, rng.choice((s.lines, cell.lines))[spot]))
        yield from self.pause(s, rng.uniform(3, 20) * s.speed)

    def teach(self) -> Iterator[float]:
        """Help who asked, in turn; else walk by, and now and then see who is stuck."""
        while True:
            asked = [s for s in self.students if s.asked and not s.helped]
            s = min(asked, key=lambda s: s.ask) if asked else self.rng.choice(self.students)
            if s.why and s.dry < self.now and (asked or self.rng.random() < self.walk):
                yield self.rng.uniform(25, 180)
                s.helped = bool(s.why)
            yield self.rng.uniform(10, 40)


def make_lesson(*, style: Style, students: int, seed: int) -> Lesson:
    """Simulate one lesson: let all act in the order of time. The same arguments give the same lesson."""
    w = World(style, students, seed)
    agents = [w.attend(s) for s in w.students] + [w.teach() for _ in range(0 if w.exam else 1 + students // 70)]
    todo = [(0.0, i) for i in range(len(agents))]
    while todo:
        w.now, i = heapq.heappop(todo)
        if (then := w.now + next(agents[i], w.length)) < w.length:
            heapq.heappush(todo, (then, i))
    w.now = w.length
    for s in w.students:
        w.close(s)
    return w.lesson


if __name__ == "__main__":
    print("style        seed  min  runs/student  failing  ever stuck  median s  >=5 min  asked")
    for one in [make_lesson(style=style, students=60, seed=seed) for style in STYLES for seed in (1, 2, 3, 4)]:
        spans, ever = [x.end - x.start for x in one.stuck] or [0.0], {x.student for x in one.stuck}
        failing, long = sum(x.failed for x in one.runs) / len(one.runs), sum(x >= 300 for x in spans) / len(spans)
        asked = len({x.student for x in one.asked} & ever) / max(1, len(ever))
        print(f"{one.style:12} {one.seed:4} {one.length / 60:4.0f} {len(one.runs) / 60:13.1f} {failing:8.0%}", end=" ")
        print(f"{len(ever) / 60:11.0%} {sorted(spans)[len(spans) // 2]:9.0f} {long:8.0%} {asked:6.0%}")
