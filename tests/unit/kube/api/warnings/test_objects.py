"""Proves what is said of kinds with one or two warnings each."""

from __future__ import annotations

from typing import Any

import pytest


def annotated(name: str) -> dict[str, Any]:
    return {"metadata": {"name": "x", "annotations": {name: "v"}}}


def definition(schema: dict[str, Any]) -> dict[str, Any]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": schema}}},
    }
    return {"spec": {"group": "g.io", "names": {"plural": "as", "kind": "A"}, "scope": "Cluster", "versions": [version]}}


CLASS = 'deprecated since v1.8; use "storageClassName" attribute instead'
LABEL = "failure-domain.beta.kubernetes.io/zone"
ZONE = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
EXPRESSION = {"key": LABEL, "operator": "In", "values": ["a"]}


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("Ingress", {"spec": {}}, []),
        ("Ingress", annotated("kubernetes.io/ingress.class"), ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead']),
        ("Node", {"spec": {"externalID": "e"}}, ["spec.externalID: this field is deprecated, and is unused by Kubernetes"]),
        ("ServiceAccount", annotated("kubernetes.io/enforce-mountable-secrets"),
         ["metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"]),
        ("PersistentVolumeClaim", annotated("volume.beta.kubernetes.io/storage-class"), [f"metadata.annotations[volume.beta.kubernetes.io/storage-class]: {CLASS}"]),
        ("PersistentVolume", {"spec": {"persistentVolumeReclaimPolicy": "Recycle"}},
         ["spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."]),
        ("PersistentVolume", {"spec": {"cephfs": {"monitors": ["m"]}}}, ["spec.cephfs: deprecated in v1.28, non-functional in v1.31+"]),
        ("PersistentVolume", {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [EXPRESSION]}]}}}},
         [f"spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: {LABEL} is {ZONE}"]),
        ("StorageClass", {"provisioner": "p", "allowedTopologies": [{"matchLabelExpressions": [{"key": LABEL, "values": ["a"]}]}]},
         [f"allowedTopologies[0].matchLabelExpressions[0].key: {LABEL} is {ZONE}"]),
        ("RuntimeClass", {"handler": "h", "scheduling": {"nodeSelector": {LABEL: "a"}}}, [f"scheduling.nodeSelector: {ZONE}"]),
        ("CustomResourceDefinition", definition({"type": "string", "format": "date-time"}), []),
        ("CustomResourceDefinition", definition({"type": "integer", "format": "int64"}), []),
        ("CustomResourceDefinition", definition({"type": "array", "items": {"type": "string", "format": "odd"}}), ['unrecognized format "odd"']),
        ("ConfigMap", {}, []),
    ],
)  # fmt: skip
def test_kinds(warned: Any, kind: str, body: dict[str, Any], expected: list[str]) -> None:
    assert warned(kind, body) == expected
