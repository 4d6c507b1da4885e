"""The lesson as the simulation uses it: cells in one language, each with the ways in which people get it wrong."""

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
    """One wrong version of a cell, and what Python says to it."""

    code: str
    error: str  # "NameError: name 'prcies' is not defined", as the extension puts ename and evalue together


@dataclass(frozen=True, kw_only=True, slots=True)
class LessonCell:
    cell_id: str
    index: int
    kind: Literal["code", "markdown"]
    code: str
    result: str  # text/plain; what a cell prints is no part of it
    mistakes: tuple[Mistake, ...]
    difficulty: float  # 0: nobody fails; 1: nearly everybody does at first
    minutes: float  # what an average student needs, reading included


@dataclass(frozen=True, kw_only=True, slots=True)
class Notebook:
    path: str
    cells: tuple[LessonCell, ...]


@cache
def notebook(*, language: Language, number: int) -> Notebook:
    """The `number`th notebook (from 1): the same exercises each time, under cell ids of its own.

    Everybody's copy has the same ids, as when a teacher hands the file out.
    """
    path = f"lesson/{WORDS[language]['notebook']}{number:02d}.ipynb"
    cells = tuple(
        _cell(draft=draft, index=index, path=path, words=WORDS[language]) for index, draft in enumerate(CELLS)
    )
    return Notebook(path=path, cells=cells)


def _cell(*, draft: Draft, index: int, path: str, words: dict[str, str]) -> LessonCell:
    def said(text: str) -> str:
        return Template(text).substitute(words)

    return LessonCell(
        cell_id=f"{zlib.crc32(f'{path}#{index}'.encode()):08x}",
        index=index,
        kind="markdown" if draft.markdown else "code",
        code=said(draft.code),
        result=said(draft.result),
        mistakes=tuple(_mistake(code=said(code), error=said(error)) for code, error in draft.mistakes),
        difficulty=draft.difficulty,
        minutes=draft.minutes,
    )


def _mistake(*, code: str, error: str) -> Mistake:
    return Mistake(code=code, error=error.replace(CELL_FILE, f"{zlib.crc32(code.encode())}.py"))
