"""Proves fields and resources that a pod asks about itself."""

from __future__ import annotations

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import ContainerRefused
from provisioner.kube.kubelet.pod.downward import Place, field_value, resource_value

PLACE = Place("node-1", "10.0.0.1", "10.244.0.2", {"cpu": 1500, "memory": 1024**3})
POD = codec.decode_dict(
    core_v1.Pod,
    {
        "metadata": {"name": "p", "namespace": "d", "uid": "u", "labels": {"b": "2", "a": "line\nbreak"}},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"memory": "10M"}}}]},
    },
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.uid", "u"),
        ("metadata.labels", 'a="line\\nbreak"\nb="2"'),
        ("metadata.labels['b']", "2"),
        ("metadata.annotations['none']", ""),
        ("spec.serviceAccountName", "default"),
        ("status.hostIP", "10.0.0.1"),
        ("status.podIPs", "10.244.0.2"),
    ],
)
def test_fields(path: str, value: str) -> None:
    assert field_value(POD, path, PLACE) == value


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.memory", "1Mi", "10"),
        ("limits.memory", None, "10000000"),
        ("limits.cpu", None, "2"),
        ("limits.cpu", "1m", "1500"),
        ("requests.cpu", None, "0"),
    ],
)
def test_resources_are_rounded_up_and_default_to_the_node(resource: str, divisor: str | None, value: str) -> None:
    ref = core_v1.ResourceFieldSelector(container_name="c", resource=resource, divisor=divisor)
    assert resource_value(POD, ref, None, PLACE) == value


def test_an_unknown_container_is_refused() -> None:
    with pytest.raises(ContainerRefused, match="container other not found"):
        resource_value(POD, core_v1.ResourceFieldSelector(container_name="other", resource="limits.cpu"), None, PLACE)
