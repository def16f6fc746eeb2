"""Proves the variables of a container: services, references, expansion, and what is said about those that are missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import ContainerRefused
from provisioner.kube.kubelet.pod.downward import Place
from provisioner.kube.kubelet.pod.environment import environment, expand, expand_whole, service_variables

PLACE = Place("node-1", "10.0.0.1", "10.244.0.2", {"cpu": 2000, "memory": 4 * 1024**3})


class Objects:
    """One ConfigMap and one Secret."""

    async def config_map(self, namespace: str, name: str) -> core_v1.ConfigMap | None:
        return core_v1.ConfigMap(data={"a": "1", "b=c": "odd"}) if (namespace, name) == ("d", "cm") else None

    async def secret(self, namespace: str, name: str) -> core_v1.Secret | None:
        return codec.decode_dict(core_v1.Secret, {"data": {"password": "czNjcmV0"}}) if name == "s" else None


async def variables(container: dict[str, Any], services: dict[str, str] | None = None) -> dict[str, str]:
    body = {
        "metadata": {"name": "p", "namespace": "d", "labels": {"app": "shop"}, "annotations": {"x": 'say "hi"'}},
        "spec": {"containers": [container]},
    }
    pod = codec.decode_dict(core_v1.Pod, body)
    assert pod.spec.containers
    return await environment(pod, pod.spec.containers[0], PLACE, Objects(), services or {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$(A)", "1"), ("$(B)", "$(B)"), ("$$(A)", "$(A)"), ("$A $(A)x", "$A 1x"), ("$$$(A)", "$1"), ("$(", "$("), ("a$$b", "a$b")],
)
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


@pytest.mark.parametrize(
    ("ref", "value"),
    [
        ({"path": "vars", "key": "ONE"}, "1"),
        ({"path": "vars", "key": "TWO"}, "two words"),
        ({"path": "vars", "key": "THREE"}, "#3"),
        ({"path": "vars", "key": "FOUR", "optional": True}, None),
        ({"path": "gone", "key": "ONE", "optional": True}, None),
        ({"path": "vars", "key": "FOUR"}, ContainerRefused("", 'key "FOUR" not found in file "vars"')),
        ({"path": "gone", "key": "ONE"}, ContainerRefused("", 'env file "gone" of volume "v" not found')),
        ({"path": "../secret", "key": "ONE"}, ContainerRefused("", 'env file "../secret"')),
    ],
)
async def test_variables_out_of_files(tmp_path: Path, ref: dict[str, Any], value: str | ContainerRefused | None) -> None:
    (tmp_path / "secret").write_text("ONE=stolen\n")
    (tmp_path / "v").mkdir()
    (tmp_path / "v/vars").write_text("# made by an init container\nONE=1\nTWO='two words'\n  THREE=\"#3\"\nFOUR='unfinished\n")
    container = {"name": "c", "env": [{"name": "X", "valueFrom": {"fileKeyRef": {"volumeName": "v", **ref}}}]}
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "namespace": "d"}, "spec": {"containers": [container]}})
    made = environment(pod, (pod.spec.containers or [])[0], PLACE, Objects(), {}, {"v": tmp_path / "v"}.get)
    if isinstance(value, ContainerRefused):
        with pytest.raises(ContainerRefused, match=value.message):
            await made
    else:
        assert (await made).get("X") == value


def service(name: str, namespace: str = "d", **spec: Any) -> core_v1.Service:
    return codec.decode_dict(core_v1.Service, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})


def test_services_become_docker_link_variables() -> None:
    web = service(
        "web-1",
        clusterIP="10.96.0.5",
        ports=[{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}],
    )
    found = service_variables([web], "d", links=True)
    assert found["WEB_1_SERVICE_HOST"] == "10.96.0.5" and found["WEB_1_SERVICE_PORT"] == "80" and found["WEB_1_SERVICE_PORT_DNS"] == "53"
    assert found["WEB_1_PORT"] == found["WEB_1_PORT_80_TCP"] == "tcp://10.96.0.5:80"
    assert found["WEB_1_PORT_53_UDP_ADDR"] == "10.96.0.5" and found["WEB_1_PORT_53_UDP_PROTO"] == "udp"


def test_only_services_with_an_address_in_the_pods_namespace_and_the_api_servers() -> None:
    port = [{"port": 1}]
    every = [
        service("kubernetes", "default", clusterIP="10.96.0.1", ports=port),
        service("headless", clusterIP="None", ports=port),
        service("other", "elsewhere", clusterIP="10.96.0.7", ports=port),
        service("mine", clusterIP="10.96.0.8", ports=port),
    ]
    assert {k for k in service_variables(every, "d", links=True) if k.endswith("_HOST")} == {"KUBERNETES_SERVICE_HOST", "MINE_SERVICE_HOST"}
    assert {k for k in service_variables(every, "d", links=False) if k.endswith("_HOST")} == {"KUBERNETES_SERVICE_HOST"}


async def test_later_variables_see_earlier_ones_and_win_over_services() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(S)"}, {"name": "S", "value": "own"}, {"name": "C", "value": "$(S)"}]
    assert await variables({"name": "c", "env": env}, {"S": "service"}) == {"S": "own", "A": "1", "B": "1service", "C": "own"}


async def test_references() -> None:
    env = [
        {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "a"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "NOTES", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "MILLI", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}},
        {"name": "GONE", "valueFrom": {"secretKeyRef": {"name": "none", "key": "x", "optional": True}}},
    ]
    found = await variables({"name": "c", "env": env, "resources": {"requests": {"cpu": "1500m"}}})
    expected = {"KEY": "1", "PASSWORD": "s3cret", "NODE": "node-1", "APP": "shop", "NOTES": 'x="say \\"hi\\""', "CPU": "2", "MILLI": "1500"}
    assert found == expected


async def test_whole_objects_with_a_prefix_leave_out_names_that_are_none() -> None:
    found = await variables({"name": "c", "envFrom": [{"prefix": "P_", "configMapRef": {"name": "cm"}}, {"secretRef": {"name": "s"}}]})
    assert found == {"P_a": "1", "password": "s3cret"}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
        ({"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]}, 'secret "none" not found'),
        ({"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}}]}, "couldn't find key k in ConfigMap d/cm"),
        ({"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]}, "unsupported fieldPath: status.phase"),
    ],
)
async def test_what_is_missing_is_named(container: dict[str, Any], message: str) -> None:
    with pytest.raises(ContainerRefused) as refused:
        await variables({"name": "c", **container})
    assert (refused.value.reason, refused.value.message) == ("CreateContainerConfigError", message)


def test_a_sub_path_names_only_what_there_is() -> None:
    assert expand_whole("$(A)/$$(B)", {"A": "x"}) == "x/$(B)"
    with pytest.raises(ContainerRefused, match="missing value for 'B'"):
        expand_whole("$(A)/$(B)", {"A": "x"})
