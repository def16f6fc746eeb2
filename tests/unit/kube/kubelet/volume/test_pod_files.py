"""Proves /etc/hosts and /etc/resolv.conf of pods, by DNS policy and configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.volume.pod_files import Dns, hosts_file, new_message_file, resolv_conf, write_file


def pod(**spec: Any) -> core_v1.Pod:
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "web-0", "namespace": "shop", "uid": "u"}, "spec": spec})


@pytest.fixture
def dns(tmp_path: Path) -> Dns:
    (tmp_path / "resolv.conf").write_text("# host\nsearch lan\nnameserver 192.0.2.1\noptions edns0\n")
    return Dns(("10.96.0.10",), "cluster.local", tmp_path / "resolv.conf")


CLUSTER = "search shop.svc.cluster.local svc.cluster.local cluster.local lan\nnameserver 10.96.0.10\noptions ndots:5\n"
HOST = "search lan\nnameserver 192.0.2.1\noptions edns0\n"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, CLUSTER),
        ({"dnsPolicy": "ClusterFirst", "hostNetwork": True}, HOST),
        ({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True}, CLUSTER),
        ({"dnsPolicy": "Default"}, HOST),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}}, "nameserver 1.1.1.1\n"),
        (
            {
                "dnsConfig": {
                    "nameservers": ["1.1.1.1"],
                    "searches": ["x"],
                    "options": [{"name": "ndots", "value": "1"}, {"name": "rotate"}],
                }
            },
            "search shop.svc.cluster.local svc.cluster.local cluster.local lan x\n"
            "nameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:1 rotate\n",
        ),
    ],
)
def test_resolv_conf(dns: Dns, spec: dict[str, Any], text: str) -> None:
    assert resolv_conf(pod(**spec), dns) == text


def test_hosts(tmp_path: Path) -> None:
    plain = hosts_file(pod(), "10.244.0.2", "cluster.local")
    assert plain.endswith("10.244.0.2\tweb-0\n") and "127.0.0.1\tlocalhost" in plain
    named = hosts_file(
        pod(hostname="db", subdomain="dbs", hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}]), "10.244.0.2", "cluster.local"
    )
    assert "10.244.0.2\tdb.dbs.shop.svc.cluster.local\tdb\n" in named and named.endswith("1.2.3.4\ta\tb\n")
    (tmp_path / "hosts").write_text("192.0.2.7 myself\n")
    assert "192.0.2.7 myself" in hosts_file(pod(hostNetwork=True), "x", "cluster.local", tmp_path / "hosts")


def test_files_are_written_in_place(tmp_path: Path) -> None:
    path = write_file(tmp_path / "d/f", "one")
    inode = path.stat().st_ino
    assert write_file(path, "two").stat().st_ino == inode and path.read_text() == "two"
    assert new_message_file(tmp_path, "u", "c").stat().st_mode & 0o777 == 0o666
