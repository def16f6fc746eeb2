"""Proves which container's log is meant, and what is said when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.runtime.containers import Container, view
from provisioner.kube.kubelet.runtime.docker_types import Inspect, InspectConfig, State
from provisioner.kube.kubelet.server.logs import LogOptions, choose


def pod(reason: str = "") -> core_v1.Pod:
    status = {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": reason}}}]} if reason else {}
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}, "status": status})


def attempt(number: int, status: str = "running") -> Container:
    labels = {
        "io.kubernetes.pod.uid": "u",
        "io.kubernetes.container.name": "c",
        "annotation.io.kubernetes.container.restartCount": str(number),
    }
    found = view(Inspect(id=f"c{number}", state=State(status=status, running=status == "running"), config=InspectConfig(labels=labels)))
    assert found is not None
    return found


def test_the_newest_or_the_one_before() -> None:
    both = [attempt(0, "exited"), attempt(1)]
    assert choose(pod(), "c", both, previous=False).id == "c1"
    assert choose(pod(), "c", both, previous=True).id == "c0"


@pytest.mark.parametrize(
    ("name", "reason", "containers", "previous", "status", "text"),
    [
        ("other", "", [], False, 404, 'container "other" not found in pod "p"'),
        ("c", "", [], False, 400, 'container "c" in pod "p" is waiting to start: ContainerCreating'),
        ("c", "ImagePullBackOff", [], False, 400, "is waiting to start: trying and failing to pull image"),
        ("c", "CreateContainerConfigError", [], False, 400, "is waiting to start: CreateContainerConfigError"),
        ("c", "", [attempt(0)], True, 400, 'previous terminated container "c" in pod "p" not found'),
    ],
)
def test_no_log(name: str, reason: str, containers: list[Container], previous: bool, status: int, text: str) -> None:
    with pytest.raises(web.HTTPException) as error:
        choose(pod(reason), name, containers, previous=previous)
    assert error.value.status == status and text in (error.value.text or "")


def options(query: str) -> Any:
    return LogOptions.of(make_mocked_request("GET", f"/?{query}"))


def test_options() -> None:
    found = options("tailLines=5&timestamps=true&follow=true&limitBytes=10&sinceTime=2026-01-01T00:00:00Z&previous=true")
    assert found.docker == {"tail": "5", "since": "1767225600.000000", "follow": "true", "timestamps": "true"}
    assert found.limit_bytes == 10 and found.previous


@pytest.mark.parametrize("query", ["tailLines=x", "tailLines=-1", "sinceTime=yesterday"])
def test_impossible_options(query: str) -> None:
    with pytest.raises(web.HTTPUnprocessableEntity):
        options(query)
