"""Proves how tolerations and node selectors of namespaces are read."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.pod_placement import _covers, labels_of


def test_selectors() -> None:
    assert labels_of("a=b, c=d") == {"a": "b", "c": "d"} and labels_of("") == {} and labels_of("a=") == {"a": ""}
    with pytest.raises(ValueError, match="expected key=value"):
        labels_of("a")


@pytest.mark.parametrize(
    ("allowed", "given", "expected"),
    [
        ({"operator": "Exists"}, {"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, {"key": "k", "value": "v"}, True),
        ({"key": "k", "operator": "Exists"}, {"key": "l", "operator": "Exists"}, False),
        ({"key": "k", "value": "v"}, {"key": "k", "value": "v", "effect": "NoExecute"}, True),
        ({"key": "k", "value": "v"}, {"key": "k", "value": "w"}, False),
        ({"key": "k", "value": "v"}, {"key": "k", "operator": "Exists"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, {"key": "k", "effect": "NoExecute"}, False),
    ],
)
def test_tolerations(allowed: dict[str, str], given: dict[str, str], expected: bool) -> None:
    assert _covers(core_v1.Toleration(**allowed), core_v1.Toleration(**given)) == expected
