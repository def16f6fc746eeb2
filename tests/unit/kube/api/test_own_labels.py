"""Proves that selectors are narrowed by the labels that a pod has, once, and that keys without a label say nothing."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.own_labels import merge


def test_keys_become_expressions() -> None:
    term: dict[str, Any] = {
        "topologyKey": "zone",
        "labelSelector": {"matchLabels": {"app": "web"}},
        "matchLabelKeys": ["version", "absent"],
        "mismatchLabelKeys": ["tenant"],
    }
    spec = {
        "affinity": {
            "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]},
            "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]},
        },
        "topologySpreadConstraints": [{"labelSelector": {}, "matchLabelKeys": ["version"]}, {"matchLabelKeys": ["version"]}],
    }
    document = copy.deepcopy({"metadata": {"labels": {"version": "2", "tenant": "a"}}, "spec": spec})
    pod = msgspec.convert(document, core_v1.Pod)
    merge(pod)
    merge(pod)
    found = codec.to_dict(pod)["spec"]
    narrowed = [{"key": "version", "operator": "In", "values": ["2"]}, {"key": "tenant", "operator": "NotIn", "values": ["a"]}]
    (affine,) = found["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (averse,) = found["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    for one in (affine, averse["podAffinityTerm"]):
        assert one["labelSelector"] == {"matchLabels": {"app": "web"}, "matchExpressions": narrowed}
    first, second = found["topologySpreadConstraints"]
    assert first["labelSelector"] == {"matchExpressions": narrowed[:1]} and "labelSelector" not in second
