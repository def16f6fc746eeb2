"""Proves where volumes let a pod go, and what claims that wait for their first consumer get there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1, storage_v1
from provisioner.kube.scheduler.decide import decide
from provisioner.kube.scheduler.volumes import Storage, choose, needs_of
from tests.unit.kube.scheduler.objects import cluster, node, pod


def volume(name: str, where: str = "", size: str = "1Gi", of: str = "late") -> core_v1.PersistentVolume:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [where]}]}
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}} if where else {}
    spec = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce", "ReadWriteOncePod"], "storageClassName": of, **affinity}
    return msgspec.convert({"metadata": {"name": name}, "spec": spec, "status": {"phase": "Available"}}, core_v1.PersistentVolume)


def claim(
    name: str, of: str = "late", bound: str = "", size: str = "1Gi", mode: str = "ReadWriteOnce", **status: Any
) -> core_v1.PersistentVolumeClaim:
    notes = {"pv.kubernetes.io/bind-completed": "yes"} if bound else {}
    spec = {"storageClassName": of, "volumeName": bound, "accessModes": [mode], "resources": {"requests": {"storage": size}}}
    document = {"metadata": {"name": name, "namespace": "ns", "annotations": notes}, "spec": spec, "status": status}
    return msgspec.convert(document, core_v1.PersistentVolumeClaim)


def storage(*there: Any) -> Storage:
    claims = {f"ns/{c.metadata.name}": c for c in there if isinstance(c, core_v1.PersistentVolumeClaim)}
    volumes = {v.metadata.name: v for v in there if isinstance(v, core_v1.PersistentVolume)}
    topology = [{"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": ["b"]}]}]
    documents = [
        {"metadata": {"name": "late"}, "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"},
        {"metadata": {"name": "made"}, "provisioner": "x", "volumeBindingMode": "WaitForFirstConsumer", "allowedTopologies": topology},
        {"metadata": {"name": "soon"}, "provisioner": "x", "volumeBindingMode": "Immediate"},
    ]
    classes = {str(d["metadata"]["name"]): msgspec.convert(d, storage_v1.StorageClass) for d in documents}  # type: ignore[index]
    return Storage(claims.get, volumes.get, classes.get, volumes.values)


def using(*names: str, **spec: Any) -> Any:
    return pod(volumes=[{"name": n, "persistentVolumeClaim": {"claimName": n}} for n in names], **spec)


@pytest.mark.parametrize(
    ("there", "where"),
    [
        ([], 'persistentvolumeclaim "c" not found'),
        ([claim("c", "soon")], "pod has unbound immediate PersistentVolumeClaims"),
        ([claim("c", bound="gone")], 'persistentvolume "gone" not found'),
        ([claim("c", bound="gone", phase="Lost")], 'persistentvolumeclaim "c" bound to non-existent persistentvolume "gone"'),
        ([claim("c", bound="v"), volume("v", "b")], "b"),
        ([claim("c", bound="v"), volume("v", "elsewhere")], "2 node(s) didn't match PersistentVolume's node affinity"),
        ([claim("c"), volume("v", "b")], "b"),
        ([claim("c"), volume("v", "b", "1Mi")], "2 node(s) didn't find available persistent volumes to bind"),
        ([claim("c", "made")], "b"),
    ],
)
def test_where(there: list[Any], where: str) -> None:
    found = decide(using("c"), cluster(node("a"), node("b")), storage=storage(*there))
    assert where in (found.node or found.message)
    assert (found.node is not None) is (where == "b")


def test_two_claims_get_two_volumes_the_smaller_one_first() -> None:
    there = storage(claim("big", size="2Gi"), claim("small"), volume("v2", size="2Gi"), volume("v3", size="3Gi"))
    chosen = choose(needs_of(using("big", "small"), there), node("a"), there)
    assert chosen is not None
    assert [(c.claim.metadata.name, c.volume.metadata.name if c.volume else None) for c in chosen] == [("small", "v2"), ("big", "v3")]


def test_a_claim_for_one_pod_has_one_pod() -> None:
    there = storage(claim("c", bound="v", mode="ReadWriteOncePod"), volume("v"))
    nodes = cluster(node("a"), node("b"))
    nodes.place(using("c"), "a")
    assert "ReadWriteOncePod access mode" in decide(using("c"), nodes, storage=there).message


def test_a_generic_ephemeral_volume_is_a_claim_named_after_its_pod() -> None:
    facts = pod("p", volumes=[{"name": "scratch", "ephemeral": {}}, {"name": "e", "emptyDir": {}}])
    assert facts.claims == ("p-scratch",)
