"""Starts the servers, then Django: the settings read the servers' addresses once, when they are imported."""

import gc
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import hypothesis
import pytest
import redis as redis_client
from pytest_django.plugin import blocking_manager_key
from redis import utils as redis_utils

# Compile once for all. If Python were told to write no bytecode, every worker would rewrite the assertions of each
# file, and every process that a test starts would compile the product again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# As in lms.notebooks.render_worker: jsonschema would import it, for two seconds in every worker.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

# Nothing of what is imported and collected is garbage (`pytest_collection_finish`).
gc.disable()

from tests import servers  # noqa: E402

SESSION = servers.Session()
SESSION.point_settings()
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings as django_settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.middleware import csrf  # noqa: E402
from django.template import Template  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402

from lms.notebooks import render_process  # noqa: E402
from tests import drawing_process, logins  # noqa: E402
from tests import migrated as migrated_database  # noqa: E402
from tests.activity import mirror  # noqa: E402
from tests.live import LiveSystem, LiveSystems  # noqa: E402
from tests.second_try import (  # noqa: E402, F401
    pytest_report_teststatus,
    pytest_runtest_protocol,
    pytest_terminal_summary,
)

mirror()
logins.use()
drawing_process.use()
# redis-py looks its version up among all that is installed, for each connection.
redis_utils.get_lib_version = cache(redis_utils.get_lib_version)

# Names that tests look for in pages, where they must not be. One in some thousand tokens of forms has one by chance.
NAMES = re.compile("aoi|eve|jiro|ken|mei|mio|ren|rin|rust|sho|taro|yui", re.IGNORECASE)
mask = csrf._mask_cipher_secret


def mask_without_names(secret: str) -> str:
    while NAMES.search(token := mask(secret)):
        pass
    return token


csrf._mask_cipher_secret = mask_without_names

# bcrypt is slow on purpose. What is about passwords asks for the product's own hasher (`config.settings`).
django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

FIRST_SETTINGS = import_module("lms.migrations.0002_first_settings")

# Files that take more than seven seconds with four workers on two processors, longest first (`--durations=0`).
LONG = [
    "tests/test_nonsense.py",
    "tests/lms/test_openapi.py",
    "tests/lms/admin/test_nonsense_admin.py",
    "tests/operations/local/test_up.py",
    "tests/deploy/test_commands.py",
    "tests/faults/test_outages.py",
    "tests/test_access_matrix.py",
    "tests/faults/test_kills.py",
    "tests/faults/test_sentinel.py",
    "tests/term/test_term.py",
    "tests/test_two_classes.py",
    "tests/classroom/assignments/test_field_notebooks.py",
    "tests/instructors/test_roles.py",
    "tests/test_hostile_client.py",
    "tests/classroom/sockets/test_socket_permissions.py",
    "tests/operations/backup/test_older_version.py",
    "tests/faults/test_replica.py",
    "tests/lms/admin/test_admin.py",
    "tests/faults/test_failover.py",
    "tests/classroom/base/test_dates.py",
    "tests/operations/privacy/test_forget_in_texts.py",
    "tests/config/test_logs_of_people.py",
    "tests/operations/backup/test_refused_backups.py",
    "tests/operations/backup/test_backup.py",
    "tests/realtime/test_connections.py",
    "tests/operations/privacy/test_erased_from_disk.py",
    "tests/faults/test_backlog.py",
    "tests/test_event_pipeline.py",
    "tests/operations/privacy/test_forget_student.py",
    "tests/events/timeseries/test_sender.py",
    "tests/operations/local/test_autoscaler.py",
    "tests/test_curl_examples.py",
    "tests/faults/test_poison.py",
    "tests/config/test_secrets.py",
    "tests/config/test_headers.py",
    "tests/events/processing/test_what_a_run_refers_to.py",
    "tests/lms/test_one_row_migrations.py",
    "tests/classroom/sockets/test_account_permissions.py",
    "tests/operations/local/test_local_copy.py",
    "tests/classroom/sockets/test_long_poll.py",
    "tests/events/timeseries/test_outage.py",
    "tests/operations/local/test_append_only.py",
    "tests/classroom/sockets/test_devices_socket.py",
    "tests/faults/test_two_releases.py",
    "tests/operations/test_rqcron.py",
    "tests/realtime/test_many_sockets.py",
    "tests/events/timeseries/test_backfill_live.py",
    "tests/instructors/test_identity_of_accounts.py",
    "tests/config/test_operator_errors.py",
    "tests/realtime/test_real_servers.py",
    "tests/classroom/sockets/test_instructors_socket.py",
    "tests/classroom/sockets/test_students_socket.py",
    "tests/operations/local/test_two_copies.py",
    "tests/deploy/test_helm_chart.py",
    "tests/lms/notebooks/test_notebook_drawing.py",
    "tests/events/simulation/test_simulate_class.py",
    "tests/faults/test_deploying.py",
    "tests/operations/backup/test_backup_of_a_bucket.py",
    "tests/events/offline/test_offline_queue.py",
    "tests/browser/test_hostile_text.py",
    "tests/browser/test_accessibility.py",
]
PLACE = {file: place for place, file in enumerate(LONG)}
# Those of them that take more than twelve seconds: `make check` leaves them out.
SLOW = {*LONG[: LONG.index("tests/operations/local/test_local_copy.py") + 1]}

# How long an example takes says something about the machine, nothing about the product.
hypothesis.settings.register_profile(
    "steady", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], database=None
)
hypothesis.settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that no worker is left with one at the end; browser tests come last: Playwright
    keeps an event loop running in this thread from its first use on. `make check` leaves out what is `slow`."""
    if gone := [file for file in LONG if not (servers.ROOT / file).exists()]:
        raise pytest.UsageError(f"LONG in tests/conftest.py names files that are not there: {', '.join(gone)}")
    items.sort(key=lambda item: (is_of_browser(item), PLACE.get(file_of(item), len(LONG))))
    for item in items:
        if is_slow(item):
            item.add_marker(pytest.mark.slow)
        if starts_processes(item) and os.environ.get("FAULTS") != "long":
            # On a machine that stands still for seconds one of them may be taken for dead, or be late.
            item.add_marker(pytest.mark.second_try)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported and collected stays until the end: the collector of cycles need not walk its 200,000 objects
    again and again, which took an eighth of the processor."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


def file_of(item: pytest.Item) -> str:
    """Its path in the project. `item.location` works the line out as well, a twentieth of what collecting takes."""
    return item.nodeid.partition("::")[0]


def is_of_browser(item: pytest.Item) -> bool:
    return file_of(item).startswith("tests/browser/")


def starts_processes(item: pytest.Item) -> bool:
    folders = ("tests/browser/", "tests/faults/", "tests/deploy/", "tests/operations/local/", "tests/lab/")
    return file_of(item).startswith(folders) or bool({"live_system", "start_live_system"} & set(item.fixturenames))


def is_slow(item: pytest.Item) -> bool:
    """Whether it starts processes, commits, or is of a file that takes long."""
    database = item.get_closest_marker("django_db")
    return bool(
        file_of(item) in SLOW
        or starts_processes(item)
        or {"transactional_db", "live_server"} & set(item.fixturenames)
        or (database and database.kwargs.get("transaction"))
    )


# What `migrate` writes after its last migration. No test changes it, and to write it again takes 0.4 s.
KEPT = {"django_content_type", "auth_permission"}


def empty_tables(_: TransactionTestCase) -> None:
    """What Django's own flush does after a test with transactions of its own, for a tenth of the time: only the tables
    with rows in them, and by DELETE, which needs no new files. No trigger runs: neither a foreign key's, because all
    go, nor the one that keeps the audit trail."""
    quoted = connection.ops.quote_name
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True)) - KEPT)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{each}' WHERE EXISTS (TABLE {quoted(each)})" for each in tables))
        if used := [name for (name,) in cursor.fetchall()]:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(";".join(f"DELETE FROM {quoted(each)}" for each in used))


TransactionTestCase._fixture_teardown = empty_tables


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A test with transactions of its own leaves every table empty. The rows that a migration made are put back, so
    that the next test finds them, whichever it is."""
    result = yield
    database = item.get_closest_marker("django_db")
    owns_transactions = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    if nextitem and (owns_transactions or (database and database.kwargs.get("transaction"))):
        with item.config.stash[blocking_manager_key].unblock():
            FIRST_SETTINGS.add(apps, None)
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for what other processes do, or for time to pass."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """With `-n`, each worker has servers of its own. This process only hands out the work: what it told its own Django
    must not be what the workers find in their environment."""
    for name in ("DJANGO_SETTINGS_MODULE", *SESSION.addresses()):
        os.environ.pop(name, None)
    SESSION.stop()


def pytest_unconfigure() -> None:
    """Runs after failures and Ctrl-C too; where pytest itself is killed, the kernel ends the servers."""
    _everyday_client().close()
    SESSION.stop()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The database goes with the run's server. To drop it before would only fail where a thread still holds a
    connection to it."""
    return True


@pytest.fixture(scope="session")
def migrated(django_db_blocker: Any) -> str:
    """The name of a database in which every migration ran, once for all that are made from it."""
    name = "migrated"

    def migrate() -> None:
        with django_db_blocker.unblock():
            before = connection.settings_dict["NAME"]
            connection.close()
            connection.settings_dict["NAME"] = name
            call_command("migrate", verbosity=0, interactive=False)
            connection.close()
            connection.settings_dict["NAME"] = before

    SESSION.postgres.create_database(name)
    migrated_database.fill(SESSION.postgres.url_of(name), migrate=migrate)
    return name


@pytest.fixture(scope="session")
def _made_from_template(django_db_modify_db_settings: None, migrated: str) -> None:
    SESSION.postgres.create_database(connection.creation._get_test_db_name(), template=migrated)


@pytest.fixture(scope="session")
def django_db_setup(_made_from_template: None, django_db_setup: None) -> None:
    """pytest-django finds the database there already."""


@pytest.fixture(scope="module")
def rows_of_a_module(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Rows that a module's fixtures make once for all of its tests. Each test is undone within; it asks for `db`."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def plain_templates() -> Iterator[None]:
    """Templates render as they do outside of tests. For the test client, Django sends a signal for each template, down
    to an input of a form, and copies its context: thousands of requests for a status alone do without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", lambda template, context: template.nodelist.render(context))
        yield


@pytest.fixture(scope="session")
def postgres_server() -> servers.Postgres:
    """The run's PostgreSQL: `create_database`, `url_of`. What Django calls its database is inside it."""
    return SESSION.postgres


@pytest.fixture
def redis_server() -> Iterator[servers.RedisServer]:
    """The run's Valkey, for tests that stop, kill or restart it; it runs again afterwards, whatever the test did."""
    yield SESSION.redis
    SESSION.redis.start()


@pytest.fixture
def redis() -> Iterator[redis_client.Redis]:
    """A client of the run's Valkey, which is empty when the test begins."""
    with redis_client.Redis.from_url(SESSION.redis.url) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest) -> None:
    """Whoever may write to Redis finds it empty: tests that ask for it, and tests that use the database."""
    uses = {"redis", "redis_server", "db", "transactional_db", "client", "admin_client"} & set(request.fixturenames)
    if uses or request.node.get_closest_marker("django_db"):
        _everyday_client().flushall()


@cache
def _everyday_client() -> redis_client.Redis:
    """One connection for all; it is made anew where a test has restarted Valkey."""
    return redis_client.Redis.from_url(SESSION.redis.url)


@pytest.fixture
def drawn(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """Notebooks are drawn and compared anew, and kept below this folder."""
    settings.DATA_DIR = tmp_path
    render_process._cache.cache_clear()
    yield tmp_path
    render_process._cache.cache_clear()


@pytest.fixture(scope="session")
def start_live_system(migrated: str) -> Iterator[Callable[..., LiveSystem]]:
    """A factory: `start_live_system(workers=2, WORKERS="4", …)`, every further name a setting. All stop at the end."""
    systems = LiveSystems(session=SESSION, template=migrated)
    yield systems.start
    systems.stop()


@pytest.fixture(scope="session")
def _everyday_system(start_live_system: Callable[..., LiveSystem]) -> LiveSystem:
    return start_live_system(DJANGO_SETTINGS_MODULE="tests.live_settings")


@pytest.fixture(scope="module")
def live_system(_everyday_system: LiveSystem) -> LiveSystem:
    """Web and two workers as processes of their own, on a database and a Valkey of their own. They are the same for
    every module, which finds them without a row; who stops one of them or sets something starts a copy."""
    _everyday_system.clear()
    return _everyday_system
