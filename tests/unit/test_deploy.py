"""Every file below ``deploy/`` is one that its tool takes, and names what exists."""

import json
import re
import shlex
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import jsonschema
import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from jcsync import __version__
from jcsync.cli import cli
from jcsync.daemon.metrics import Metrics
from jcsync.model.report import FindingKind, RunOutcome
from jcsync.settings import load_settings
from tests.unit.test_documents import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
UNITS = sorted((DEPLOY / "systemd").iterdir())
EXPRESSIONS = re.compile(r"jcsync_[a-z_]+")


def needs(program: str) -> pytest.MarkDecorator:
    """Leave a test out where a program that only some machines have is missing."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def said(*command: str, folder: Path = ROOT) -> str:
    """Run a checker that must find nothing, and return what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def documents(path: Path) -> list[Any]:
    """Return the documents of a YAML file."""
    return [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d]


def resources() -> list[Any]:
    """Return what would be applied to a cluster."""
    paths = [p for p in KUBERNETES.rglob("*.yaml") if p.name != "kustomization.yaml"]
    return [document for path in sorted(paths) for document in documents(path)]


def pod(document: Any) -> Any:
    """Return the description of the pods of a workload."""
    spec = document["spec"]
    return spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]


def workloads() -> list[Any]:
    """Return the two ways to run it."""
    return [r for r in resources() if r["kind"] in ("Deployment", "CronJob")]


def parses(words: list[str]) -> None:
    """Refuse a command line that jcsync would refuse."""
    group: click.Command = cli
    context, rest = click.Context(cli, info_name="jcsync"), list(words)
    while isinstance(group, click.Group) and rest:
        command = group.get_command(context, rest.pop(0))
        assert command is not None, words
        if not isinstance(command, click.Group):
            command.make_context(command.name, rest, parent=context)
        group = command


def secret_files(text: str, folder: Path, mounted: str) -> str:
    """Point settings at secrets that are there."""
    for name in ("jumpcloud_api_key", "keepnet_token"):
        (folder / name).write_text("not-a-secret", encoding="utf-8")
        (folder / name).chmod(0o600)
    return text.replace(mounted, str(folder))


# ---- the image


@needs("hadolint")
def test_dockerfile_is_clean() -> None:
    """By hadolint."""
    assert said("hadolint", "Dockerfile") == ""


def test_image_is_small_and_without_rights() -> None:
    """Its last stage: another user than root, no tools to build with, labels, a health check."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last = text.rpartition("\nFROM ")[2]

    assert text.count("\nARG BASE=") == 1
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}"}
    assert "USER 10001:10001" in last
    assert "HEALTHCHECK" in last
    assert {"title", "description", "licenses", "version"} <= set(
        re.findall(r"org\.opencontainers\.image\.(\w+)=", last)
    )
    assert not re.search(r"\bpip\b|apt-get|\bgcc\b", last)


# ---- compose


def test_compose_file_follows_the_specification() -> None:
    """By its published schema."""
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))

    jsonschema.validate(document, get_builtin_schema("vendor.compose-spec"))


def test_compose_file_has_settings_that_are_right(tmp_path: Path) -> None:
    """Its variables are all that jcsync needs, and every secret that they name is mounted."""
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    service = document["services"]["jcsync"]
    environ = {
        name: secret_files(value, tmp_path, "/run/secrets")
        for name, value in service["environment"].items()
    }

    loaded = load_settings(None, environ, tmp_path)

    assert list(loaded.settings.connections) == ["keepnet"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    mounted = {Path(v).name for v in service["environment"].values() if "/run/secrets" in v}
    assert mounted == set(service["secrets"]) == set(document["secrets"])


def test_command_without_a_file_has_settings_that_are_right(tmp_path: Path) -> None:
    """The variables of "docker run" on the page are all that jcsync needs."""
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ (docker run (?:.*\\\n)+.*)$", page, re.MULTILINE)
    words = shlex.split(command)
    given = [word for option, word in pairwise(words) if option == "-e"]
    environ = {
        name: secret_files(value, tmp_path, "/run/secrets")
        for name, _, value in (variable.partition("=") for variable in given)
    }

    loaded = load_settings(None, environ, tmp_path)

    assert loaded.settings.connections["keepnet"].provider.profile == "keepnet"
    assert not loaded.warnings


def test_health_checks_are_the_same() -> None:
    """In the image and in the compose file, but for line breaks."""
    line = re.search(r"CMD (\[.*\])", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert line is not None
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))

    assert ["CMD", *json.loads(line[1])] == document["services"]["jcsync"]["healthcheck"]["test"]


# ---- systemd


@needs("systemd-analyze")
def test_units_are_right(tmp_path: Path) -> None:
    """Systemd says nothing about them: it ends with 0 also for keys that it does not know."""
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/jcsync/bin/jcsync", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")

    assert said("systemd-analyze", "verify", *(str(tmp_path / u.name) for u in UNITS)) == ""


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.name)
def test_services_are_exposed_little(unit: Path) -> None:
    """At most 2.0 of 10."""
    said("systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit))


@pytest.mark.parametrize("path", [*UNITS, DEPLOY / "jcsync.cron"], ids=lambda path: path.name)
def test_commands_of_units_and_cron_exist(path: Path) -> None:
    """With the options that they are given."""
    text = path.read_text(encoding="utf-8")
    lines = re.findall(r"/opt/jcsync/bin/jcsync ([a-z][^\n2>]*)", text)

    assert lines or path.suffix == ".timer"
    for line in lines:
        parses(line.split())


def test_hardening_is_the_same_for_both_services() -> None:
    """What the daemon may not do, a single run may not do either."""
    daemon, once = (
        (DEPLOY / "systemd" / name).read_text(encoding="utf-8").partition("DynamicUser=")[2]
        for name in ("jcsync.service", "jcsync-reconcile.service")
    )

    assert daemon.partition("\n[Install]")[0].strip() == once.strip()


# ---- Kubernetes


@pytest.mark.parametrize("resource", resources(), ids=lambda r: r["kind"])
def test_resources_are_what_kubernetes_takes(resource: Any) -> None:
    """Strictly: a key that it does not know is an error."""
    kubernetes_validate.validate(resource, "1.33", strict=True)


@needs("kubectl")
@pytest.mark.parametrize("way", ["daemon", "cronjob"])
def test_resources_can_be_customized(way: str) -> None:
    """By what kubectl has built in."""
    built = yaml.safe_load_all(said("kubectl", "kustomize", str(KUBERNETES / way)))

    kinds = {document["kind"] for document in built}
    assert {"ConfigMap", "NetworkPolicy", "PersistentVolumeClaim"} < kinds


def test_kustomizations_name_what_is_there() -> None:
    """And the image of this version."""
    for path in KUBERNETES.rglob("kustomization.yaml"):
        (document,) = documents(path)
        assert all((path.parent / name).exists() for name in document["resources"])
        assert {i["newTag"] for i in document.get("images", [])} <= {__version__}


@pytest.mark.parametrize("workload", workloads(), ids=lambda w: w["kind"])
def test_workloads_name_what_exists(workload: Any) -> None:
    """Command, volumes, secrets; and nothing runs as root or writes beside its volume."""
    spec = pod(workload)
    (container,) = spec["containers"]
    names = {(r["kind"], r["metadata"]["name"]) for r in resources()}
    volumes = {v["name"]: v for v in spec["volumes"]}

    parses(container["args"])
    assert {m["name"] for m in container["volumeMounts"]} == set(volumes)
    assert ("ConfigMap", volumes["config"]["configMap"]["name"]) in names
    assert ("Secret", volumes["secrets"]["secret"]["secretName"]) in names
    assert (
        "PersistentVolumeClaim",
        volumes["store"]["persistentVolumeClaim"]["claimName"],
    ) in names
    assert ("ServiceAccount", spec["serviceAccountName"]) in names
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_config_map_holds_settings_that_are_right(tmp_path: Path) -> None:
    """For the secrets that are mounted, and at a port that probes reach."""
    (config,) = (r for r in resources() if r["kind"] == "ConfigMap")
    (secret,) = (r for r in resources() if r["kind"] == "Secret")
    text = config["data"]["jcsync.yaml"]
    path = tmp_path / "jcsync.yaml"
    path.write_text(secret_files(text, tmp_path, "/run/secrets/jcsync"), encoding="utf-8")

    loaded = load_settings(path, {}, tmp_path)

    port = int(loaded.settings.http.bind.rpartition(":")[2])
    (deployment,) = (w for w in workloads() if w["kind"] == "Deployment")
    assert pod(deployment)["containers"][0]["ports"][0]["containerPort"] == port
    assert set(re.findall(r"/run/secrets/jcsync/(\w+)", text)) == set(secret["stringData"])


# ---- Prometheus and Grafana


def served() -> set[str]:
    """Names of the metrics that the daemon serves."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
    }


@pytest.mark.parametrize(
    "path", [DEPLOY / "prometheus" / "alerts.yaml", DEPLOY / "grafana" / "dashboard.json"]
)
def test_queries_name_what_exists(path: Path) -> None:
    """Metrics, outcomes and kinds of finding."""
    text = path.read_text(encoding="utf-8")
    words = {w.value for w in (*RunOutcome, *FindingKind)}

    assert set(EXPRESSIONS.findall(text)) <= served()
    for values in re.findall(r'(?:outcome|kind)=~?\\?"([a-z_|]+)', text):
        assert set(values.split("|")) <= words


def test_dashboard_shows_every_metric() -> None:
    """But the version, which is in no panel; panels do not overlap and have numbers of their own."""
    text = (DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8")
    panels = json.loads(text)["panels"]

    assert served() - set(EXPRESSIONS.findall(text)) == {"jcsync_build_info"}
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for p in (panel["gridPos"] for panel in panels)
        for x in range(p["x"], p["x"] + p["w"])
        for y in range(p["y"], p["y"] + p["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


@needs("promtool")
def test_alerts_fire_when_they_should() -> None:
    """By Prometheus' own tests of rules."""
    folder = DEPLOY / "prometheus"

    assert "SUCCESS" in said("promtool", "check", "rules", "alerts.yaml", folder=folder)
    assert "SUCCESS" in said("promtool", "test", "rules", "alerts.test.yaml", folder=folder)


def test_every_alert_has_a_test() -> None:
    """Each is named in the tests of the rules."""
    (rules,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    tests = (DEPLOY / "prometheus" / "alerts.test.yaml").read_text(encoding="utf-8")

    for rule in rules["groups"][0]["rules"]:
        assert tests.count(rule["alert"]) > 1, rule["alert"]
