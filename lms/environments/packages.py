"""Packages: their names, as PEP 503 spells them, and whether what they require is there."""

from collections.abc import Iterable, Mapping
from typing import TypedDict

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

# What a lesson is likely to use, and what it runs in.
KEY = (
    "jupyterlab",
    "notebook",
    "jupyter-core",
    "ipykernel",
    "ipython",
    "numpy",
    "pandas",
    "matplotlib",
    "scipy",
    "scikit-learn",
    "django",
    "channels",
    "pip",
)


class Package(TypedDict):
    name: str
    version: str
    location: str | None
    requires: list[str]


class Change(TypedDict):
    name: str
    old_version: str
    new_version: str


def versions_of(packages: Iterable[Package]) -> dict[str, str]:
    """Normalised name to version; of two that spell one name the first wins, as it does on Python's path."""
    found: dict[str, str] = {}
    for package in packages:
        found.setdefault(canonicalize_name(package["name"]), package["version"])
    return dict(sorted(found.items()))


def key_packages(packages: Iterable[Package]) -> list[Package]:
    return [package for package in packages if canonicalize_name(package["name"]) in KEY]


def narrowed(packages: Iterable[Package], names: Iterable[str]) -> list[Package]:
    """Those of these names, compared without case and as PEP 503 spells them; all where none is named."""
    wanted = {canonicalize_name(name) for name in names}
    return [package for package in packages if not wanted or canonicalize_name(package["name"]) in wanted]


def broken_requirements(packages: Iterable[Package], versions: Mapping[str, str]) -> list[str]:
    """What is required and missing, or there in a version that does not do; a sentence each. Requirements of extras
    nobody asked for, and those of other systems, do not count."""
    found = []
    for package in packages:
        for text in package["requires"]:
            try:
                requirement = Requirement(text)
                if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                    continue
                installed = versions.get(canonicalize_name(requirement.name))
                if installed is None:
                    found.append(f"{package['name']} requires {requirement.name}, which is not installed")
                elif not requirement.specifier.contains(installed, prereleases=True):
                    wanted = f"{requirement.name}{requirement.specifier}"
                    found.append(f"{package['name']} requires {wanted}, but {installed} is installed")
            except (InvalidRequirement, InvalidVersion):
                continue  # an old package may say what the standard does not know
    return found


class Difference(TypedDict):
    added_packages: list[dict[str, str]]
    removed_packages: list[dict[str, str]]
    updated_packages: list[Change]


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> Difference:
    """What changed between two sets of versions by normalised name."""
    return {
        "added_packages": [{"name": name, "version": after[name]} for name in sorted(after.keys() - before.keys())],
        "removed_packages": [{"name": name, "version": before[name]} for name in sorted(before.keys() - after.keys())],
        "updated_packages": [
            {"name": name, "old_version": before[name], "new_version": after[name]}
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ],
    }


def changed_names(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
