"""Status reads what a host's script printed, and tells what is not well."""

from __future__ import annotations

import base64
import datetime

from provisioner.cli.status import text
from provisioner.cluster.status import ClusterStatus, HostStatus, parse_host, units_of
from provisioner.cluster.topology import Topology
from provisioner.pki.authority import issue, make_authority
from provisioner.pki.profile import Authority, Leaf, Usage

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
TOPOLOGY = Topology(("m",), ("w",), ("m",), {"m": "10.0.0.1", "w": "10.0.0.2"})


def output(active: str = "active", release: str = "0.1.0-abc") -> str:
    authority = make_authority("ca", now=NOW, days=100)
    pem = issue(authority, Leaf("x", Authority.CLUSTER, "kubelet", Usage.CLIENT), now=NOW, days=20).certificate_pem
    return "\n".join(
        [
            f"unit=kubelet|{active}|enabled|42|Thu 2026-01-01 00:00:00 UTC|{release}|2048",
            "unit=docker|active|enabled|7||",
            "current=0.1.0-abc",
            "docker=20.10.24",
            f"certificate=kubelet.crt|{base64.b64encode(pem).decode()}",
            "certificate=broken.crt|eA==",
        ]
    )


def host(said: str) -> HostStatus:
    found = HostStatus(
        "w", "10.0.0.2", ["worker"], wanted_release="0.1.0-abc", node={"ready": True, "why": "", "version": "v1", "runtime": "docker://20"}
    )
    parse_host(said, found, now=NOW)
    return found


def cluster(*hosts: HostStatus, api: str = "ok") -> ClusterStatus:
    return ClusterStatus("lab", "10.0.0.1:6443", api, "0.1.0-abc", {"w": "on"}, list(hosts), [])


def test_units_versions_and_certificates() -> None:
    found = host(output())
    assert [(u.name, u.active, u.pid, u.release, u.rss_kib) for u in found.units] == [
        ("kubelet", "active", 42, "0.1.0-abc", 2048),
        ("docker", "active", 7, "", 0),
    ]
    assert found.versions == {"docker": "20.10.24"}
    assert [(c.name, c.days_left, c.note) for c in found.certificates] == [("kubelet", 20, ""), ("broken", -1, "can't be read")]


def test_units_follow_roles() -> None:
    assert units_of("m", TOPOLOGY, dns=True)[:5] == ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-dns"]
    assert units_of("w", TOPOLOGY, dns=True) == ["docker", "kubelet", "kube-proxy"]


def test_health_is_everything_together() -> None:
    assert cluster(host(output())).healthy
    assert not cluster(host(output(active="failed"))).healthy
    assert not cluster(host(output()), api="refused").healthy
    assert not cluster(HostStatus("w", "10.0.0.2", ["worker"], problem="no route")).healthy


def test_text_shows_what_needs_a_look() -> None:
    shown = "\n".join(text(cluster(host(output(release="0.0.9-old")))))
    assert "w  10.0.0.2  worker  machine on" in shown
    assert "node Ready  v1  docker://20" in shown
    assert "0.0.9-old (wanted 0.1.0-abc)" in shown
    assert "certificate kubelet                    20 days left" in shown
    assert shown.endswith("all is well")
    gone = "\n".join(text(cluster(HostStatus("w", "10.0.0.2", ["worker"], problem="connect: no route"))))
    assert "  connect: no route" in gone
    assert gone.endswith("something is NOT well")
