"""Proves which of Docker's runtimes a pod gets by its RuntimeClass."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioner.kube.api._generated import core_v1, node_v1
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.pod.starting import runtime_of

CLASSES = {"heavy": node_v1.RuntimeClass(handler="runsc"), "odd": node_v1.RuntimeClass(handler="none-such")}


async def _class(name: str) -> node_v1.RuntimeClass | None:
    return CLASSES.get(name)


async def _info() -> dict[str, Any]:
    return {"Runtimes": {"runc": {}, "runsc": {}}}


SERVICES = cast(Services, SimpleNamespace(objects=SimpleNamespace(runtime_class=_class), docker=SimpleNamespace(info=_info)))


@pytest.mark.parametrize(
    ("name", "runtime", "problem"),
    [
        (None, "", ""),
        ("heavy", "runsc", ""),
        ("odd", "", 'no runtime for "none-such" is configured'),
        ("gone", "", 'RuntimeClass "gone" not found'),
    ],
)
async def test_runtime(name: str | None, runtime: str, problem: str) -> None:
    pod = core_v1.Pod(spec=core_v1.PodSpec(runtime_class_name=name))
    if problem:
        with pytest.raises(DockerError, match=problem):
            await runtime_of(SERVICES, pod)
    else:
        assert await runtime_of(SERVICES, pod) == runtime
