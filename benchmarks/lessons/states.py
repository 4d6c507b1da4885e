"""A world of hidden states: each student is a Markov chain that nobody sees, and the runs are what it lets out.

States: working, searching (failing, but getting somewhere: productive failure), stuck in one of seven ways, away, done.
Who is stuck changes from one way to another: trying at random becomes silence, silence a restart. How long it takes and
how students are spread over the ways is drawn for each class, so that no threshold can be right by knowing it.

What is not being stuck, and looks like it: a search, impatience, a chat after an error, a break after a success, a
lecture, a cell that is broken for all, watchers, pairs at one machine, late arrivals, early finishers, the slow, and
pasted solutions (which look like the contrary).
"""

from dataclasses import replace
from math import exp
from random import Random

from benchmarks.lessons import Asked, Lesson, Run, Stuck, Style
from benchmarks.lessons.states_class import BECOMES, ERRORS, NAMES, WAYS, Drawn, draw_class, draw_line


def make_lesson(*, style: Style, students: int, seed: int) -> Lesson:
    rng = Random(f"states {style} {students} {seed}")
    made = draw_class(style, rng)
    lesson = Lesson("states", style, students, seed, made.length)
    for number in range(students):
        _Life(Random(rng.random()), number, made, lesson).live()
    lesson.runs.sort(key=lambda run: run.at)
    lesson.asked.sort(key=lambda asked: asked.at)
    lesson.focus.sort()
    return lesson


class _Life:
    def __init__(self, rng: Random, number: int, made: Drawn, lesson: Lesson) -> None:
        self.rng, self.number, self.made, self.lesson = rng, number, made, lesson
        self.now = rng.expovariate(1 / 60)
        self.skill = rng.gauss(0.5, 1.0)
        self.pace = rng.lognormvariate(0, 0.25)
        kind = rng.random()
        self.is_watcher = kind < 0.04
        self.is_slow = 0.04 <= kind < 0.10
        self.pastes = 0.10 <= kind < 0.16
        if 0.16 <= kind < 0.22:
            self.now = rng.uniform(5, 20) * 60  # comes late
        elif 0.22 <= kind < 0.27:
            self.pace *= 0.5  # will be done early
        if self.is_slow:
            self.pace *= rng.uniform(1.5, 2.0)
        self.inserts = rng.random() * 0.25  # how often a cell of their own goes before the next
        self.shift = 0
        self.own = 0
        weights = [weight * rng.gammavariate(1.2, 1.0) for weight in made.ways]
        self.ways = weights  # of this student
        self.avoids_help = rng.random() < 0.6
        self.own_way = rng.betavariate(8, 1)
        self.spelling = rng.choice(("", "_", "2", "s"))
        self.task = made.tasks[0]
        self.code: list[str] = []
        self.error = ""

    # --- the lesson ---------------------------------------------------------------------------------------------------

    def live(self) -> None:
        if self.rng.random() < 0.03:
            return  # sits with a neighbour, whose machine both use
        leaves = self.made.length if self.rng.random() < 0.96 else self.rng.uniform(0.4, 1) * self.made.length
        self.lesson.focus.append((self.now, self.number, True))
        for index, task in enumerate(self.made.tasks):
            if self.now >= leaves:
                return
            if task.notebook != self.task.notebook:
                self.shift = 0
            self.task = task
            if self.made.style == "live coding" and not self._follow(index):
                continue
            if self.is_watcher and self.rng.random() < 0.8:
                self._wait(task.need)
                continue
            if self.made.style == "exam" and self.rng.random() < 0.08:
                continue  # leaves it out
            self._work(leaves)
            if self.rng.random() < 0.03:
                self._look_back()
            if self.rng.random() < 0.035:
                self._away(self.rng.uniform(3, 14) * 60)
            elif self.rng.random() < 0.06:
                self._wait(self.rng.uniform(40, 200))  # a chat, a thought

    def _follow(self, index: int) -> bool:
        """In live coding: wait for the teacher, or leave out what the class has left. Whether it is worked on."""
        begins = self.task.begins
        if self.now < begins:
            self.now = begins + self.rng.expovariate(1 / 20)
        later = self.made.tasks[min(index + 3, len(self.made.tasks) - 1)].begins
        return not (self.now > later and self.rng.random() < 0.6)

    def _work(self, leaves: float) -> None:
        task = self.task
        self.code, self.error = [self._own_spelling(line) for line in task.lines], ""
        takes = task.need * self.pace * self.rng.lognormvariate(0, 0.45)
        self._wait(takes * (0.5 if self.made.style == "live coding" else 1))
        if self.pastes and self.rng.random() < 0.5:
            self._wait(-0.6 * takes)
            self._run()
            return
        if self.rng.random() < self.inserts:
            self._insert()
        if task.is_broken and self.rng.random() < 0.85:
            self._meet_broken_cell()
            return
        margin = 1.4 * (self.skill - task.hardness) + 1.9
        if self.rng.random() < 1 / (1 + exp(-margin)):
            self._fumble()
        elif self.rng.random() < 0.5 / self.made.trouble:
            self._search()
        else:
            self._be_stuck(leaves)

    def _fumble(self) -> None:
        """Work as everybody works: a slip or two, and it is done; some runs more, because one can."""
        while self.rng.random() < 0.4:
            self._break(self.rng.randrange(len(self.code)))
            repeats = 1 if self.rng.random() < 0.85 else self.rng.randrange(2, 5)
            for _ in range(repeats):  # impatience presses again at once
                self._run(failed=True)
                self.now += self.rng.uniform(1, 6)
            if self.rng.random() < 0.1:
                self._wait(self.rng.uniform(60, 240))  # asks the neighbour
            self._wait(self._gap() * 0.6)
        self._mend()
        self._run()
        while self.rng.random() < 0.3:
            self._wait(self._gap() * 0.5)
            if self.rng.random() < 0.5:
                self._edit(1)
            self._run()

    def _search(self) -> None:
        """Fail and get on: other errors, larger changes, a part of it tried alone."""
        until = self.now + self.rng.uniform(1.5, 6) * 60
        while self.now < until:
            self._edit(self.rng.randrange(1, 4))
            if self.rng.random() < 0.7:
                self._break(self.rng.randrange(len(self.code)))
                self._run(failed=True)
            else:
                self._run(output=f"part {self.rng.randrange(99)}")
            self._wait(self._gap() * 0.9)
        self._mend()
        self._run()

    def _meet_broken_cell(self) -> None:
        self.error = "FileNotFoundError: [Errno 2] No such file or directory: 'data/sales.csv'"
        for _ in range(self.rng.randrange(2, 6)):
            self._run(failed=True)
            self._wait(self._gap())
        self._wait(self.rng.uniform(20, 200))  # until it is said how to mend it
        self._run()

    # --- being stuck, and what looks like it --------------------------------------------------------------------------

    def _look_back(self) -> None:
        """Go through it all again, as careful people do: restart and run all, or read and run the last cells."""
        if self.rng.random() < 0.5:
            self._restart_and_run_all(fails=False)
            return
        for back in range(self.rng.randrange(2, 7), 0, -1):
            self._run_other(self.task.position - back)
            self._wait(self.rng.uniform(5, 60))

    def _be_stuck(self, leaves: float) -> None:
        start = self.now
        end = start + self.made.lasts * self.rng.lognormvariate(0, self.made.spread)
        end = min(end, leaves)
        why = way = self.rng.choices(WAYS, self.ways)[0]
        if way != "unaware" and self.rng.random() < 0.85:
            self._break(self.rng.randrange(len(self.code)))
            self._run(failed=True)
            self._wait(self._gap())
        if not self.avoids_help and self.rng.random() < self.made.asks:
            self.lesson.asked.append(Asked(min(end, start + self.rng.uniform(1, 5) * 60), self.number))
        while self.now < end:
            self._step(way, end)
            if self.rng.random() < 0.09:
                way = self.rng.choice(BECOMES[way])
        if self.now > start:
            self.lesson.stuck.append(Stuck(self.number, start, min(self.now, self.made.length), why))
        if self.rng.random() < 0.7:
            self._mend()
            self._run()

    def _step(self, way: str, end: float) -> None:
        rng = self.rng
        if way == "repeats":
            if rng.random() < 0.25:
                self._edit(1)
            self._fail_again(0.85)
            self._wait(self._gap() * 1.1)
        elif way == "tinkers":
            self._edit(1 if rng.random() < 0.8 else 3)
            if rng.random() < 0.75:
                self._fail_again(0.55)
            else:
                self._run(output=f"debug {rng.randrange(9)}")  # a print, or half of it commented out
            self._wait(self._gap())
        elif way == "silent":
            self._wait(min(end - self.now, rng.uniform(60, 240)))
            if rng.random() < 0.12:
                self._fail_again(0.8)
            if rng.random() < 0.1:
                self._away(rng.uniform(10, 90))
        elif way == "leafs":
            self._wait(rng.uniform(20, 100))
            self._run_other(rng.randrange(max(1, self.task.position + 1)))
        elif way == "moves on":
            self._wait(rng.uniform(30, 110))
            self._run_other(self.task.position + rng.randrange(1, 4), failed=rng.random() < 0.7)
        elif way == "restarts":
            if rng.random() < 0.3:
                self._restart_and_run_all()
            else:
                self._edit(1)
                self._fail_again(0.7)
            self._wait(rng.uniform(40, 160))
        else:  # unaware: it runs, and it is wrong
            self._edit(1)
            self._run(output=f"{self.task.output[:-1]}{rng.randrange(9)}9")
            self._wait(self._gap() * rng.uniform(1, 3))

    def _fail_again(self, same: float) -> None:
        if not self.error or self.rng.random() > same:
            self._break(self.rng.randrange(len(self.code)))
        self._run(failed=True)

    def _run_other(self, position: int, *, failed: bool = False) -> None:
        others = [t for t in self.made.tasks if t.notebook == self.task.notebook and t.position == position]
        here, code, error = self.task, self.code, self.error
        if others:
            self.task, self.code = others[0], [self._own_spelling(line) for line in others[0].lines]
            if failed:
                self._break(self.rng.randrange(len(self.code)))
            self._run(failed=failed)
        self.task, self.code, self.error = here, code, error

    def _restart_and_run_all(self, *, fails: bool = True) -> None:
        here, code, error = self.task, self.code, self.error
        failing = False
        for task in self.made.tasks:
            if task.notebook != here.notebook or task.position > here.position + 2 * fails:
                continue
            self.now += self.rng.uniform(0.2, 2)
            if task.cell == here.cell and fails:
                self.task, self.code, self.error = here, code, error
                self._fail_again(0.9)
                failing, error = True, self.error
            else:
                self.task, self.code = task, [self._own_spelling(line) for line in task.lines]
                self._run(status="aborted" if failing else "")
        self.task, self.code, self.error = here, code, error

    # --- what comes out -----------------------------------------------------------------------------------------------

    def _run(self, *, failed: bool = False, output: str | None = None, status: str = "") -> None:
        task = self.task
        if not failed and status == "" and output is None:
            # Some print more than was asked for, or worked with values of their own.
            output = task.output if self.own_way > self.rng.random() else f"{task.output} {self.rng.randrange(99)}"
        name, _, message = self.error.partition(": ")
        if self.now < self.made.length:
            self.lesson.runs.append(
                Run(self.now, self.number, task.notebook, task.cell, task.position + self.shift, "\n".join(self.code),
                    failed, name if failed else "", message if failed else "", "" if failed else output or "",
                    self.rng.lognormvariate(-2, 1), status)  # type: ignore[arg-type]
            )  # fmt: skip

    def _insert(self) -> None:
        """Try something in a cell of their own, above the next one."""
        self.own += 1
        here, code = self.task, self.code
        self.task = replace(here, cell=f"own{self.number}-{self.own}", output=f"{self.rng.randrange(99)}")
        self.code = code[:1]
        self._run(failed=False)
        self._wait(self.rng.uniform(10, 40))
        self.task, self.code = here, code
        self.shift += 1

    def _wait(self, seconds: float) -> None:
        """Let time pass; a lecture that begins meanwhile is listened to, by most."""
        until = self.now + seconds
        for start, end in self.made.lectures:
            if self.now < end and until > start and self.number % 11:
                until += end - max(start, self.now)
        self.now = until

    def _away(self, seconds: float) -> None:
        self.lesson.focus.append((self.now, self.number, False))
        self._wait(seconds)
        self.lesson.focus.append((self.now, self.number, True))

    def _gap(self) -> float:
        return self.made.gap * self.rng.lognormvariate(0, 0.5)

    def _own_spelling(self, line: str) -> str:
        return line.replace("total", f"total{self.spelling}").replace("rows", f"rows{self.spelling}")

    def _break(self, line: int) -> None:
        name = self.rng.choice(NAMES)
        self.code[line] = draw_line(self.rng, [name, *self.rng.sample(NAMES, 3)])
        self.error = self.rng.choice(ERRORS).format(v=name, n=line + 1)

    def _edit(self, lines: int) -> None:
        for _ in range(lines):
            at = self.rng.randrange(len(self.code))
            self.code[at] = draw_line(self.rng, list(self.rng.sample(NAMES, 3)))

    def _mend(self) -> None:
        self.code, self.error = [self._own_spelling(line) for line in self.task.lines], ""
