"""The cluster's first objects: DNS answers at the address that pods are told, and every controller that runs may do its work."""

from __future__ import annotations

import dataclasses

from provisioner.cluster.addons import CONTROLLERS, objects
from provisioner.cluster.topology import Topology
from provisioner.inventory import ClusterSpec
from provisioner.inventory.cluster_spec import DnsSpec
from provisioner.kube.apiserver import bootstrap_controllers
from provisioner.kube.controllers.factories import ELSEWHERE, FACTORIES

TOPOLOGY = Topology(("m1", "m2"), ("w1",), ("m1",), {"m1": "10.0.0.1", "m2": "10.0.0.2", "w1": "10.0.0.3"})


def test_dns_service_leads_to_every_master() -> None:
    made = {item["object"]["kind"]: item for item in objects(ClusterSpec(), TOPOLOGY)}
    assert made["Service"]["object"]["spec"]["clusterIP"] == "10.96.0.10"
    assert [e["addresses"] for e in made["EndpointSlice"]["object"]["endpoints"]] == [["10.0.0.1"], ["10.0.0.2"]]
    assert made["EndpointSlice"]["object"]["metadata"]["labels"]["kubernetes.io/service-name"] == "kube-dns"
    assert made["ClusterRoleBinding"]["object"]["subjects"][0]["name"] == "system:kube-dns"


def test_controllers_get_the_role_of_each_also_without_dns() -> None:
    made = [item["object"] for item in objects(dataclasses.replace(ClusterSpec(), dns=DnsSpec(enabled=False)), TOPOLOGY)]
    assert {item["kind"] for item in made} == {"ClusterRoleBinding"}
    assert {item["subjects"][0]["name"] for item in made} == {"system:kube-controller-manager"}
    assert "system:controller:node-controller" in {item["roleRef"]["name"] for item in made}


# Roles of upstream's controllers that this one does not run, or whose work needs no rights of its own here.
UNUSED_ROLES = {
    "attachdetach-controller",
    "ephemeral-volume-controller",
    "expand-controller",
    "legacy-service-account-token-cleaner",
    "resourceclaim-controller",
    "route-controller",
    "selinux-warning-controller",
    "service-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
}


def test_no_controllers_role_is_forgotten() -> None:
    """A controller that is added gets its role bound: without it it works in tests, and fails on every real cluster."""
    assert set(CONTROLLERS) | UNUSED_ROLES == set(bootstrap_controllers.CONTROLLERS)
    assert not set(CONTROLLERS) & UNUSED_ROLES
    assert not FACTORIES.keys() & ELSEWHERE
