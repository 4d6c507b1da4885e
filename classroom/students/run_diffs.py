"""Line diffs of two versions of a cell's code. Pure functions, with bounded time."""

from dataclasses import dataclass

from core.line_diff import lines_in, marked_lines

# Comparing takes quadratic time in the number of differing lines; longer diffs are not read during a lesson.
MAX_LINES = 150
# Unchanged lines to show around a change; longer stretches are collapsed into one line with their number.
CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Line:
    sign: str  # "+" added, "-" removed, " " unchanged, "…" collapsed
    text: str
    folded: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    added: int
    removed: int
    lines: list[Line]
    is_too_long: bool = False  # then `lines` is empty and the counts are of whole versions

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.removed)


def compare(old: str, new: str) -> Change:
    """Return the change from `old` to `new`. Trailing whitespace counts: in Python it may be the mistake."""
    before, after = _lines(old), _lines(new)
    if before == after:
        return Change(0, 0, [])
    start = _common_prefix(before, after)
    end = _common_prefix(before[start:][::-1], after[start:][::-1])
    middle = before[start : len(before) - end], after[start : len(after) - end]
    if max(map(len, middle)) > MAX_LINES:
        return Change(len(middle[1]), len(middle[0]), [], is_too_long=True)
    changed = [Line(mark, text) for mark, text in marked_lines(*middle)]
    head = [Line(" ", text) for text in after[:start]]
    tail = [Line(" ", text) for text in after[len(after) - end :]] if end else []
    lines = _collapse([*head, *changed, *tail])
    return Change(sum(line.sign == "+" for line in changed), sum(line.sign == "-" for line in changed), lines)


def _lines(code: str) -> list[str]:
    return lines_in(code) or [""]


def _common_prefix(first: list[str], second: list[str]) -> int:
    """Return the length of the common prefix."""
    return next(
        (index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )


def _collapse(lines: list[Line]) -> list[Line]:
    near: set[int] = set()
    for index, line in enumerate(lines):
        if line.sign != " ":
            near.update(range(index - CONTEXT, index + CONTEXT + 1))
    shown: list[Line] = []
    index = 0
    while index < len(lines):
        end = index
        while end < len(lines) and end not in near:
            end += 1
        if end - index > 1:  # one line takes no more room than the line that would replace it
            shown.append(Line("…", "", end - index))
        else:
            shown += lines[index:end]
        shown += lines[end : end + 1]
        index = end + 1
    return shown
