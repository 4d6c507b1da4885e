"""The Helm chart: valid for Kubernetes, with few rights, without a secret, and the same parts as docker-compose.yml."""

import json
import re
import shlex
import shutil

import pytest
import yaml

from config.asgi import INTAKE_PATHS
from tests.deploy import compose, helm
from tests.deploy.helm import CHART, NEWEST, OLDEST, SIZES, container, environment, objects, one, pods
from tests.servers import ROOT, setting_names

pytestmark = helm.needs_helm

PARTS = {"intake", "pages", "worker", "cron"}
JOBS = {"migrate", "prune"}
# Kinds of others' operators, of which Kubernetes publishes no schema.
FOREIGN = {"ScaledObject", "ServiceMonitor", "HTTPRoute"}
SECRETS = {
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "EVENTS_REDIS_URL",
    "METRICS_TOKEN",
    "INFLUXDB_TOKEN",
    "EMAIL_HOST_PASSWORD",
    "UPLOADS_SECRET_KEY",
    "DATABASE_REPLICA_URL",
}
INFLUXDB = "influxdb.url=http://influxdb.example.org:8086"
MAIL = ("mail.host=smtp.example.org", "mail.from=lessons@example.org", "mail.user=lessons")
BUCKET = (
    "media.bucket.name=uploads", "media.bucket.endpoint=https://s3.example.org",
    "media.bucket.region=here", "media.bucket.prefix=lessons",
)  # fmt: skip
BACKUP = ("backup.enabled=true", "backup.existingClaim=backups")
COMPOSED = compose.load(dict.fromkeys(compose.example(), "filled"))["services"]


@pytest.mark.parametrize("size", SIZES)
def test_helm_finds_nothing_to_complain_about(size):
    done = helm.run("lint", "--strict", ".", "-f", f"examples/{size}.yaml", "--kube-version", NEWEST)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("size", SIZES)
def test_every_object_is_what_kubernetes_publishes(size, kubernetes):
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="make .venv/test.stamp installs it")
    for item in objects(size, *BACKUP, INFLUXDB, *MAIL):
        if item["kind"] not in FOREIGN:
            kubernetes_validate.validate(item, kubernetes, strict=True)


def test_the_schema_would_refuse_a_wrong_word():
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="make .venv/test.stamp installs it")
    wrong = {**one("class", "Deployment", "-pages"), "spec": {"replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


@pytest.mark.parametrize("size", SIZES)
def test_no_two_objects_are_one(size):
    names = [(item["kind"], item["metadata"]["name"]) for item in objects(size, *BACKUP)]
    assert len(names) == len(set(names))
    assert set(pods(size)) == PARTS | JOBS


def test_it_is_of_this_version():
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == version[1]


# --- The parts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "service"), [("intake", "intake"), ("pages", "pages"), ("cron", "cron"), ("migrate", "migrate")]
)
def test_the_commands_are_those_of_compose(part, service):
    assert container(pods("department")[part])["args"] == shlex.split(COMPOSED[service]["command"])


def test_the_workers_are_as_many_as_their_values_say():
    args = container(pods("department")["worker"])["args"]
    assert args == [*shlex.split(COMPOSED["worker"]["command"])[:3], "--min", "1", "--max", "2"]


@pytest.mark.parametrize("size", SIZES)
def test_every_pod_has_few_rights(size):
    for part, pod in pods(size, *BACKUP).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, part
        assert pod["securityContext"]["runAsUser"] == 10001, part
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, part
        rights = container(pod)["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True, part
        assert rights["allowPrivilegeEscalation"] is False, part
        assert rights["capabilities"] == {"drop": ["ALL"]}, part
        assert pod["automountServiceAccountToken"] is False, part
        # Else a Service called `redis` sets REDIS_PORT to tcp://…, which the settings refuse.
        assert pod["enableServiceLinks"] is False, part


@pytest.mark.parametrize("size", SIZES)
def test_every_pod_is_bounded_and_every_part_is_asked_how_it_is(size):
    for part, pod in pods(size, *BACKUP).items():
        resources = container(pod)["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"]), part
        assert "memory" in resources["limits"], part
        assert ({"livenessProbe", "readinessProbe"} <= set(container(pod))) == (part in PARTS), part


def test_the_checks_are_those_of_compose_and_addresses_that_exist():
    for part in ("worker", "cron", "intake"):
        command = container(pods("class")[part])["readinessProbe"]["exec"]["command"]
        assert command == COMPOSED[part]["healthcheck"]["test"][1:]
    asked = {
        probe["httpGet"]["path"]
        for pod in pods("class").values()
        for name, probe in container(pod).items()
        if name.endswith("Probe") and "httpGet" in probe
    }
    assert asked == {"/api/v1/health/live", "/api/v1/health/ready"}


@pytest.mark.parametrize("part", sorted(PARTS))
def test_it_has_the_time_to_end(part):
    """The pause before, in which proxies learn of it, and what compose gives the process."""
    pod = pods("class")[part]
    pause = container(pod).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])[1]
    least = int(COMPOSED[part].get("stop_grace_period", "10s").rstrip("s"))
    assert pod["terminationGracePeriodSeconds"] >= int(pause) + least


def test_one_cron_and_never_two():
    spec = one("campus", "Deployment", "-cron")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_migrations_come_first():
    job = one("class", "Job", "-migrate")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    # At an installation nothing else of the release exists yet.
    assert pods("class")["migrate"]["serviceAccountName"] == "default"
    assert "volumes" in pods("class")["migrate"]
    assert not [volume for volume in pods("class")["migrate"]["volumes"] if "emptyDir" not in volume]


def test_an_image_of_uploads_is_seen_by_every_replica():
    assert one("campus", "PersistentVolumeClaim", "-media")["spec"]["accessModes"] == ["ReadWriteMany"]
    mounts = container(pods("campus")["pages"])["volumeMounts"]
    assert {"name": "media", "mountPath": "/data/media"} in mounts
    # Where one node only can mount it, the old pod goes first.
    rolling = one("class", "Deployment", "-pages")["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxUnavailable": 1, "maxSurge": 0}


# --- Stopping and restoring -----------------------------------------------------------------------------------------

STOPPED = "stopped={intake,pages,worker,cron}"
RESTORE = (STOPPED, "restore.file=cellmonitor-20261129-031500.tar", *BACKUP)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_stopped_has_no_pods_and_nobody_starts_them(size):
    found = objects(size, "stopped={worker,cron}", *BACKUP)
    deployments = {
        i["metadata"]["labels"]["app.kubernetes.io/component"]: i for i in found if i["kind"] == "Deployment"
    }
    assert {part for part, item in deployments.items() if item["spec"].get("replicas") == 0} == {"worker", "cron"}
    scaled = [i for i in found if i["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}]
    assert "worker" not in {i["metadata"]["labels"]["app.kubernetes.io/component"] for i in scaled}
    assert {i["spec"]["suspend"] for i in found if i["kind"] == "CronJob"} == {True}
    assert {i["spec"]["suspend"] for i in objects(size, *BACKUP) if i["kind"] == "CronJob"} == {False}


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
def test_a_restore_reads_the_claim_and_writes_the_uploads(kubernetes):
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="make .venv/test.stamp installs it")
    job = one("campus", "Job", "-restore", *RESTORE)
    kubernetes_validate.validate(job, kubernetes, strict=True)
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "post-upgrade"
    assert job["spec"]["backoffLimit"] == 0, "half a restore is looked at before another"
    pod = job["spec"]["template"]["spec"]
    assert container(pod)["args"] == ["python", "manage.py", "restore", "/backups/cellmonitor-20261129-031500.tar"]
    mounts = {item["mountPath"]: item.get("readOnly", False) for item in container(pod)["volumeMounts"]}
    assert mounts == {"/tmp": False, "/data/media": False, "/backups": True}
    forced = one("campus", "Job", "-restore", *RESTORE, "restore.force=true", *BUCKET)["spec"]["template"]["spec"]
    assert container(forced)["args"][-1] == "--force"
    assert "/data/media" not in {item["mountPath"] for item in container(forced)["volumeMounts"]}
    assert not [item for item in objects("campus", *BACKUP) if item["metadata"]["name"].endswith("-restore")]


# --- Scaling and disruption -----------------------------------------------------------------------------------------


def test_who_scales_does_not_also_say_how_many():
    for size in SIZES:
        scaled = {
            item["spec"]["scaleTargetRef"]["name"]
            for item in objects(size)
            if item["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}
        }
        deployments = {i["metadata"]["name"]: i for i in objects(size) if i["kind"] == "Deployment"}
        assert scaled <= set(deployments)
        assert scaled == {name for name, found in deployments.items() if "replicas" not in found["spec"]}


def test_workers_scale_by_processor_and_on_a_campus_by_what_waits():
    by_cpu = one("department", "HorizontalPodAutoscaler", "-worker")["spec"]
    assert (by_cpu["minReplicas"], by_cpu["maxReplicas"]) == (2, 4)
    by_backlog = one("campus", "ScaledObject", "-worker")["spec"]
    [trigger] = by_backlog["triggers"]
    assert trigger["metadata"]["threshold"] == "500"
    assert 'namespace="lessons"' in trigger["metadata"]["query"]
    metric = re.search(r"cellmonitor_\w+", trigger["metadata"]["query"])
    assert metric
    assert metric[0] in (ROOT / "operations" / "metrics.py").read_text()


def test_no_budget_keeps_a_node_from_being_drained():
    """One replica and a budget of none unavailable would."""
    for size in SIZES:
        for item in objects(size):
            if item["kind"] == "PodDisruptionBudget":
                assert item["spec"]["maxUnavailable"] == 1
    assert not [item for item in objects("class") if item["kind"] == "PodDisruptionBudget"]
    assert len([item for item in objects("campus") if item["kind"] == "PodDisruptionBudget"]) == 3


def test_replicas_are_spread_over_zones_and_nodes():
    spread = pods("campus")["intake"]["topologySpreadConstraints"]
    assert [item["topologyKey"] for item in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]


# --- The environment and secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_every_setting_it_names_is_one(size):
    for part, pod in pods(size, INFLUXDB, *MAIL, *BACKUP).items():
        names = [item["name"] for item in container(pod)["env"]]
        assert len(names) == len(set(names)), part
        assert set(names) - {"PART"} <= set(setting_names()), part
        assert environment(pod)["PART"] == part


def test_all_parts_have_the_same_environment():
    found = {json.dumps({**environment(pod), "PART": ""}) for pod in pods("campus", INFLUXDB, *BACKUP).values()}
    assert len(found) == 1


def test_the_settings_that_may_be_given_are_those_there_are():
    """What the chart or the image sets itself may not be given a second time."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    given = set(schema["properties"]["settings"]["properties"])
    all_of_it = (INFLUXDB, *MAIL, *BUCKET, "database.replica.enabled=true")
    itself = set(environment(pods("campus", *all_of_it)["pages"])) - {"PART", "LOG_FORMAT"}
    image = {"DEBUG", "DATA_DIR", "STATIC_ROOT", "MEDIA_ROOT", "DRAWN_ROOT"}
    one_address = {"POSTGRES_SERVER", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}
    one_address |= {"REDIS_HOST", "REDIS_PORT"}
    only_of_up = {"HOST", "PORT", "WORKERS", "WORKERS_MAX", "WEB_SERVER", "VALKEY_MEMORY_BYTES", "PG_PROGRAMS"}
    of_one_machine = {"PROMETHEUS_MULTIPROC_DIR"}
    assert given == set(setting_names()) - itself - image - one_address - only_of_up - of_one_machine


def test_numbers_arrive_as_they_were_written():
    env = environment(pods("class", "settings.EVENT_BODY_LIMIT=20971520", "settings.RATE_LIMITS=false")["intake"])
    assert (env["EVENT_BODY_LIMIT"], env["RATE_LIMITS"]) == ("20971520", "false")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_secret_is_in_the_chart(size):
    found = objects(size, INFLUXDB, *BACKUP)
    assert not [item for item in found if item["kind"] in {"Secret", "ConfigMap"}]
    for pod in pods(size, INFLUXDB, *MAIL).values():
        for item in container(pod)["env"]:
            secret = item["name"] in SECRETS
            assert ("valueFrom" in item) == secret, item["name"]
            assert secret == bool(re.search("SECRET|PASSWORD|TOKEN$|DATABASE_URL|REDIS_URL", item["name"]))
    values = (CHART / "values.yaml").read_text()
    assert not re.search(r"^\s*\w*(password|token|secret)\w*: *[\"']?\w", values, re.IGNORECASE | re.MULTILINE)


def test_the_secret_of_an_operator_can_be_named():
    [address] = [item for item in container(pods("campus")["worker"])["env"] if item["name"] == "DATABASE_URL"]
    assert address["valueFrom"]["secretKeyRef"] == {"name": "lessons-db-app", "key": "uri"}


def test_the_pages_are_asked_for_by_the_names_they_know():
    env = environment(pods("campus", "hosts={a.example.org,b.example.org}")["pages"])
    assert env["ALLOWED_HOSTS"] == "a.example.org,b.example.org"
    assert env["CSRF_TRUSTED_ORIGINS"] == "https://a.example.org,https://b.example.org"
    assert env["BACKEND_CORS_ORIGINS"] == "https://hub.example.org,https://lab.example.org"


# --- The network ----------------------------------------------------------------------------------------------------


def test_events_go_to_the_intake_and_the_rest_to_the_pages():
    [rule] = one("department", "Ingress", "")["spec"]["rules"]
    by_path = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert by_path == {**dict.fromkeys(INTAKE_PATHS, "lessons-cell-monitor-intake"), "/": "lessons-cell-monitor-pages"}
    events, rest = one("campus", "HTTPRoute", "")["spec"]["rules"]
    assert {match["path"]["value"] for match in events["matches"]} == INTAKE_PATHS
    assert {match["path"]["type"] for match in events["matches"]} == {"Exact"}
    assert [item["name"] for item in events["backendRefs"]] == ["lessons-cell-monitor-intake"]
    assert [item["name"] for item in rest["backendRefs"]] == ["lessons-cell-monitor-pages"]


def test_services_lead_to_pods():
    for name in ("intake", "pages"):
        selector = one("campus", "Service", f"-{name}")["spec"]["selector"]
        labels = one("campus", "Deployment", f"-{name}")["spec"]["template"]["metadata"]["labels"]
        assert selector.items() <= labels.items()
        assert container(pods("campus")[name])["ports"] == [{"name": "http", "containerPort": 8000}]


def test_only_the_proxy_reaches_intake_and_pages_and_nobody_the_rest():
    everything = one("campus", "NetworkPolicy", "")["spec"]
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in everything
    ports = [port["port"] for rule in everything["egress"] for port in rule["ports"]]
    assert sorted(set(ports)) == [53, 5432, 6379]
    with_more = one("campus", "NetworkPolicy", "", INFLUXDB, *MAIL)["spec"]["egress"]
    assert {8086, 587} <= {port["port"] for rule in with_more for port in rule["ports"]}
    behind_sentinels = one("campus", "NetworkPolicy", "", "redis.sentinelPort=26379")["spec"]["egress"]
    assert [6379, 26379] in [[port["port"] for port in rule["ports"]] for rule in behind_sentinels]
    web = one("campus", "NetworkPolicy", "-web")["spec"]
    assert web["podSelector"]["matchExpressions"][0]["values"] == ["intake", "pages"]
    [rule] = web["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}]


def test_prometheus_reads_the_pages_with_the_token():
    [endpoint] = one("campus", "ServiceMonitor", "")["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "cell-monitor", "key": "METRICS_TOKEN"}
    [token] = [item for item in container(pods("campus")["pages"])["env"] if item["name"] == "METRICS_TOKEN"]
    assert token["valueFrom"]["secretKeyRef"]["optional"] is False


def test_a_long_name_of_a_release_still_fits():
    done = helm.run(
        *("template", "x" * 53, ".", "-f", "examples/campus.yaml", "--kube-version", NEWEST),
        *("--set", "backup.enabled=true", "--set", "backup.existingClaim=backups"),
    )
    assert done.returncode == 0, done.stderr
    # Kubernetes adds 11 characters to the name of a CronJob's job.
    names = [(item["kind"], item["metadata"]["name"]) for item in yaml.safe_load_all(done.stdout) if item]
    assert all(len(name) <= (52 if kind == "CronJob" else 63) for kind, name in names)


@pytest.mark.parametrize(
    ("size", "connections"),
    [("class", 2 * 10 + 4 + 10), ("department", 4 * 10 + 8 + 10), ("campus", 20 * 5 + 24 + 5)],
)
def test_what_it_says_after_the_installation(size, connections, tmp_path):
    """Only a cluster prints the notes: here they are rendered as an object."""
    shutil.copytree(CHART, tmp_path / "chart")
    notes = (tmp_path / "chart" / "templates" / "NOTES.txt").rename(tmp_path / "chart" / "notes.txt")
    text = 'kind: Notes\ntext: |\n{{ tpl (.Files.Get "notes.txt") . | indent 2 }}\n'
    (tmp_path / "chart" / "templates" / "notes.yaml").write_text(text)
    words = ("-f", f"examples/{size}.yaml", "--namespace", "lessons", "--kube-version", NEWEST)
    done = helm.run("template", "lessons", str(notes.parent), *words, "--show-only", "templates/notes.yaml")
    assert done.returncode == 0, done.stderr
    said = yaml.safe_load(done.stdout)["text"]
    assert f"PostgreSQL must allow {connections} connections at most" in said
    assert "exec -it deploy/lessons-cell-monitor-pages -- python manage.py create_instructor" in said
    assert "Open https://lessons.example.org" in said
    assert "WARNING" not in said


def test_uploads_in_a_bucket_need_no_volume():
    bucket = (*BUCKET, *BACKUP)
    assert not [item for item in objects("campus", *bucket) if item["kind"] == "PersistentVolumeClaim"]
    for pod in pods("campus", *bucket).values():
        assert "media" not in {volume["name"] for volume in pod.get("volumes", [])}
        named = environment(pod)
        assert (named["UPLOADS_BUCKET"], named["UPLOADS_ENDPOINT"]) == ("uploads", "https://s3.example.org")
        assert named["UPLOADS_SECRET_KEY"] == "UPLOADS_SECRET_KEY"
    [policy] = [
        item for item in objects("campus", *bucket) if item["kind"] == "NetworkPolicy" and "egress" in item["spec"]
    ]
    ports = [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert 443 in ports
    assert "UPLOADS_BUCKET" not in environment(pods("campus")["pages"])


def test_a_replica_is_named_by_a_secret():
    replica = ("database.replica.enabled=true", "database.replica.existingSecret=postgres-ro")
    named = environment(pods("campus", *replica)["pages"])
    assert (named["DATABASE_REPLICA_URL"], named["DATABASE_REPLICA_MAX_LAG"]) == ("DATABASE_REPLICA_URL", "10")
    assert "DATABASE_REPLICA_URL" not in environment(pods("campus")["pages"])
