"""The lesson of the simulation: cells in one language, each with its typical mistakes."""

import zlib
from dataclasses import dataclass
from functools import cache
from string import Template
from typing import Literal

from events.simulation.lesson_cells import CELLS, WORDS, Draft

Language = Literal["ja", "en"]

# IPython names a cell's code after a hash of it, and syntax errors quote that name.
CELL_FILE = "@file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """A wrong version of a cell, and Python's error message."""

    code: str
    error: str  # "NameError: name 'prcies' is not defined", as the extension puts ename and evalue together


@dataclass(frozen=True, kw_only=True, slots=True)
class LessonCell:
    cell_id: str
    index: int
    kind: Literal["code", "markdown"]
    code: str
    result: str  # text/plain, without printed output
    mistakes: tuple[Mistake, ...]
    difficulty: float  # 0: no student fails; 1: nearly all fail at first
    minutes: float  # for an average student, including reading


@dataclass(frozen=True, kw_only=True, slots=True)
class LessonNotebook:
    path: str
    cells: tuple[LessonCell, ...]


@cache
def notebook(*, language: Language, number: int) -> LessonNotebook:
    """Return the `number`th notebook (from 1): always the same exercises, with different cell ids.

    All students have the same ids, as if a teacher had distributed the file.
    """
    path = f"lesson/{WORDS[language]['notebook']}{number:02d}.ipynb"
    cells = tuple(
        _cell(draft=draft, index=index, path=path, words=WORDS[language]) for index, draft in enumerate(CELLS)
    )
    return LessonNotebook(path=path, cells=cells)


def _cell(*, draft: Draft, index: int, path: str, words: dict[str, str]) -> LessonCell:
    def fill(text: str) -> str:
        return Template(text).substitute(words)

    return LessonCell(
        cell_id=f"{zlib.crc32(f'{path}#{index}'.encode()):08x}",
        index=index,
        kind="markdown" if draft.markdown else "code",
        code=fill(draft.code),
        result=fill(draft.result),
        mistakes=tuple(_mistake(code=fill(code), error=fill(error)) for code, error in draft.mistakes),
        difficulty=draft.difficulty,
        minutes=draft.minutes,
    )


def _mistake(*, code: str, error: str) -> Mistake:
    return Mistake(code=code, error=error.replace(CELL_FILE, f"{zlib.crc32(code.encode())}.py"))
