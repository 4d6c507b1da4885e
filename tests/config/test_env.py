"""Every reader of the environment: what it takes, what it falls back to, and what it refuses by name."""

import json
import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from tests.servers import ROOT, setting_names

NAME = "CELLMONITOR_TEST"


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch):
    def put(value: str, name: str = NAME) -> None:
        monkeypatch.setenv(name, value)

    return put


@pytest.fixture
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)


def test_days_are_for_ever_or_enough(put) -> None:
    assert env.days(NAME, 60, minimum=30) == 60
    for value in (0, 30):
        put(str(value))
        assert env.days(NAME, 60, minimum=30) == value
    put("29")
    with pytest.raises(ImproperlyConfigured, match="0 or at least 30"):
        env.days(NAME, 60, minimum=30)


def test_text_is_stripped_and_blank_is_unset(put) -> None:
    assert env.text(NAME, "default") == "default"
    put("  ")
    assert env.text(NAME, "default") == "default"
    put(" value ")
    assert env.text(NAME, "default") == "value"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("true", True), ("Yes", True), ("ON", True), ("0", False), ("false", False), ("no", False)],
)
def test_flag(put, value: str, expected: bool) -> None:
    put(value)
    assert env.flag(NAME, not expected) is expected


def test_flag_falls_back(put) -> None:
    assert env.flag(NAME, True) is True
    put("")
    assert env.flag(NAME, False) is False


def test_flag_refuses_what_it_does_not_know(put) -> None:
    put("maybe")
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is 'maybe'; it must be 0 or 1"):
        env.flag(NAME, True)


def test_integer(put) -> None:
    assert env.integer(NAME, 7) == 7
    put("12")
    assert env.integer(NAME, 7, minimum=1, maximum=12) == 12


@pytest.mark.parametrize("value", ["0", "13", "twelve", "1.5"])
def test_integer_refuses_by_name_and_range(put, value: str) -> None:
    put(value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is '{value}'; .* at least 1 and at most 12"):
        env.integer(NAME, 7, minimum=1, maximum=12)


def test_integer_without_a_maximum_names_only_the_minimum(put) -> None:
    put("-1")
    with pytest.raises(ImproperlyConfigured, match=r"at least 0\."):
        env.integer(NAME, 7)


def test_path_is_absolute(put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert env.path(NAME, Path("here")) == tmp_path.resolve() / "here"
    put("there")
    assert env.path(NAME, Path("here")) == tmp_path.resolve() / "there"
    put("~/there")
    assert env.path(NAME, Path("here")) == Path.home().resolve() / "there"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ["default"]),
        ("*", ["*"]),
        ("a, b,,c ", ["a", "b", "c"]),
        ('["a", " b "]', ["a", "b"]),
        ("[]", []),
    ],
)
def test_names(put, value: str, expected: list[str]) -> None:
    put(value)
    assert env.names(NAME, ["default"]) == expected


@pytest.mark.parametrize("value", ["[a]", "[1]", '["a"'])
def test_names_refuses_broken_json(put, value: str) -> None:
    put(value)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.names(NAME, [])


def test_running_services(tmp_path: Path) -> None:
    assert env.running_services(tmp_path) == {}
    file = tmp_path / "services.json"
    file.write_text("half a {")
    assert env.running_services(tmp_path) == {}
    file.write_text(json.dumps({"REDIS_URL": "redis://x", "odd": 1}))
    assert env.running_services(tmp_path) == {"REDIS_URL": "redis://x"}


@pytest.mark.usefixtures("no_servers")
def test_database_url_takes_the_nearest(put) -> None:
    embedded = {"DATABASE_URL": "postgresql://embedded"}
    assert env.database_url({}) == ""
    assert env.database_url(embedded) == "postgresql://embedded"
    put("db", "POSTGRES_SERVER")
    assert env.database_url(embedded) == "postgresql://postgres@db:5432/app"
    put("p@ss/word", "POSTGRES_PASSWORD")
    put("me", "POSTGRES_USER")
    put("5433", "POSTGRES_PORT")
    put("classes", "POSTGRES_DB")
    assert env.database_url(embedded) == "postgresql://me:p%40ss%2Fword@db:5433/classes"
    put("db, standby", "POSTGRES_SERVER")
    assert env.database_url({}) == "postgresql://me:p%40ss%2Fword@db:5433,standby:5433/classes"
    put("postgresql://whole", "DATABASE_URL")
    assert env.database_url(embedded) == "postgresql://whole"


@pytest.mark.usefixtures("no_servers")
def test_redis_url_takes_the_nearest(put) -> None:
    embedded = {"REDIS_URL": "redis://embedded"}
    assert env.redis_url({}) == ""
    assert env.redis_url(embedded) == "redis://embedded"
    put("cache", "REDIS_HOST")
    assert env.redis_url(embedded) == "redis://cache:6379/0"
    put("6380", "REDIS_PORT")
    assert env.redis_url(embedded) == "redis://cache:6380/0"
    put("redis://whole", "REDIS_URL")
    assert env.redis_url(embedded) == "redis://whole"


def test_every_variable_that_is_read_is_in_the_example() -> None:
    reader = re.compile(
        r"(?:env\.)?(?:text|flag|flag_or_auto|integer|path|names|hosts|word|days|choice|time_zone|folder|http_url|origins)\(\s*[\"']([A-Z_]+)[\"']"
    )
    files = [file for folder in ("config", "operations") for file in (ROOT / folder).rglob("*.py")]
    read = {name for file in files for name in reader.findall(file.read_text())}
    assert read == set(setting_names())


def test_bytes_that_are_no_text(put) -> None:
    put("caf\udce9")
    with pytest.raises(ImproperlyConfigured, match=r"UTF-8"):
        env.text(NAME)
