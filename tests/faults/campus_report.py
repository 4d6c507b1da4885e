"""What a run of `tests.faults.campus` found, and its table."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.classroom_process import ClassroomProcess
from tests.faults.truth import Verdict

IN_TIME = 15.0  # seconds within which dashboards must show what is true


@dataclass(kw_only=True)
class Report:
    kills: Counter[str] = field(default_factory=Counter)
    # Seconds from the return of all servers to an event posted then that is a row, and to all dashboards being right.
    rows: list[tuple[float, str]] = field(default_factory=list)
    screens: list[tuple[float, str]] = field(default_factory=list)
    whole: list[tuple[float, str]] = field(default_factory=list)  # from the kill to the return of all servers
    verdict: Verdict = field(default_factory=Verdict)
    unrest: list[str] = field(default_factory=list)
    shares: list[tuple[str, float]] = field(default_factory=list)  # cores that each part kept busy, kills included

    @property
    def late(self) -> list[tuple[float, str]]:
        return [each for each in [*self.rows, *self.screens] if each[0] > IN_TIME]

    @property
    def is_good(self) -> bool:
        return self.verdict.is_good and not self.unrest and not self.late


def table(report: Report, room: ClassroomProcess, *, seed: int, seconds: float) -> str:
    def longest(found: list[tuple[float, str]]) -> str:
        seconds, what = max(found, default=(0.0, "none"))
        middle = sorted(each for each, _ in found)[len(found) // 2] if found else 0.0
        return f"{middle:.1f} s; {seconds:.1f} s, {what}"

    rows = [
        ("seed", seed),
        ("kills", f"{sum(report.kills.values())} in {seconds:.0f} s"),
        *((f"  {kind}", number) for kind, number in sorted(report.kills.items())),
        ("events sent", len(room.sent)),
        *((f"  posts answered {answer}", number) for answer, number in sorted(room.answers.items())),
        ("accepted (202)", len(room.accepted)),
        ("given up by their sender", len(room.given_up)),
        ("rows", report.verdict.rows),
        ("twice", report.verdict.duplicates),
        ("lost", len(report.verdict.lost)),
        ("kill to all servers back", longest(report.whole)),
        ("then to rows", longest(report.rows)),
        ("and to screens", longest(report.screens)),
        (f"over {IN_TIME:g} s", "; ".join(f"{each:.1f} s {what}" for each, what in report.late) or "none"),
        *((f"cores: {name}", f"{cores:.2f}") for name, cores in report.shares),
        ("otherwise wrong", "; ".join([*report.verdict.wrong, *report.unrest]) or "nothing"),
    ]
    return "\n".join(f"{name:<28} {value}" for name, value in rows)
