"""Proves that a resize above all that the node has is refused at once, as is what needs a feature that the node doesn't declare."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.node_limits import NodeDeclaredFeatureValidator, PodResize
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Collection, Entry

RESIZE = Call(LOOPBACK, Target("patch", "/", "", "v1", "pods", "ns", "p", "resize"))
KIND: Any = None


class Cache:
    """One node, of 2 processors."""

    def __init__(self, system: str = "linux", features: tuple[str, ...] = ()) -> None:
        node = {
            "metadata": {"name": "n"},
            "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}, "nodeInfo": {"operatingSystem": system}, "declaredFeatures": features},
        }
        self.nodes = Collection()
        self.nodes.entries["n"] = Entry("n", 1, codec.encode(msgspec.convert(node, core_v1.Node, strict=False)), {}, {})

    def collection(self, _: str) -> Collection:
        return self.nodes


def pod(cpu: str, node: str = "n", own: str = "", init: str = "1") -> core_v1.Pod:
    spec: dict[str, Any] = {
        "nodeName": node,
        "initContainers": [{"name": "i", "resources": {"requests": {"cpu": init}}}],
        "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}, {"name": "d", "resources": {"requests": {"cpu": "500m"}}}],
    }
    if own:
        spec["resources"] = {"requests": {"cpu": own}}
    return msgspec.convert({"metadata": {"name": "p"}, "spec": spec}, core_v1.Pod)


@pytest.mark.parametrize(
    ("before", "after", "system", "refused"),
    [
        (pod("1"), pod("1500m"), "linux", ""),
        (pod("1"), pod("1501m"), "linux", "has not enough allocatable cpu: requested 2001m, allocatable 2"),
        (pod("9"), pod("8"), "linux", ""),
        (pod("1"), pod("9", node="gone"), "linux", ""),
        (pod("1", own="2"), pod("1", own="3"), "linux", "requested 3, allocatable 2"),
        (pod("1"), pod("1200m"), "windows", "pod resize is not supported on nodes with operating system windows"),
    ],
)
async def test_resizes(before: core_v1.Pod, after: core_v1.Pod, system: str, refused: str) -> None:
    plugin = PodResize(Cache(system))  # type: ignore[arg-type]
    if not refused:
        await plugin.validate(RESIZE, KIND, after, before)
        return
    with pytest.raises(StatusError, match=refused) as found:
        await plugin.validate(RESIZE, KIND, after, before)
    assert found.value.code == 403


@pytest.mark.parametrize(
    ("after", "feature"),
    [
        (pod("1", own="2"), "InPlacePodLevelResourcesVerticalScaling"),
        (pod("1", init="2"), "InPlacePodVerticalScalingInitContainers"),
        (pod("2"), ""),
    ],
)
async def test_features(after: core_v1.Pod, feature: str) -> None:
    await NodeDeclaredFeatureValidator(Cache(features=(feature,))).validate(RESIZE, KIND, after, pod("1"))  # type: ignore[arg-type]
    plugin = NodeDeclaredFeatureValidator(Cache())  # type: ignore[arg-type]
    if feature:
        with pytest.raises(StatusError, match=f"requires features {feature} which are not available on node 'n'"):
            await plugin.validate(RESIZE, KIND, after, pod("1"))
    else:
        await plugin.validate(RESIZE, KIND, after, pod("1"))
