"""docker-compose.yml, Dockerfile and env.example: well-formed, complete, without a secret, and with few rights."""

import json
import re

import pytest

from tests.deploy import compose
from tests.servers import ROOT, setting_names

FILLED = dict.fromkeys(compose.example(), "filled")
# Published by the Compose Specification (Apache License 2.0), as shipped with docker-compose 1.29.
SCHEMA = json.loads((ROOT / "tests" / "deploy" / "compose_spec.json").read_text())
STORES = {"postgres", "valkey", "influxdb"}
OURS = {"intake", "pages", "worker", "cron", "migrate", "manage"}


@pytest.fixture(scope="module")
def system() -> dict:
    return compose.load(FILLED)


def test_it_is_what_the_specification_asks_for(system):
    import jsonschema  # takes two seconds, in every worker that only reads this file

    jsonschema.validate(system, SCHEMA, cls=jsonschema.Draft7Validator)


def test_the_schema_would_refuse_a_wrong_word(system):
    import jsonschema

    system = {**system, "services": {**system["services"], "pages": {"comand": "x"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(system, SCHEMA, cls=jsonschema.Draft7Validator)


@pytest.mark.parametrize("name", compose.example())
def test_nothing_starts_without(name):
    with pytest.raises(compose.Missing, match=name):
        compose.load({**FILLED, name: ""})


def test_there_are_such_names():
    assert {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "INFLUXDB_TOKEN", "SITE_HOST"} <= set(FILLED)


def test_no_secret_has_a_default():
    """METRICS_TOKEN may be absent: then nobody reads /metrics from elsewhere. So may the password of a mail server, and
    the key of a bucket."""
    text = (ROOT / "docker-compose.yml").read_text()
    named = re.findall(r"\$\{(\w*(?:SECRET|PASSWORD|TOKEN)\w*)([^}]*)", text)
    optional = {"METRICS_TOKEN", "EMAIL_HOST_PASSWORD", "UPLOADS_SECRET_KEY"}
    assert {name for name, rest in named if not rest.startswith(":?")} == optional
    assert {rest for name, rest in named if name in optional} == {"-"}


def test_the_workers_are_as_many_as_the_load_needs_and_as_the_shards_allow(system):
    words = system["services"]["worker"]["command"].split()
    assert words[:3] == ["python", "manage.py", "work"]
    least, most = (int(words[words.index(option) + 1]) for option in ("--min", "--max"))
    assert 1 <= least < most <= int(system["services"]["worker"]["environment"]["EVENT_SHARDS"])
    asked = compose.load({**FILLED, "WORKERS": "2", "WORKERS_MAX": "6"})["services"]["worker"]["command"]
    assert asked.endswith("--min 2 --max 6")


def test_every_part_says_in_its_log_which_it_is(system):
    environments = {name: system["services"][name]["environment"] for name in ("intake", "pages", "worker", "cron")}
    assert len({environment["PART"] for environment in environments.values()}) == len(environments)
    assert {environment["LOG_FORMAT"] for environment in environments.values()} == {"json"}


def test_what_can_be_set_is_in_the_example():
    """Every name that the file reads, but for those that it reads of a setting that the first lines fill in."""
    read = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / "deploy" / "env.example").read_text()
    told = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    retention = {name for name in read if name.startswith("RETENTION_")}
    assert read - told - retention == {"TEST_EVENTS"}  # for tests of JupyterLab's extension alone


def test_every_setting_it_names_is_one(system):
    ours = set(system["services"]["pages"]["environment"]) - {"PART"}  # it names the part in the log
    assert ours <= set(setting_names())


# Of a folder inside the image, which names it, and of programs on the machine that it is not.
OF_THE_IMAGE = {"DRAWN_ROOT", "PG_PROGRAMS"}


def test_it_passes_every_setting_that_the_guide_names(system):
    guide = (ROOT / "docs" / "deploy.md").read_text()
    told = set(re.findall(r"[A-Z][A-Z_]+", guide)) & set(setting_names())
    assert {"EVENTS_REDIS_URL", "EVENT_REPLICAS", "DATABASE_POOL"} <= told
    read = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert told - read - set(system["services"]["pages"]["environment"]) == OF_THE_IMAGE


def test_what_is_set_reaches_every_part_and_what_is_not_is_the_default():
    given = {
        "DATABASE_URL": "postgresql://u:p@a:5432,b:5432/name",
        "REDIS_URL": "redis+sentinel://:p@a:26379/lessons/0",
        "EVENTS_REDIS_URL": "redis+cluster://:p@a:6379,b:6379",
        "EVENT_REPLICAS": "1",
    }
    for name in OURS:
        assert given.items() <= compose.load({**FILLED, **given})["services"][name]["environment"].items(), name
        plain = compose.load({**FILLED, "REDIS_PASSWORD": "of-valkey"})["services"][name]["environment"]
        assert plain["REDIS_URL"] == "redis://:of-valkey@valkey:6379/0"
        assert (plain["DATABASE_URL"], plain["EVENTS_REDIS_URL"], plain["EVENT_REPLICAS"]) == ("", "", "0")


def test_with_stores_elsewhere_every_part_may_reach_them_and_waits_for_none_here(system):
    """Compose 2.24 reads `!override`: what stands there replaces, instead of being merged."""
    more = compose.override("deploy/stores-elsewhere.yml")
    assert set(more["services"]) == OURS | STORES
    assert more["networks"] == {"outside": {}}
    for name in OURS:
        assert more["services"][name]["networks"] == ["outside"], name
        assert not set(more["services"][name]["depends_on"]) & STORES, name
    assert all(more["services"][name] == {"profiles": ["stores"]} for name in STORES)


def test_only_the_proxy_is_reachable_and_only_web_parts_see_it(system):
    services = system["services"]
    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]
    assert {name for name, service in services.items() if "front" in service["networks"]} == {
        "proxy",
        "intake",
        "pages",
    }
    assert all(services[name]["networks"] == ["stores"] for name in STORES)
    assert system["networks"]["stores"] == {"internal": True}


def test_every_service_is_bounded_and_has_few_rights(system):
    for name, service in system["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "memory" in service["deploy"]["resources"]["limits"], name
        assert service["logging"]["options"]["max-size"], name
        if name != "proxy":  # it gives up root itself, and needs the two ports below 1024
            assert service["user"] not in ("", "root", "0"), name


def test_what_runs_for_long_has_a_health_check_and_comes_back(system):
    once = {"migrate", "manage"}
    for name, service in system["services"].items():
        assert (service["restart"] == "no") == (name in once), name
        assert ("healthcheck" in service) == (name not in once), name


def test_data_lives_in_volumes(system):
    for name in STORES:
        volumes = {str(volume).split(":")[0] for volume in system["services"][name]["volumes"]}
        assert volumes & set(system["volumes"]), name
    assert "media:/data/media" in system["services"]["pages"]["volumes"]
    # Since 18 the image keeps its clusters in a directory a version.
    assert system["services"]["postgres"]["image"].startswith("postgres:18")
    assert "postgres:/var/lib/postgresql" in system["services"]["postgres"]["volumes"]


def test_every_file_it_mounts_is_there(system):
    for service in system["services"].values():
        for volume in map(str, service.get("volumes", [])):
            if volume.startswith("./deploy"):
                assert (ROOT / volume.split(":")[0]).is_file(), volume


# --- The image ------------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if line.strip()]


def test_the_image_runs_as_a_user_and_is_built_from_hashes():
    lines = instructions()
    assert {word for word, _ in lines} <= {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "EXPOSE", "CMD"}
    assert [rest for word, rest in lines if word == "USER"] == ["10001:10001"]
    assert all(":latest" not in rest and ":" in rest for word, rest in lines if word == "FROM")
    [install] = [rest for word, rest in lines if word == "RUN" and "pip install" in rest]
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install


def test_what_it_copies_is_there_and_let_through():
    passed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source in passed, source
    assert not {".env", ".local", ".git", "deploy/env.example"} & passed


def test_the_floors_of_the_product_are_all_in_it():
    copied = {rest.split()[0] for word, rest in instructions() if word == "COPY"}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages | {"templates", "static", "locale"} <= copied
