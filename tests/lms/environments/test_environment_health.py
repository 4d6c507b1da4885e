"""The score of an environment: every issue takes something away, and nothing without a reason."""

from datetime import UTC, datetime

import pytest

from lms.environments.collection import Environment
from lms.environments.health import examine
from lms.environments.packages import broken_requirements, versions_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SYSTEM = {"disk_free_gb": 50.0, "disk_total_gb": 100.0, "memory_available_gb": 4.0, "memory_total_gb": 8.0}


def environment(*, python="3.12.1", packages=(), **system):
    return Environment(
        captured_at=NOW,
        python_env={"python_version": python},
        system_env={**SYSTEM, **system},
        jupyter_env={},
        packages=list(packages),
    )


def package(name, version, *requires):
    return {"name": name, "version": version, "location": None, "requires": list(requires)}


CASES = [
    ({}, 1.0, "excellent", ""),
    ({"disk_free_gb": 0.5}, 0.6, "warning", "Only 0.5 GB of disk"),
    ({"disk_free_gb": 4.9, "disk_total_gb": 20}, 0.85, "good", "of disk"),
    ({"memory_available_gb": 0.3}, 0.7, "good", "of memory"),
    ({"memory_available_gb": 0.7}, 0.9, "excellent", "of memory"),
    ({"python": "3.9.2"}, 0.7, "good", "Python 3.9 gets no security fixes any more since 2025-10-31"),
    ({"python": "2.7.18"}, 0.7, "good", "Python 2.7"),
    ({"python": "3.10.2"}, 0.95, "excellent", "Python 3.10 gets no security fixes after 2026-10-31"),
    ({"python": "unknown"}, 1.0, "excellent", ""),
    ({"disk_free_gb": 0.5, "memory_available_gb": 0.1, "python": "3.9"}, 0.0, "critical", "Python"),
]


@pytest.mark.parametrize(("state", "score", "level", "issue"), CASES)
def test_score(state, score, level, issue):
    found = examine(environment(**state), now=NOW)
    assert (found.score, found.level) == (score, level)
    assert issue in " ".join(found.issues)
    assert bool(found.issues) is bool(found.recommendations) is (score < 1)


def test_many_broken_requirements_take_at_most_three_tenths():
    packages = [package("a", "1", *(f"missing{number}" for number in range(40)))]
    found = examine(environment(packages=packages), now=NOW)
    assert found.score == 0.7
    assert len(found.issues) == 21
    assert found.issues[-1] == "20 more requirements are broken"


def test_requirements():
    packages = [
        package("A.b", "1.0", "c>=2", "D_e", 'f; extra == "x"', 'g; sys_platform == "atari"', "not a requirement!!"),
        package("C", "1.5"),
        package("d-E", "3.0rc1"),
        package("h", "strange", "d-e<4"),
    ]
    assert broken_requirements(packages, versions_of(packages)) == ["A.b requires c>=2, but 1.5 is installed"]
