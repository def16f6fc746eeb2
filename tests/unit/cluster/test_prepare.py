"""Before a host is touched: certificates, kubeconfig and the roles' variables are there; a plan leaves no trace."""

from __future__ import annotations

import json
from pathlib import Path

from provisioner.cluster.context import Context, open_cluster
from provisioner.cluster.prepare import HostNeeds, prepare, prepare_check
from provisioner.release.bundle import Bundle

TEXT = (
    "all:\n  vars: {cluster: {name: t}}\n  children:\n    masters: {hosts: {m: {ansible_host: 192.0.2.1}}}\n    workers: {hosts: {m: }}\n"
)


def opened(tmp_path: Path) -> Context:
    path = tmp_path / "inventory.yaml"
    path.write_text(TEXT)
    return open_cluster(path)


NEEDS = {"m": HostNeeds(Bundle("0.1.0-abc", "0.1.0", Path("/x.tar.gz"), {}), "trixie")}


def test_second_run_finds_everything(tmp_path: Path) -> None:
    context = opened(tmp_path)
    context.state.prepare()
    first = prepare(context, NEEDS)
    assert first.changes
    assert json.loads(context.state.variables.read_text()) == first.variables
    assert "192.0.2.1:6443" in context.state.kubeconfig.read_text()
    second = prepare(context, NEEDS)
    assert second.changes == ()
    assert second.variables == first.variables


def test_a_plan_writes_nothing_here(tmp_path: Path) -> None:
    context = opened(tmp_path)
    with prepare_check(context, NEEDS) as prepared:
        assert "ca" in {change.path for change in prepared.changes}
        assert (Path(prepared.variables["kube"]["pki"]) / "ca.crt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["inventory.yaml"]
