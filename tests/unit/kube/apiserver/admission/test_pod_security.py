"""Proves whom the Pod Security Standards are applied to: pods as they come, templates as a word of warning, namespaces that get stricter."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.pod_security import PREFIX, PodSecurity
from provisioner.kube.apiserver.admission.settings import PodSecurityConfiguration, PodSecurityExemptions
from provisioner.kube.apiserver.context import LOOPBACK, Call, User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Collection, Entry

EXEMPT = PodSecurityConfiguration(exemptions=PodSecurityExemptions(usernames=("boss",), runtime_classes=("vm",), namespaces=("free",)))


class Cache:
    """The namespace `ns` with its labels, and pods."""

    def __init__(self, *pods: core_v1.Pod, **labels: str) -> None:
        self.namespaces, self.pods = Collection(), Collection()
        for name in ("ns", "free"):
            self.namespaces.entries[name] = Entry(name, 1, b"{}", {PREFIX + k.replace("_", "-"): v for k, v in labels.items()}, {})
        for pod in pods:
            key = f"ns/{pod.metadata.name}"
            self.pods.apply(key, Entry(key, 1, codec.encode(pod), {}, {}), 1)

    def collection(self, kind: str) -> Collection:
        return self.namespaces if kind == "core/namespaces" else self.pods


def kind(stored_as: str) -> Any:
    return SimpleNamespace(stored_as=stored_as)


def call(resource: str = "pods", subresource: str = "", namespace: str = "ns", user: str = "") -> Call:
    return Call(User(user, ()) if user else LOOPBACK, Target("create", "/", "", "v1", resource, namespace, "p", subresource))


def pod(name: str = "p", image: str = "i", owner: str = "", **spec: Any) -> core_v1.Pod:
    owners = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": owner, "controller": True}] if owner else []
    found = {"metadata": {"name": name, "ownerReferences": owners}, "spec": {"containers": [{"name": "c", "image": image}], **spec}}
    return codec.decode_dict(core_v1.Pod, found)


def deployment(**spec: Any) -> apps_v1.Deployment:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}], **spec}}
    found = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    return codec.decode_dict(apps_v1.Deployment, found)


def plugin(*pods: core_v1.Pod, **labels: str) -> PodSecurity:
    return PodSecurity(Cache(*pods, **labels), EXEMPT)  # type: ignore[arg-type]


async def test_who_enforces_refuses_pods_and_notes_it() -> None:
    asked = call()
    with pytest.raises(StatusError, match=r'violates PodSecurity "baseline:v1.30": host namespaces \(hostNetwork=true\)') as refused:
        await plugin(enforce="baseline", enforce_version="v1.30").validate(asked, kind("core/pods"), pod(hostNetwork=True), None)
    assert refused.value.code == 403 and asked.annotations == {f"{PREFIX}enforce-policy": "baseline:v1.30"} and not asked.warnings


async def test_who_audits_and_warns_lets_pods_in() -> None:
    asked = call()
    await plugin(audit="baseline", warn="restricted").validate(asked, kind("core/pods"), pod(hostNetwork=True), None)
    assert asked.annotations == {
        f"{PREFIX}enforce-policy": "privileged:latest",
        f"{PREFIX}audit-violations": 'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    }
    assert [text.partition(":")[0] for text in asked.warnings] == ['would violate PodSecurity "restricted']


@pytest.mark.parametrize(
    ("labels", "warned"),
    [
        ({"enforce": "baseline"}, "baseline:latest"),
        ({"enforce": "baseline", "enforce_version": "v1.30"}, "baseline:v1.30"),
        ({"enforce": "baseline", "enforce_version": "v1.30", "warn_version": "v1.31"}, "baseline:v1.31"),
        ({"enforce": "baseline", "warn": "privileged"}, None),
        ({"enforce": "privileged"}, None),
        ({"warn": "unheard of"}, None),
        ({"enforce": "unheard of"}, "restricted:latest"),
    ],
)
async def test_who_enforces_warns_of_templates_too(labels: dict[str, str], warned: str | None) -> None:
    asked = call("deployments")
    await plugin(**labels).validate(asked, kind("apps/deployments"), deployment(hostNetwork=True), None)
    assert [text.split('"')[1] for text in asked.warnings] == ([warned] if warned else [])
    assert f"{PREFIX}enforce-policy" not in asked.annotations


@pytest.mark.parametrize(
    ("new", "refused"),
    [
        (pod(hostNetwork=True), False),
        (pod(hostNetwork=True, activeDeadlineSeconds=5), False),
        (pod(hostNetwork=True, image="other"), True),
        (pod(hostNetwork=True, ephemeralContainers=[{"name": "d", "image": "i"}]), True),
    ],
)
async def test_an_update_counts_where_it_could_matter(new: core_v1.Pod, refused: bool) -> None:
    asked = call()
    try:
        await plugin(enforce="baseline").validate(asked, kind("core/pods"), new, pod(hostNetwork=True))
        assert not refused
    except StatusError as error:
        assert refused and error.code == 403


@pytest.mark.parametrize(
    ("asked", "spec", "why"),
    [
        (call(namespace="free"), {}, "namespace"),
        (call(user="boss"), {}, "user"),
        (call(), {"runtimeClassName": "vm"}, "runtimeClass"),
        (call(subresource="status"), {}, None),
    ],
)
async def test_who_is_exempt(asked: Call, spec: dict[str, Any], why: str | None) -> None:
    await plugin(enforce="baseline").validate(asked, kind("core/pods"), pod(hostNetwork=True, **spec), None)
    assert asked.annotations == ({f"{PREFIX}exempt": why} if why else {})


def namespace(name: str = "ns", **labels: str) -> core_v1.Namespace:
    found = {"metadata": {"name": name, "labels": {PREFIX + key.replace("_", "-"): value for key, value in labels.items()}}}
    return codec.decode_dict(core_v1.Namespace, found)


async def test_a_stricter_namespace_tells_of_its_pods() -> None:
    pods = [
        pod("b", hostNetwork=True),
        pod("a", hostNetwork=True, owner="r"),
        pod("c", hostNetwork=True),
        pod("d", hostPID=True, hostIPC=True),
    ]
    pods += [pod("vm", hostNetwork=True, runtimeClassName="vm"), pod("good")]
    asked = call("namespaces")
    await plugin(*pods).validate(asked, kind("core/namespaces"), namespace(enforce="baseline"), namespace())
    assert asked.warnings == [
        'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 3 other pods): host namespaces",
    ]


async def test_one_pod_of_each_controller_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.kube.apiserver.admission.pod_security.PODS_LOOKED_AT", 2)
    pods = [pod("a", owner="r"), pod("b", owner="r"), pod("c", hostNetwork=True)]
    asked = call("namespaces")
    await plugin(*pods).validate(asked, kind("core/namespaces"), namespace(enforce="baseline"), namespace())
    assert asked.warnings[0] == "new PodSecurity enforce level only checked against the first 2 of 3 existing pods"
    assert asked.warnings[2] == "c: host namespaces"


@pytest.mark.parametrize(
    ("new", "old", "counts"),
    [
        (namespace(enforce="baseline"), namespace(enforce="restricted"), False),
        (namespace(enforce="baseline", enforce_version="v1.20"), namespace(enforce="restricted"), True),
        (namespace(enforce="privileged"), namespace(enforce="restricted"), False),
        (namespace(enforce="baseline"), namespace(enforce="baseline", warn="restricted"), False),
    ],
)
async def test_a_namespace_that_is_no_stricter_says_nothing(new: core_v1.Namespace, old: core_v1.Namespace, counts: bool) -> None:
    asked = call("namespaces")
    await plugin(pod("a", hostNetwork=True)).validate(asked, kind("core/namespaces"), new, old)
    assert bool(asked.warnings) is counts


@pytest.mark.parametrize("old", [None, namespace("free")])
async def test_an_exempt_namespace_is_told_that_its_labels_are_ignored(old: core_v1.Namespace | None) -> None:
    asked = call("namespaces", namespace="free")
    await plugin().validate(asked, kind("core/namespaces"), namespace("free", enforce="baseline", warn_version="v1.3"), old)
    policy = "enforce=baseline:latest, warn=baseline:v1.3"
    assert asked.warnings == [f'namespace "free" is exempt from Pod Security, and the policy ({policy}) will be ignored']


async def test_labels_must_be_right() -> None:
    with pytest.raises(StatusError, match=r'must be "latest" or "v1.x"') as refused:
        await plugin().validate(call("namespaces"), kind("core/namespaces"), namespace(enforce="b", audit_version="1"), namespace(warn="x"))
    assert refused.value.code == 422 and "must be one of privileged, baseline, restricted" in str(refused.value)
    await plugin().validate(call("namespaces"), kind("core/namespaces"), namespace(warn="x"), namespace(warn="x"))
