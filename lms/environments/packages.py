"""Packages: normalised names (PEP 503), differences, and broken requirements."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypedDict

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

# Packages that lessons are likely to use, and those that run notebooks.
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
    """Return versions by normalised name. Of duplicates the first wins, as on Python's path."""
    found: dict[str, str] = {}
    for package in packages:
        found.setdefault(canonicalize_name(package["name"]), package["version"])
    return dict(sorted(found.items()))


def key_packages(packages: Iterable[Package]) -> list[Package]:
    return [package for package in packages if canonicalize_name(package["name"]) in KEY]


def filter_by_name(packages: Iterable[Package], names: Iterable[str]) -> list[Package]:
    """Return the packages with these names, compared in normalised form; without names, all."""
    wanted = {canonicalize_name(name) for name in names}
    return [package for package in packages if not wanted or canonicalize_name(package["name"]) in wanted]


def broken_requirements(packages: Iterable[Package], versions: Mapping[str, str]) -> list[str]:
    """Return a sentence for each requirement that is missing or installed in a wrong version. Requirements of extras
    and of other platforms are ignored."""
    found = []
    for package in packages:
        for text in package["requires"]:
            try:
                requirement = _applying(text)
                if requirement is None:
                    continue
                installed = versions.get(canonicalize_name(requirement.name))
                if installed is None:
                    found.append(f"{package['name']} requires {requirement.name}, which is not installed")
                elif not requirement.specifier.contains(installed, prereleases=True):
                    wanted = f"{requirement.name}{requirement.specifier}"
                    found.append(f"{package['name']} requires {wanted}, but {installed} is installed")
            except (InvalidRequirement, InvalidVersion):
                continue  # an old package may have metadata outside of the standard
    return found


@lru_cache(maxsize=4096)  # the environments of a class hold the same texts, a thousand each
def _applying(text: str) -> Requirement | None:
    """Return the requirement that a text of a package's metadata is; None where it is an extra's or another platform's.

    Raises `InvalidRequirement`; `InvalidVersion` where it compares what is no version."""
    requirement = Requirement(text)
    if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
        return None
    return requirement


class Difference(TypedDict):
    added_packages: list[dict[str, str]]
    removed_packages: list[dict[str, str]]
    updated_packages: list[Change]


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> Difference:
    """Return the differences between two mappings of normalised names to versions."""
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
