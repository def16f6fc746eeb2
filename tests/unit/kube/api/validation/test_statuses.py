"""Proves what may not be written into a status, and that what was there before is borne."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated.resources import RESOURCES
from provisioner.kube.api.validation import validate_status_update

SPECS: dict[str, dict[str, Any]] = {"Service": {"type": "LoadBalancer", "ports": [{"port": 80}]}}


def made(kind: str, status: dict[str, Any], spec: dict[str, Any] | None = None) -> Any:
    found = next(r for r in RESOURCES if r.kind == kind)
    document = {"metadata": {"name": "x"}, "spec": SPECS.get(kind, {}) if spec is None else spec, "status": status}
    return codec.decode_dict(found.load(), document)


def balanced(**one: Any) -> dict[str, Any]:
    return {"loadBalancer": {"ingress": [one]}}


@pytest.mark.parametrize(
    ("kind", "status", "wrong"),
    [
        ("Deployment", {"replicas": 3, "readyReplicas": 2, "availableReplicas": 1, "updatedReplicas": 3}, []),
        ("Deployment", {"unavailableReplicas": -1}, ["status.unavailableReplicas"]),
        ("Deployment", {"replicas": 1, "readyReplicas": 2}, ["status.readyReplicas"]),
        ("ReplicaSet", {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2}, ["status.availableReplicas"]),
        ("StatefulSet", {"replicas": 1, "collisionCount": -1}, ["status.collisionCount"]),
        ("ReplicationController", {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}, []),
        ("ReplicaSet", {"replicas": 1, "fullyLabeledReplicas": 2}, ["status.fullyLabeledReplicas"]),
        ("StatefulSet", {"replicas": 1, "currentReplicas": 2}, ["status.currentReplicas"]),
        ("DaemonSet", {"numberReady": -1}, ["status.numberReady"]),
        ("Job", {"active": -1, "failed": 1}, ["status.active"]),
        ("Service", balanced(ip="1.2.3.4", ipMode="VIP"), []),
        ("Service", balanced(hostname="a.b"), []),
        ("Service", balanced(ip="x", ipMode="Proxy"), ["status.loadBalancer.ingress[0].ip"]),
        ("Service", balanced(ip="1.2.3.4"), ["status.loadBalancer.ingress[0].ipMode"]),
        ("Service", balanced(ip="1.2.3.4", ipMode="X"), ["status.loadBalancer.ingress[0].ipMode"]),
        ("Service", balanced(hostname="a", ipMode="VIP"), ["status.loadBalancer.ingress[0].ipMode"]),
        ("Service", balanced(hostname="1.2.3.4"), ["status.loadBalancer.ingress[0].hostname"]),
        ("Service", balanced(hostname="a", ports=[{"port": 0, "protocol": "TCP"}]), ["status.loadBalancer.ingress[0].ports[0].port"]),
        ("Ingress", balanced(ip="1.2.3.4"), []),
        ("Ingress", balanced(ip="x"), ["status.loadBalancer.ingress[0].ip"]),
        ("Pod", {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "hostIPs": [{"ip": "10.0.0.2"}]}, []),
        ("Pod", {"podIPs": [{"ip": "x"}]}, ["status.podIPs[0]"]),
        ("Pod", {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}]}, ["status.podIPs[1]"]),
        ("Pod", {"nominatedNodeName": "A b"}, ["status.nominatedNodeName"]),
    ],
)
def test_statuses(kind: str, status: dict[str, Any], wrong: list[str]) -> None:
    assert [found.field for found in validate_status_update(made(kind, status), made(kind, {}))] == wrong
    # Who writes something else need not mend it.
    assert validate_status_update(made(kind, status), made(kind, status)) == []


def test_only_load_balancers_have_addresses() -> None:
    plain = {"ports": [{"port": 80}], "type": "ClusterIP"}
    (found,) = validate_status_update(made("Service", balanced(ip="1.2.3.4", ipMode="VIP"), plain), made("Service", {}, plain))
    assert found.field == "status.loadBalancer.ingress" and "may only be used when" in found.message


def test_a_class_of_service_stays() -> None:
    (found,) = validate_status_update(made("Pod", {"qosClass": "Guaranteed"}), made("Pod", {"qosClass": "Burstable"}))
    assert found.field == "status.qosClass"


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_collisions_are_never_fewer(kind: str) -> None:
    (found,) = validate_status_update(made(kind, {}), made(kind, {"collisionCount": 2}))
    assert (found.field, found.message) == ("status.collisionCount", "Invalid value: 0: cannot be decremented")


def test_what_is_available_is_told_of_by_the_kind() -> None:
    counts = {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2}
    told = [validate_status_update(made(kind, counts), made(kind, {}))[0].message for kind in ("ReplicaSet", "StatefulSet")]
    assert [text.rpartition(" ")[2] for text in told] == ["readyReplicas", "status.readyReplicas"]
