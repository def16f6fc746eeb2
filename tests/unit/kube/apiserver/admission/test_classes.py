"""Proves what a runtime class adds to a pod, and that a pod which contradicts it is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.classes import RuntimeClass
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Collection, Entry

CALL = Call(LOOPBACK, Target("create", "/", "", "v1", "pods", "ns"))
KIND: Any = SimpleNamespace(stored_as="core/pods")
TOLERATION = {"key": "sandboxed", "operator": "Exists"}
CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "sandbox"},
    "handler": "h",
    "overhead": {"podFixed": {"cpu": "100m"}},
    "scheduling": {"nodeSelector": {"sandbox": "yes"}, "tolerations": [TOLERATION]},
}


async def admitted(**spec: Any) -> dict[str, Any]:
    """The pod's spec after both rounds. Raises StatusError."""
    collection = Collection()
    collection.entries["sandbox"] = Entry("sandbox", 1, msgspec.json.encode(CLASS), {}, {})
    cache: Any = SimpleNamespace(collection=lambda _: collection)
    new = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": [], **spec}})
    plugin = RuntimeClass(cache)
    await plugin.mutate(CALL, KIND, new, None)
    await plugin.mutate(CALL, KIND, new, None)
    await plugin.validate(CALL, KIND, new, None)
    return codec.to_dict(new.spec)


async def test_what_the_class_says_is_added_once() -> None:
    spec = await admitted(runtimeClassName="sandbox", nodeSelector={"disk": "ssd"}, overhead={"cpu": "0.1"})
    assert spec["overhead"] == {"cpu": "100m"} and spec["nodeSelector"] == {"disk": "ssd", "sandbox": "yes"}
    assert spec["tolerations"] == [TOLERATION]
    assert "overhead" not in await admitted()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"runtimeClassName": "other"}, 'pod rejected: RuntimeClass "other" not found'),
        ({"runtimeClassName": "sandbox", "overhead": {"cpu": "1"}}, "doesn't match RuntimeClass's defined Overhead"),
        (
            {"runtimeClassName": "sandbox", "nodeSelector": {"sandbox": "no"}},
            "conflict: runtimeClass.scheduling.nodeSelector.sandbox. = yes",
        ),
        ({"overhead": {"cpu": "1"}}, "Pod Overhead set without corresponding RuntimeClass defined Overhead"),
    ],
)
async def test_what_contradicts_it_is_refused(spec: dict[str, Any], told: str) -> None:
    with pytest.raises(StatusError, match=told) as refused:
        await admitted(**spec)
    assert refused.value.code == 403
