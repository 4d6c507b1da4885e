"""Parsing of students' environment reports. A report is stored as sent, and parsed as far as possible.

The parser is lenient, because reports come from various snippets and tools: `packages` (also `installed_packages`,
`pip_packages`, or in `python_env` as `packages` or `key_packages`) is a list of `{name, version}`, a list of lines of
`pip freeze`, or an object from names to versions; `python_version` is at the top level or in `python_env`. Versions
that are no strings are ignored.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from packaging.utils import canonicalize_name

from core.json_values import TooDeep, storable
from lms.environments.collection import Environment
from lms.environments.packages import Package

MAX_BYTES = 256 * 1024  # of one report, as compact JSON; four hundred packages are about twenty thousand
MAX_PACKAGES = 5_000
MAX_NAME, MAX_VERSION, MAX_REQUIRES = 200, 100, 200
MAX_DEPTH = 20  # levels of nesting; a report has three or four
PARTS = ("python_env", "system_env", "jupyter_env")
LISTS = ("packages", "installed_packages", "pip_packages", "key_packages")
PYTHON = ("python_version", "python_implementation", "python_executable", "virtual_env", "conda_env", "pip_version")
FROZEN = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:===?|@)\s*(\S+)")
NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$")


class ReportTooLarge(Exception):
    """The report has more than MAX_BYTES, or more than MAX_DEPTH levels."""


def read_report(environment: dict[str, Any], *, now: datetime) -> Environment:
    """Return the environment that a report describes. Raises ReportTooLarge."""
    try:
        environment = storable(environment, max_depth=MAX_DEPTH)
    except TooDeep:
        raise ReportTooLarge from None
    if len(json.dumps(environment, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES:
        raise ReportTooLarge
    parts = {name: dict(part) if isinstance(part := environment.get(name), dict) else {} for name in PARTS}
    packages = _packages(environment, parts["python_env"])
    python = parts["python_env"] | {name: environment[name] for name in PYTHON if environment.get(name) is not None}
    python.pop("packages", None)
    python["total_packages_count"] = len(packages)
    return Environment(
        captured_at=now,
        python_env=python,
        system_env=parts["system_env"],
        jupyter_env=parts["jupyter_env"],
        packages=packages,
        memory_usage_mb=_number(environment.get("memory_usage_mb")),
        cpu_usage_percent=_number(environment.get("cpu_usage_percent")),
        reported=environment,
    )


def _packages(environment: dict[str, Any], python: dict[str, Any]) -> list[Package]:
    """Return the packages of the first list that has any, sorted by normalised name, without duplicates."""
    for place in (environment, python):
        for name in LISTS:
            found: dict[str, Package] = {}
            for package in _entries(place.get(name)):
                found.setdefault(canonicalize_name(package["name"]), package)
                if len(found) >= MAX_PACKAGES:
                    break
            if found:
                return [found[key] for key in sorted(found)]
    return []


def _entries(listed: Any) -> Iterator[Package]:
    if isinstance(listed, dict):
        listed = [{"name": name, "version": version} for name, version in listed.items()]
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, str):
            parsed = FROZEN.match(entry)
            entry = {"name": parsed[1], "version": parsed[2]} if parsed else {}
        if isinstance(entry, dict) and (package := _package(entry)):
            yield package


def _package(entry: dict[str, Any]) -> Package | None:
    name, version = entry.get("name"), entry.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    name, version = name.strip(), version.strip()
    if not NAME.match(name) or len(name) > MAX_NAME or not 0 < len(version) <= MAX_VERSION:
        return None
    location, requires = entry.get("location"), entry.get("requires")
    return {
        "name": name,
        "version": version,
        "location": location if isinstance(location, str) else None,
        "requires": [text for text in requires if isinstance(text, str)][:MAX_REQUIRES]
        if isinstance(requires, list)
        else [],
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
