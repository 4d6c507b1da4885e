"""What the documentation names exists: files, modules and what is in them, links and the headings that they lead to."""

import importlib
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps

from events.queue import stream

ROOT = Path(__file__).parent.parent
PACKAGES = (
    *("config", "operations", "classroom", "events", "lms", "instructors", "realtime", "core"),
    *("tests", "benchmarks"),
)
FOLDERS = (*PACKAGES, "deploy", "docs", "locale", "static", "templates")
# What no other product calls a file of its own in these pages: `services.json` or `valkey.pid` are made by a run.
SOURCES = r"py|md|js|mjs|css|html|svg|sql|yml|toml|sh|example"
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
# In a folder of ours; or with an ending that only sources have.
IN_A_FOLDER = re.compile(rf"(?:{'|'.join(FOLDERS)})(?:/[\w.*-]+)*/?")
SOURCE_FILE = re.compile(rf"\.?[\w-][\w.*/-]*\.(?:{SOURCES})")
IN_A_COMMAND = re.compile(rf"(?<![\w/.:@$-])(?:{'|'.join(FOLDERS)})/[\w./*-]*\.\w+")
NAME = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
RUN = re.compile(rf"-m ((?:{'|'.join(PACKAGES)})(?:\.\w+)*)")
LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
# What an older release had, where the page says so.
FORMER = {"events.schedule"}
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def documents() -> list[pytest.param]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in DOCUMENTS]


@cache
def tracked() -> frozenset[str]:
    """Files of the repository, and those that are about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.splitlines() if done.returncode == 0 else []
    return frozenset(
        names or (str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    )


def exists(name: str, *, document: Path) -> bool:
    """From the root or from the document, or, as pages often say, the end of one path."""
    name = name.rstrip("/")
    if any(found for start in (ROOT, document.parent) for found in start.glob(name)):
        return True
    is_whole = name.split("/")[0] in FOLDERS
    return not is_whole and any(path == name or path.endswith(f"/{name}") for path in tracked())


def resolves(name: str) -> bool:
    """Whether this is a module, something in one, or a column of a table that is called like one of our packages."""
    module, rest = name, []
    while not _is_module(module):
        module, _, last = module.rpartition(".")
        rest.insert(0, last)
    found = importlib.import_module(module) if rest else None
    for part in rest:
        if not hasattr(found, part) and part not in getattr(found, "__annotations__", {}):
            return _is_column(name)
        found = getattr(found, part, None)
    return True


@cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _is_column(name: str) -> bool:
    table, _, column = name.partition(".")
    models = [model for model in apps.get_models() if model._meta.db_table == table]
    return any(field.column == column for model in models for field in model._meta.concrete_fields)


def code_in(text: str) -> Iterator[str]:
    for code in CODE.findall(FENCE.sub("", text)):
        yield from code.split()


@cache
def anchors_of(path: Path) -> frozenset[str]:
    """As GitHub makes them of headings."""
    anchors: list[str] = []
    for heading in HEADING.findall(FENCE.sub("", path.read_text())):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        anchors.append(f"{slug}-{anchors.count(slug)}" if slug in anchors else slug)
    return frozenset(anchors)


@pytest.mark.parametrize("document", documents())
def test_every_file_that_is_named_exists(document):
    text = document.read_text()
    named = {code.strip(".,;:()") for code in code_in(text)}
    named = {name for name in named if IN_A_FOLDER.fullmatch(name) or SOURCE_FILE.fullmatch(name)}
    named |= {found.rstrip(".") for found in IN_A_COMMAND.findall(text)}
    assert [name for name in sorted(named) if not exists(name, document=document)] == []


@pytest.mark.parametrize("document", documents())
def test_every_module_and_what_is_named_in_one_exists(document):
    text = document.read_text()
    named = {code.removesuffix("()").strip(",;:") for code in code_in(text)}
    named = {name for name in named if NAME.fullmatch(name) and not SOURCE_FILE.fullmatch(name)}
    if "contract" in document.parts:  # fields of answers look the same: `events.by_type`
        named = {name for name in named if name.count(".") > 1}
    named |= set(RUN.findall(text))
    assert [name for name in sorted(named - FORMER) if not resolves(name)] == []


@pytest.mark.parametrize("document", documents())
def test_every_link_leads_somewhere(document):
    broken = []
    for words, target in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)
        elif path.suffix in {".py", ".js"}:
            # A link that is called like a function leads to the file that has it.
            source = path.read_text()
            names = [re.split(r"\W", code)[0] if "/" not in code else "" for code in CODE.findall(words)]
            broken += [f"{target}: {name}" for name in names if not re.search(rf"\b{name}\b", source)]
    assert broken == []


def test_the_keys_of_the_streams_are_those_of_the_code():
    assert f"XRANGE {stream.stream_key(0, 'high')} " in (ROOT / "docs" / "development.md").read_text()
