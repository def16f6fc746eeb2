"""Proves which labels a kubelet may set on its node."""

from __future__ import annotations

import pytest

from provisioner.kube.apiserver.admission.node_restriction import forbidden_labels


@pytest.mark.parametrize(
    ("label", "allowed"),
    [
        ("team", True),
        ("example.com/x", True),
        ("kubernetes.io/hostname", True),
        ("node.kubernetes.io/instance-type", True),
        ("foo.kubelet.kubernetes.io/x", True),
        ("topology.kubernetes.io/zone", True),
        ("kubernetes.io/other", False),
        ("node-restriction.kubernetes.io/x", False),
        ("a.node-restriction.kubernetes.io/x", False),
        ("node-role.kubernetes.io/control-plane", False),
        ("foo.k8s.io/x", False),
    ],
)
def test_labels(label: str, allowed: bool) -> None:
    assert (forbidden_labels({}, {label: "1"}) == []) == allowed
    assert (forbidden_labels({label: "1"}, {}) == []) == allowed
    assert forbidden_labels({label: "1"}, {label: "1"}) == []
