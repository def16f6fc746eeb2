"""The cluster's first objects: DNS answers at the address that pods are told."""

from __future__ import annotations

import dataclasses

from provisioner.cluster.addons import objects
from provisioner.cluster.topology import Topology
from provisioner.inventory.cluster_spec import ClusterSpec, DnsSpec

TOPOLOGY = Topology(("m1", "m2"), ("w1",), ("m1",), {"m1": "10.0.0.1", "m2": "10.0.0.2", "w1": "10.0.0.3"})


def test_dns_service_leads_to_every_master() -> None:
    made = {item["object"]["kind"]: item for item in objects(ClusterSpec(), TOPOLOGY)}
    assert made["Service"]["object"]["spec"]["clusterIP"] == "10.96.0.10"
    assert [e["addresses"] for e in made["EndpointSlice"]["object"]["endpoints"]] == [["10.0.0.1"], ["10.0.0.2"]]
    assert made["EndpointSlice"]["object"]["metadata"]["labels"]["kubernetes.io/service-name"] == "kube-dns"
    assert made["ClusterRoleBinding"]["object"]["subjects"][0]["name"] == "system:kube-dns"


def test_without_dns_there_is_nothing_to_make() -> None:
    assert objects(dataclasses.replace(ClusterSpec(), dns=DnsSpec(enabled=False)), TOPOLOGY) == []
