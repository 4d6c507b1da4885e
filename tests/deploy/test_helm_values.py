"""Values that cannot work are refused before anything is installed, with what to do."""

import pytest

from tests.deploy import helm
from tests.deploy.helm import NEWEST

pytestmark = helm.needs_helm


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("image.name=", "image.name is missing: build the Dockerfile"),
        ("existingSecret=", "existingSecret is missing: name a Secret that has SECRET_KEY"),
        ("hosts=null", "hosts is missing"),
        ("jupyterLabOrigins=null", "jupyterLabOrigins is missing"),
        ("networkPolicy.from=null", "networkPolicy.from is missing: name the pods of your ingress controller"),
        ("httpRoute.gateway.name=", "httpRoute.gateway.name is missing"),
        ("worker.autoscaling.backlog.prometheusAddress=", "KEDA reads the backlog from your Prometheus"),
        ("mail.host=smtp.example.org", "mail.from is missing"),
        ("backup.enabled=true", "backup.existingClaim is missing: name the claim"),
        ("restore.file=a.tar", "restore.file is set while intake would run"),
    ],
)
def test_nothing_is_rendered_without(setting, words):
    done = helm.template("campus", setting)
    assert done.returncode != 0
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("settings.EVENT_SHARD=4", "'EVENT_SHARD' not allowed"),
        ("settings.EVENT_SHARDS=4", "'EVENT_SHARDS' not allowed"),  # eventShards
        ("settings.SECRET_KEY=x", "'SECRET_KEY' not allowed"),
        ("settings.DATABASE_URL=x", "'DATABASE_URL' not allowed"),
        ("database.password=x", "'password' not allowed"),
        ("mail.password=x", "'password' not allowed"),
        ("worker.replica=3", "'replica' not allowed"),
        ("worker.replicas=many", "at '/worker/replicas'"),
        ("worker.terminationGracePeriodSeconds=10", "at '/worker/terminationGracePeriodSeconds'"),
        ("eventShards=65", "at '/eventShards'"),
        ("hosts={https://lessons.example.org}", "at '/hosts/0'"),
        ("jupyterLabOrigins={hub.example.org}", "at '/jupyterLabOrigins/0'"),
        ("jupyterLabOrigins={https://hub.example.org/}", "at '/jupyterLabOrigins/0'"),
        ("influxdb.url=http://me:pass@influxdb:8086", "at '/influxdb/url'"),
        ("image.name=registry.example.org/cell-monitor:1", "at '/image/name'"),
        ("prune.schedule=nightly", "at '/prune/schedule'"),
        ("intake.resources.limits=null", "at '/intake/resources'"),
        ("media.size=lots", "at '/media/size'"),
        ("stopped={workers}", "at '/stopped/0'"),
        ("restore.file=../a.tar", "at '/restore/file'"),
    ],
)
def test_a_wrong_value_is_named(setting, words):
    done = helm.template("campus", setting)
    assert done.returncode != 0
    assert words in done.stderr


def test_more_workers_than_shards_are_refused_with_the_numbers():
    done = helm.template("campus", "worker.autoscaling.maxReplicas=13")
    assert done.returncode != 0
    assert "13 replicas of the worker with 2 processes each are 26" in done.stderr
    assert "raise eventShards (24) to 26" in done.stderr


@pytest.mark.parametrize("setting", ["worker.processes.min=3", "intake.autoscaling.minReplicas=9"])
def test_least_is_no_more_than_most(setting):
    done = helm.template("campus", setting)
    assert done.returncode != 0
    assert "must be no more than" in done.stderr


def test_the_defaults_alone_say_what_is_missing():
    done = helm.run("template", "lessons", ".", "--kube-version", NEWEST)
    assert done.returncode != 0
    assert "is missing" in done.stderr
