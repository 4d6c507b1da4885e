"""A world of drifting confusion: one number a student, which wanders while they work, and a line beyond which none
finds the way back alone.

Confusion is a random walk pulled towards how far a cell is beyond the student (D'Mello & Graesser 2012: it is part of
learning, and only unresolved it becomes frustration). It sets how fast a cell gets done, how often a run fails and how
much a try changes. Beyond the line the student is stuck, until help, insight, or leaving the cell; what it looks like
is a mixture of six ways of each student's own, and tires with time. No code is shared with the other worlds.
"""

from collections.abc import Callable
from dataclasses import replace
from math import exp
from random import Random
from statistics import median

from benchmarks.lessons import STYLES, Asked, Lesson, Run, Stuck, Style
from benchmarks.lessons.drift_class import WAYS, WORDS, WRONG, Room, Step, draw_room

LINE = 1.0  # of confusion: beyond it one is stuck


def make_lesson(*, style: Style, students: int, seed: int) -> Lesson:
    """Simulate a lesson; the same arguments give the same one."""
    rng = Random(f"drift/{seed}/{students}/{style}")
    room = draw_room(style, students, seed, rng)
    for number in range(students):
        _Person(room, number, Random(rng.random())).attend()
    lesson = room.lesson
    lesson.runs = sorted((run for run in lesson.runs if run.at < lesson.length), key=lambda run: run.at)
    lesson.focus = sorted(one for one in lesson.focus if one[0] < lesson.length)
    lesson.asked.sort(key=lambda one: one.at)
    return lesson


class _Person:
    """One student: how able, how fast, how they take trouble; and what is on their screen."""

    def __init__(self, room: Room, number: int, rng: Random) -> None:
        self.room, self.number, self.rng, self.lesson = room, number, rng, room.lesson
        self.able = rng.gauss(0.9, 0.9)
        self.pace = rng.lognormvariate(0, 0.35)
        self.gap = room.gap * rng.lognormvariate(0, 0.3)
        self.tires = rng.uniform(0, 0.25)  # how much slower a minute of being stuck makes them
        self.sloppy = rng.uniform(0.5, 1.6)  # some err much and go on fast
        self.ways = [w * rng.gammavariate(0.9, 1) for w in room.ways]
        self.role = rng.choices(
            ("usual", "second", "watcher", "late", "paster", "early", "elsewhere", "goes"),
            (80, 3 * (room.style != "exam"), 4 * (room.style != "exam"), 5, 4, 6, 3, 3),
        )[0]
        if self.role == "early":
            self.able, self.pace = self.able + 1.2, self.pace * 0.5
        self.asks = room.style != "exam" and rng.random() > room.shy
        self.inserts = rng.betavariate(1, 4) * (2 if room.style == "project" else 1)
        self.carries = rng.random() * 0.4  # confusion that stays when a cell is left
        self.now, self.end = rng.expovariate(1 / 70), room.lesson.length
        self.confusion = 0.0
        self.own, self.shift = 0, 0
        self.done: list[Step] = []
        self.text: list[str] = []
        self.error = ("", "")

    def attend(self) -> None:
        rng = self.rng
        if self.role == "second":
            return  # sits at a neighbour's machine
        if self.role == "late":
            self.now = rng.uniform(300, 1500)
        if self.role == "goes":
            self.end *= rng.uniform(0.4, 0.95)
        self.lesson.focus.append((self.now, self.number, True))
        todo = list(self.room.steps)
        if self.role == "elsewhere":
            cut = rng.randrange(len(todo))
            todo = [*todo[cut:], *todo[:cut]]
        later: list[Step] = []
        for step in todo:
            if self.now >= self.end:
                return
            if self.done and self.done[-1].book != step.book:
                self.shift = 0
            if self.is_left_out(step):
                continue
            if not self.work(step) and self.room.style != "live coding":
                later.append(step)
            if rng.random() < 0.03:
                self.look_away(rng.uniform(120, 800))  # a break of one's own
            elif rng.random() < 0.1:
                self.wait(rng.uniform(30, 150))
        for step in later:
            if self.now < self.end:
                self.work(step)
        while self.now < self.end and self.done and rng.random() < 0.75:  # looks over it, or plays
            self.wait(rng.expovariate(1 / 200))
            self.run_again(rng.choice(self.done))

    def is_left_out(self, step: Step) -> bool:
        """Wait until the teacher comes to it; leave it out when the class has gone on, or only to watch."""
        rng, room = self.rng, self.room
        if room.style == "live coding":
            if step.opens > self.now:
                self.now = step.opens + rng.uniform(5, 60) * self.pace
            elif self.now - step.opens > 3 * room.gap and rng.random() < 0.5:
                return True
        if self.role == "watcher" and rng.random() < 0.85:
            self.wait(step.takes)
            return True
        return False

    def work(self, step: Step) -> bool:
        """Work on a cell until it is done, or left."""
        rng, room = self.rng, self.room
        beyond = step.hard - self.able
        self.text, self.error = self.draft(step), ("", "")
        self.confusion = self.confusion * self.carries + max(0.0, rng.gauss(0.25 + 0.15 * beyond, 0.15))
        if self.role == "paster" and rng.random() < 0.6:
            self.wait(rng.uniform(5, 40))
            return self.finish(step)
        self.wait(step.takes * self.pace * rng.lognormvariate(-0.6, 0.5) * (0.4 if room.style == "live coding" else 1))
        if rng.random() < self.inserts:
            self.try_in_own_cell(step)
        if step.needs_word and rng.random() < 0.9:
            self.meet_class_problem(step)
        progress = rng.random() * 0.8
        while self.now < self.end:
            calm = 1 / (1 + exp(4 * (self.confusion - 0.5)))
            progress += calm * rng.uniform(0.2, 0.9)
            if progress >= 1 and self.confusion < LINE:
                return self.finish(step)
            if rng.random() < room.fails * self.sloppy * (0.6 + self.confusion):
                self.change(rng.choice((1, 1, 2)))
                if not self.error[0] or rng.random() > 0.3 + 0.3 * self.confusion:
                    self.error = self.mistake()
                self.run(step, failed=True)
            else:
                self.change(1)
                self.run(step, output=f"{rng.choice(WORDS)} {rng.randrange(99)}")  # a look at what there is so far
            gap = self.gap * rng.lognormvariate(0, 0.6)
            if rng.random() < 0.08:
                gap += rng.uniform(60, 300)  # reads, thinks: long, and nothing wrong with it
            self.wait(gap)
            self.confusion += room.pull * (room.usual + 0.35 * beyond - self.confusion) + rng.gauss(0, room.shake)
            self.confusion = max(0.0, self.confusion)
            if self.confusion >= LINE:
                solved = self.be_stuck(step)
                if not solved:
                    return False
                progress = max(progress, 0.8)
        return False

    def be_stuck(self, step: Step) -> bool:
        """Go on as those do who cannot; whether the cell may be done afterwards."""
        rng, room = self.rng, self.room
        start = self.now
        rates = {"helped": room.help_rate, "insight": room.insight * exp(-max(0.0, step.hard - self.able) / 2),
                 "leaves": room.leaves_cell}  # fmt: skip
        ends = {why: start + 60 * rng.gammavariate(1.6, 1 / (1.6 * rate)) for why, rate in rates.items() if rate}
        if self.asks:
            asked = start + rng.expovariate(1 / 200)
            if asked < min(*ends.values(), self.end):
                self.lesson.asked.append(Asked(asked, self.number))
                ends["helped"] = min(ends["helped"], asked + rng.uniform(40, 500))
        if room.style == "live coding" and rng.random() < 0.5:  # jumps on with the class, some cells later
            later = [one.opens for one in room.steps if one.opens > start + 240]
            ends["leaves"] = rng.choice(later[:4]) if later else self.end
        why = min(ends, key=ends.__getitem__)
        end = min(ends[why], self.end)
        way = first = rng.choices(WAYS, self.ways)[0]
        acts: dict[str, Callable[[Step], float]] = {
            "hammers": self.hammer, "guesses": self.guess, "stares": self.stare, "wanders": self.wander,
            "believes": self.believe, "starts over": self.start_over,
        }  # fmt: skip
        while self.now < end:
            slower = 1 + self.tires * (self.now - start) / 60
            self.wait(min(end - self.now, acts[way](step) * slower))
            if rng.random() < 0.07:
                way = rng.choices(WAYS, self.ways)[0]
        self.lesson.stuck.append(Stuck(self.number, start, min(self.now, self.end, room.lesson.length), first))
        self.confusion = rng.uniform(0.1, 0.6)
        self.text = self.draft(step)
        return why != "leaves" and self.now < self.end

    # --- what being stuck looks like; each returns the seconds until the next -----------------------------------------

    def hammer(self, step: Step) -> float:
        """Run the same again, or with a trifle changed (Perkins et al. 1986)."""
        if self.rng.random() < 0.45:
            self.change(1)
        self.fail(step, same=0.9)
        return self.gap * self.rng.lognormvariate(-0.2, 0.5)

    def guess(self, step: Step) -> float:
        """Change much, at random; some of it runs."""
        self.change(self.rng.randint(1, 4))
        if self.rng.random() < 0.25:
            keep = max(1, len(self.text) // 2)
            self.text[keep:] = ["# " + line.removeprefix("# ") for line in self.text[keep:]]
            self.run(step, output=f"{self.rng.choice(WORDS)}")
        else:
            self.fail(step, same=0.45)
        return self.gap * self.rng.lognormvariate(0, 0.5)

    def stare(self, step: Step) -> float:
        """Do nothing that can be seen."""
        if self.rng.random() < 0.25:
            self.fail(step, same=0.85)
        if self.rng.random() < 0.15:
            self.look_away(self.rng.uniform(15, 120))
        return self.rng.uniform(60, 260)

    def wander(self, step: Step) -> float:
        """Look for it in what worked before; or leave it, and find that the next cells need it, or do not."""
        here, error = self.text, self.error
        after = [one for one in self.room.steps if one.book == step.book and 0 < one.place - step.place < 4]
        if self.rng.random() < 0.3:
            self.fail(step, same=0.6)
        elif after and self.rng.random() < 0.3:
            other = self.rng.choice(after)
            self.text, self.error = self.draft(other), self.mistake()
            self.run(other, failed=self.rng.random() < 0.6, output=other.output)
            self.text, self.error = here, error
        elif self.done:
            self.run_again(self.rng.choice(self.done[-6:]))
        return self.rng.uniform(15, 90)

    def believe(self, step: Step) -> float:
        """Take a wrong output for right, and polish it."""
        self.change(1)
        self.run(step, output=f"{step.output}.{self.number % 5}")
        return self.gap * self.rng.uniform(0.8, 2.5)

    def start_over(self, step: Step) -> float:
        """Restart and run all: what stood below did not run."""
        if self.rng.random() < 0.5:
            self.fail(step, same=0.7)
            return self.gap
        here = self.text
        for one in self.done[-12:]:
            if one.book == step.book:
                self.run_again(one)
                self.now += self.rng.uniform(0.1, 1.2)
        self.text = here
        self.fail(step, same=0.9)
        below = [one for one in self.room.steps if one.book == step.book and one.place > step.place]
        for one in below[: self.rng.randint(0, 4)]:
            self.run(one, status="aborted")
        return self.rng.uniform(40, 150)

    # --- what comes out -----------------------------------------------------------------------------------------------

    def meet_class_problem(self, step: Step) -> None:
        said = self.room.hints + step.opens if self.room.style == "live coding" else self.now + self.room.hints
        self.error = ("ModuleNotFoundError", f"No module named '{step.text[0][:4]}'")
        while self.now < min(said, self.end):
            self.run(step, failed=True)
            self.wait(self.gap * self.rng.lognormvariate(0.2, 0.6))
        self.error = ("", "")

    def finish(self, step: Step) -> bool:
        self.text, self.error = self.draft(step), ("", "")
        self.run(step, output=step.output if self.rng.random() < 0.93 else f"{step.output} {self.rng.randrange(50)}")
        self.done.append(step)
        while self.rng.random() < 0.2:  # once more, because one can
            self.wait(self.gap * self.rng.random())
            self.run(step, output=step.output)
        return True

    def try_in_own_cell(self, step: Step) -> None:
        self.own += 1
        mine = replace(step, cell=f"x{self.number}.{self.own}", output=str(self.rng.randrange(999)))
        here = self.text
        self.text = [self.rng.choice(here), f"print({self.rng.choice(WORDS)})"]
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            failed = self.rng.random() < 0.3
            self.error = self.mistake() if failed else ("", "")
            self.run(mine, failed=failed, output=mine.output)
            self.wait(self.rng.uniform(10, 60))
        self.text, self.error = here, ("", "")
        self.shift += 1

    def run_again(self, step: Step) -> None:
        here, error = self.text, self.error
        self.text, self.error = self.draft(step), ("", "")
        self.run(step, output=step.output)
        self.text, self.error = here, error

    def fail(self, step: Step, *, same: float) -> None:
        if not self.error[0] or self.rng.random() > same:
            self.error = self.mistake()
        self.run(step, failed=True)

    def run(self, step: Step, *, failed: bool = False, output: str = "", status: str = "") -> None:
        name, message = self.error if failed else ("", "")
        took = self.rng.lognormvariate(-1.5, 1.2) if self.rng.random() > 0.04 else self.rng.uniform(3, 40)
        self.now += min(took, 5.0)
        if self.now < self.end:
            self.lesson.runs.append(
                Run(self.now, self.number, step.book, step.cell, step.place + self.shift, "\n".join(self.text), failed,
                    name, message, "" if failed or status else output, took, status)  # type: ignore[arg-type]
            )  # fmt: skip

    def draft(self, step: Step) -> list[str]:
        return [line + " #" * (self.number % 7 == 3) for line in step.text]

    def change(self, tokens: int) -> None:
        """Change so many words."""
        for _ in range(tokens):
            at = self.rng.randrange(len(self.text))
            words = self.text[at].split(" ")
            words[self.rng.randrange(len(words))] = self.rng.choice((*WORDS, str(self.rng.randrange(99))))
            self.text[at] = " ".join(words)

    def mistake(self) -> tuple[str, str]:
        name, message = self.rng.choice(WRONG)
        return name, message.format(w=self.rng.choice(WORDS), n=self.rng.randint(1, 9))

    def wait(self, seconds: float) -> None:
        """Let time pass; while the teacher speaks most do nothing else."""
        until = self.now + max(0.0, seconds)
        for begin, end in self.room.quiet:
            if self.now < end and until > begin and self.rng.random() < 0.93:
                until += end - max(begin, self.now)
        self.now = until

    def look_away(self, seconds: float) -> None:
        self.lesson.focus.append((self.now, self.number, False))
        self.wait(seconds)
        self.lesson.focus.append((self.now, self.number, True))


def main() -> None:
    """Print what its lessons look like."""
    print("style        seed   n  min  runs/student failing  ever stuck  median min  >=5 min  asked  stuck now")
    for style in STYLES:
        for seed, n in enumerate((20, 60, 120, 200), 1):
            made = make_lesson(style=style, students=n, seed=seed)
            spans = [one.end - one.start for one in made.stuck] or [0.0]
            ever, failed = len({one.student for one in made.stuck}) / n, sum(run.failed for run in made.runs)
            print(f"{style:12} {seed:4} {n:3} {made.length / 60:4.0f} {len(made.runs) / n:13.1f}"
                  f" {failed / len(made.runs):7.0%} {ever:11.0%} {median(spans) / 60:11.1f}"
                  f" {sum(s >= 300 for s in spans) / len(spans):8.0%} {len(made.asked) / n:6.0%}"
                  f" {sum(spans) / n / made.length:8.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
