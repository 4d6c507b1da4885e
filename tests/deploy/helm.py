"""The chart in deploy/helm as Helm renders it, for the three sizes that it comes with."""

import functools
import os
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.servers import ROOT

CHART = ROOT / "deploy" / "helm" / "cell-monitor"
SIZES = ("class", "department", "campus")
# The oldest and the newest release of Kubernetes that the chart is checked against.
OLDEST, NEWEST = "1.27.0", "1.37.0"
PROGRAM = shutil.which("helm", path=f"{os.environ.get('PATH', '')}:{ROOT / '.venv' / 'bin'}")

needs_helm = pytest.mark.skipif(PROGRAM is None, reason="no helm: tests/install_needs.sh builds it with Go")

Object = dict[str, Any]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    assert PROGRAM is not None
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, cwd=CHART)


def template(size: str, *settings: str, kubernetes: str = NEWEST) -> "subprocess.CompletedProcess[str]":
    """Render the values of a size. `settings`: as `--set` takes them."""
    sets = [word for setting in settings for word in ("--set", setting)]
    words = ("-f", f"examples/{size}.yaml", "--namespace", "lessons", "--kube-version", kubernetes)
    return run("template", "lessons", ".", *words, *sets)


@functools.cache
def objects(size: str, *settings: str) -> tuple[Object, ...]:
    done = template(size, *settings)
    assert done.returncode == 0, done.stderr
    return tuple(found for found in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if found)


def one(size: str, kind: str, name: str, *settings: str) -> Object:
    """Return the object of a kind whose name ends so."""
    [found] = [
        item
        for item in objects(size, *settings)
        if item["kind"] == kind and item["metadata"]["name"] == f"lessons-cell-monitor{name}"
    ]
    return found


def pods(size: str, *settings: str) -> dict[str, Object]:
    """Return the specification of each part's pod, by the part."""
    found: dict[str, Object] = {}
    for item in objects(size, *settings):
        holder = item["spec"]["jobTemplate"] if item["kind"] == "CronJob" else item
        template = holder.get("spec", {}).get("template")
        if template:
            found[item["metadata"]["labels"]["app.kubernetes.io/component"]] = template["spec"]
    return found


def container(pod: Object) -> Object:
    [only] = pod["containers"]
    return dict(only)


def environment(pod: Object) -> dict[str, Any]:
    """Return text by name, and where a Secret is read, its name and key."""
    return {
        item["name"]: item.get("value") or (item["valueFrom"]["secretKeyRef"])["key"] for item in container(pod)["env"]
    }
