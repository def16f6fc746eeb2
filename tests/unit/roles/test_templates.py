"""Each template's output, for a master and a worker of the lab's inventory, is the golden file that lies beside this test.

After a wanted change run with UPDATE_GOLDEN=1 and read the difference.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from provisioner.cluster.topology import cluster_of, topology_of
from provisioner.cluster.variables import role_variables
from provisioner.inventory import load
from provisioner.inventory.cluster_spec import PackagesSpec
from provisioner.release.bundle import Bundle

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
ADDRESSES = {"master-1": "10.89.0.11", "worker-1": "10.89.0.12", "worker-2": "10.89.0.13"}
MASTERS_ONLY = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-dns"}
KUBECONFIGS = ["admin", "controller-manager", "scheduler", "kube-dns", "kubelet", "kube-proxy"]


def variables(extra: dict[str, Any] | None = None) -> dict[str, Any]:
    inventory = load([ROOT / "inventories/lab.yaml"])
    packages = PackagesSpec(proxy="http://10.0.0.1:3142", mirror="http://deb.example/debian")
    spec = dataclasses.replace(cluster_of(inventory), packages=packages)
    bundle = Bundle("0.1.0-0123456789ab", "0.1.0", Path("/cache/0.1.0-0123456789ab.tar.gz"), {})
    topology = topology_of(inventory, ADDRESSES)
    needs = {"releases": dict.fromkeys(topology.hosts, bundle), "suites": dict.fromkeys(topology.hosts, "bookworm")}
    made = role_variables(spec, topology, pki=Path("/state/pki"), **needs)
    made["cluster"].update(extra or {})
    return made


def render(template: Path, host: str, **more: Any) -> str:
    """As Ansible's template module: strict, blocks trimmed, the last newline kept."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["to_nice_json"] = lambda value: json.dumps(value, indent=4, sort_keys=True)
    return environment.get_template(template.relative_to(ROOT).as_posix()).render(inventory_hostname=host, **variables(), **more)


def cases() -> list[tuple[Path, str]]:
    found = []
    for template in sorted((ROOT / "roles").glob("*/templates/*.j2")):
        role = template.parts[-3]
        found += [(template, host) for host in (["master-1"] if role in MASTERS_ONLY else ["master-1", "worker-1"])]
    return found


def compare(golden: Path, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert golden.read_text() == text


@pytest.mark.parametrize(("template", "host"), cases(), ids=lambda v: v if isinstance(v, str) else f"{v.parts[-3]}/{v.stem}")
def test_rendered_file(template: Path, host: str) -> None:
    text = render(template, host)
    compare(GOLDEN / host / template.parts[-3] / template.stem, text)
    if template.stem.endswith(".yaml"):
        assert yaml.safe_load(text)["kind"].endswith("Configuration")


@pytest.mark.parametrize("name", KUBECONFIGS)
def test_kubeconfig_names_its_own_certificate(name: str) -> None:
    text = render(ROOT / "templates/kubeconfig.j2", "master-1", kubeconfig_name=name)
    document = yaml.safe_load(text)
    assert document["users"][0]["user"]["client-certificate"] == f"/etc/kubernetes/pki/{name}.crt"
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"


def test_the_controller_manager_signs_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    template = ROOT / "roles/kube-controller-manager/templates/controller-manager.j2"
    assert "cluster-signing" not in render(template, "master-1")
    made = variables()
    made["cluster"]["controller_manager"]["sign_certificate_requests"] = True
    monkeypatch.setattr("tests.unit.roles.test_templates.variables", lambda: made)
    assert "--cluster-signing-key-file=/etc/kubernetes/pki/ca.key" in render(template, "master-1")


def test_workers_reach_the_endpoint() -> None:
    document = yaml.safe_load(render(ROOT / "templates/kubeconfig.j2", "worker-1", kubeconfig_name="kubelet"))
    assert document["clusters"][0]["cluster"]["server"] == "https://10.89.0.11:6443"


def test_docker_leaves_the_network_alone() -> None:
    settings = json.loads(render(ROOT / "roles/docker/templates/daemon.json.j2", "worker-1"))
    assert (settings["bridge"], settings["iptables"], settings["live-restore"]) == ("none", False, True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this computer")
def test_units_are_valid(tmp_path: Path) -> None:
    units = []
    for template in sorted((ROOT / "roles").glob("*/templates/*.service.j2")):
        unit = tmp_path / template.stem
        # The launchers are on hosts, not here.
        unit.write_text(render(template, "master-1").replace("/opt/provision/current/bin/", "/usr/bin/true ;"))
        units.append(unit)
    text = [u.read_text().replace("/usr/bin/true ;", "/bin/true ") for u in units]
    for unit, content in zip(units, text, strict=True):
        unit.write_text(content)
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, units)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    complaints = [line for line in ran.stderr.splitlines() if str(tmp_path) in line or any(f"{u.name}:" in line for u in units)]
    assert complaints == []


def test_no_task_leaves_modes_or_deadlines_open() -> None:
    """Files say their mode; what is asked again and again says how often at most."""
    for path in sorted((ROOT / "roles").glob("*/tasks/*.yaml")):
        for task in yaml.safe_load(path.read_text()):
            for module in ("ansible.builtin.copy", "ansible.builtin.template"):
                assert module not in task or "mode" in task[module], f"{path}: {task['name']}"
            assert "until" not in task or {"retries", "delay"} <= set(task), f"{path}: {task['name']}"
            assert task["name"], path
