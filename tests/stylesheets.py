"""`python -m tests.stylesheets [FILE …]`: check style sheets for mistakes that browsers ignore.

These are syntax errors, rules without declarations, a property that is declared twice in one rule, custom properties
that no style sheet defines, and colours outside of tokens.css and the print style sheets.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tinycss2

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "static"
COLOUR_FUNCTIONS = {"rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch"}
HAS_COLOURS = {"tokens.css", "print.css", "docs.css"}  # docs.css is for Swagger UI, which does not load tokens.css


class Finding(NamedTuple):
    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def findings(files: Iterable[Path], *, defined: set[str]) -> list[Finding]:
    """Return what is wrong in the files; `defined` has the names of all custom properties."""
    return [finding for file in files for finding in _check(file, defined)]


def custom_properties(folder: Path) -> set[str]:
    """Return the names of the custom properties that the style sheets of a folder define."""
    text = "\n".join(file.read_text() for file in folder.rglob("*.css"))
    return set(re.findall(r"(?<![\w-])(--[\w-]+)\s*:", text))


def _check(file: Path, defined: set[str]) -> Iterator[Finding]:
    rules = tinycss2.parse_stylesheet(file.read_text(), skip_comments=True, skip_whitespace=True)
    for line, message in _of_rules(rules, defined, may_have_colours=file.name in HAS_COLOURS):
        yield Finding(file, line, message)


def _of_rules(rules: list[Any], defined: set[str], *, may_have_colours: bool) -> Iterator[tuple[int, str]]:
    for rule in rules:
        if rule.type == "error":
            yield rule.source_line, rule.message
        elif rule.type == "at-rule" and rule.content is not None and rule.lower_at_keyword in ("media", "supports"):
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            yield from _of_rules(inner, defined, may_have_colours=may_have_colours)
        elif rule.content is not None and getattr(rule, "lower_at_keyword", "") != "keyframes":
            yield from _of_declarations(rule, defined, may_have_colours=may_have_colours)


def _of_declarations(rule: Any, defined: set[str], *, may_have_colours: bool) -> Iterator[tuple[int, str]]:
    declarations = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    if not declarations:
        yield rule.source_line, "a rule without declarations"
    seen: set[str] = set()
    previous = ""
    for declaration in declarations:
        if declaration.type == "error":
            yield declaration.source_line, declaration.message
        elif declaration.type == "declaration":
            if declaration.name in seen and declaration.name != previous:  # in a row: a fallback for older browsers
                yield declaration.source_line, f"{declaration.name} is declared twice"
            seen.add(declaration.name)
            previous = declaration.name
            yield from _of_values(declaration.value, defined, may_have_colours=may_have_colours)


def _of_values(tokens: list[Any], defined: set[str], *, may_have_colours: bool) -> Iterator[tuple[int, str]]:
    for token in tokens:
        if token.type == "function":
            if token.lower_name == "var":
                yield from _of_variable(token, defined)
            if token.lower_name in COLOUR_FUNCTIONS and not may_have_colours:
                yield token.source_line, "a colour outside of tokens.css"
            yield from _of_values(token.arguments, defined, may_have_colours=may_have_colours)
        elif token.type == "hash" and not may_have_colours:
            yield token.source_line, "a colour outside of tokens.css"
        elif token.type == "error":
            yield token.source_line, token.message


def _of_variable(function: Any, defined: set[str]) -> Iterator[tuple[int, str]]:
    names = [token.value for token in function.arguments if token.type == "ident"]
    if names and names[0] not in defined:
        yield function.source_line, f"{names[0]} is not defined"


def main(arguments: list[str]) -> int:
    files = [Path(name) for name in arguments] or sorted(STATIC.rglob("*.css"))
    found = findings(files, defined=custom_properties(STATIC))
    for finding in found:
        print(finding)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
