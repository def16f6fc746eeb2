"""Status reads what a host's script printed, and tells what is not well."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.status import text
from provisioner.cluster.context import open_cluster
from provisioner.cluster.status import CertificateStatus, ClusterStatus, HostStatus, parse_host, status, units_of
from provisioner.cluster.topology import Topology
from provisioner.pki.authority import issue, make_authority
from provisioner.pki.profile import Authority, Leaf, Usage

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
TOPOLOGY = Topology(("m",), ("w",), ("m",), {"m": "10.0.0.1", "w": "10.0.0.2"})


def output(active: str = "active", release: str = "0.1.0-abc", *more: str) -> str:
    authority = make_authority("ca", now=NOW, days=100)
    pem = issue(authority, Leaf("x", Authority.CLUSTER, "kubelet", Usage.CLIENT), now=NOW, days=20).certificate_pem
    return "\n".join(
        [
            f"unit=kubelet|{active}|enabled|42|Thu 2026-01-01 00:00:00 UTC|{release}|2048",
            "unit=docker|active|enabled|7||",
            "current=0.1.0-abc",
            "docker=20.10.24",
            f"certificate=kubelet.crt|{base64.b64encode(pem).decode()}",
            *more,
        ]
    )


def host(said: str, days_later: int = 0) -> HostStatus:
    found = HostStatus(
        "w", "10.0.0.2", ["worker"], wanted_release="0.1.0-abc", node={"ready": True, "why": "", "version": "v1", "runtime": "docker://20"}
    )
    parse_host(said, found, now=NOW + datetime.timedelta(days=days_later))
    return found


def cluster(*hosts: HostStatus, api: str = "ok", etcd: Sequence[dict[str, Any]] = ()) -> ClusterStatus:
    return ClusterStatus("lab", "10.0.0.1:6443", api, "0.1.0-abc", {"w": "on"}, list(hosts), list(etcd))


def test_units_versions_and_certificates() -> None:
    found = host(output("active", "0.1.0-abc", "certificate=broken.crt|eA=="))
    assert [(u.name, u.active, u.pid, u.release, u.rss_kib) for u in found.units] == [
        ("kubelet", "active", 42, "0.1.0-abc", 2048),
        ("docker", "active", 7, "", 0),
    ]
    assert found.versions == {"docker": "20.10.24"}
    assert [(c.name, c.days_left, c.note) for c in found.certificates] == [("kubelet", 20, ""), ("broken", -1, "can't be read")]


def test_units_follow_roles() -> None:
    assert units_of("m", TOPOLOGY, dns=True)[:5] == ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-dns"]
    assert units_of("w", TOPOLOGY, dns=True) == ["docker", "kubelet", "kube-proxy"]


GONE = CertificateStatus("apiserver", -1, "2025-12-31", note="port 6443: refused")
NOT_SERVED = CertificateStatus("apiserver", 300, "2027-01-01", served=False, note="port 6443 still serves the old one")


@pytest.mark.parametrize(
    ("told", "problems"),
    [
        (cluster(host(output())), []),
        (cluster(host(output(active="failed"))), ["w: kubelet is failed"]),
        (cluster(host(output()), api="refused"), ["the API does not answer: refused"]),
        (cluster(HostStatus("w", "10.0.0.2", ["worker"], problem="no route")), ["w: no route"]),
        (cluster(HostStatus("w", "10.0.0.2", ["worker"])), ["w: its node is not registered"]),
        (cluster(HostStatus("e", "10.0.0.3", ["etcd"])), []),
        (
            cluster(HostStatus("w", "10.0.0.2", ["worker"], node={"ready": False, "why": "no lease"})),
            ["w: its node is not ready: no lease"],
        ),
        (cluster(host(output(release="0.0.9-old"))), ["w: kubelet runs 0.0.9-old, not 0.1.0-abc"]),
        (cluster(host(output("active", "", "certificate=x.crt|eA=="))), ["w: certificate x: can't be read"]),
        (cluster(host(output(), days_later=30)), ["w: certificate kubelet: it has expired"]),
        (
            cluster(HostStatus("e", "", ["etcd"], certificates=[NOT_SERVED])),
            ["e: certificate apiserver: port 6443 still serves the old one"],
        ),
        (cluster(etcd=[{"name": "m", "healthy": False, "problem": "refused"}]), ["etcd member m: refused"]),
    ],
    ids=lambda value: (value or ["well"])[0] if isinstance(value, list) else "",
)
def test_what_is_not_well_is_named(told: ClusterStatus, problems: list[str]) -> None:
    assert told.problems == problems
    assert told.healthy == (not problems)
    assert told.as_dict()["problems"] == problems


def test_text_shows_what_needs_a_look() -> None:
    shown = "\n".join(text(cluster(host(output(release="0.0.9-old")))))
    assert "w  10.0.0.2  worker  machine on" in shown
    assert "node Ready  v1  docker://20" in shown
    assert "0.0.9-old (wanted 0.1.0-abc)" in shown
    assert "certificate kubelet                    20 days left" in shown
    assert shown.endswith("NOT well:\n  w: kubelet runs 0.0.9-old, not 0.1.0-abc")
    assert text(cluster(host(output())))[-1] == "all is well"
    gone = "\n".join(text(cluster(HostStatus("w", "10.0.0.2", ["worker"], problem="connect: no route"))))
    assert "  connect: no route" in gone
    assert gone.endswith("NOT well:\n  w: connect: no route")


def test_nobody_is_asked_whose_machine_is_not_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(
        "all: {vars: {machines: {provider: nspawn}, cluster: {}}, children: {masters: {hosts: {m: }}, workers: {hosts: {w: }}}}\n"
    )
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("somebody was asked"))
    told = status(open_cluster(path), {})
    assert told.problems == [
        "the API does not answer: no master's machine is on",
        f"m: its machine is absent; provision up {path} starts it",
        f"w: its machine is absent; provision up {path} starts it",
        "etcd member m: its machine is absent",
    ]
