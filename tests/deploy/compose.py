"""docker-compose.yml as Compose reads it: YAML, then `${NAME:?why}`, `${NAME:-default}`, `${NAME-default}`."""

import re
from typing import Any

import yaml

from tests.servers import ROOT

VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<rule>:\?|:-|-)(?P<rest>(?:[^{}]|\$\{[^{}]*\})*))?\})")


class Missing(Exception):
    """What Compose says when it refuses to start."""


def load(environment: dict[str, str]) -> dict[str, Any]:
    """Raises Missing."""
    found: dict[str, Any] = _filled(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), environment)
    return found


class _Override(yaml.SafeLoader):
    """Reads `!override` as what stands behind it."""


_Override.add_constructor("!override", lambda loader, node: loader.construct_mapping(node, deep=True))


def override(path: str) -> dict[str, Any]:
    """Return a file that is read besides, not merged."""
    found: dict[str, Any] = yaml.load((ROOT / path).read_text(), Loader=_Override)
    return found


def _filled(value: Any, environment: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(part, environment) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, environment) for part in value]
    return VARIABLE.sub(lambda found: _one(found, environment), value) if isinstance(value, str) else value


def _one(found: "re.Match[str]", environment: dict[str, str]) -> str:
    if found["name"] is None:
        return "$"
    value = environment.get(found["name"])
    if found["rule"] == ":?" and not value:
        raise Missing(f"{found['name']}: {found['rest']}")
    if (found["rule"] == ":-" and not value) or (found["rule"] == "-" and value is None):
        return str(_filled(found["rest"], environment))
    return value or ""


def example() -> list[str]:
    """The names that deploy/env.example leaves empty: without them nothing may start."""
    return re.findall(r"^([A-Z_]+)= ", (ROOT / "deploy" / "env.example").read_text(), re.MULTILINE)
