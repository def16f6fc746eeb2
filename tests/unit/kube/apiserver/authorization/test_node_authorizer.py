"""Proves that a kubelet may read what its own pods need, only while they are there."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.authorization.node_authorizer import NodeAuthorizer, references
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Entry, WatchCache

NODE = User("system:node:n1", ("system:nodes",))


def pod(node: str) -> core_v1.Pod:
    made = core_v1.Pod()
    made.metadata.name, made.metadata.namespace = "p", "ns"
    source = core_v1.EnvVarSource(config_map_key_ref=core_v1.ConfigMapKeySelector(name="env", key="k"))
    made.spec = core_v1.PodSpec(
        node_name=node,
        service_account_name="sa",
        containers=[core_v1.Container(name="c", env=[core_v1.EnvVar(name="E", value_from=source)])],
        volumes=[
            core_v1.Volume(name="v", secret=core_v1.SecretVolumeSource(secret_name="s")),
            core_v1.Volume(name="w", persistent_volume_claim=core_v1.PersistentVolumeClaimVolumeSource(claim_name="pvc")),
        ],
    )
    return made


def made() -> tuple[WatchCache, NodeAuthorizer]:
    cache = WatchCache(None, lambda *_: ({}, {}))  # type: ignore[arg-type]
    return cache, NodeAuthorizer(cache)


def put(cache: WatchCache, obj: core_v1.Pod | None, version: int) -> None:
    entry = Entry("ns/p", version, codec.encode(obj), {}, {"spec.nodeName": obj.spec.node_name or ""}) if obj is not None else None
    cache.collection("core/pods").apply("ns/p", entry, version)


def read(resource: str, name: str, verb: str = "get", sub: str = "") -> Target:
    return Target(verb, "", "", "v1", resource, "ns", name, sub)


def test_references() -> None:
    assert set(references(pod("n1"))) == {
        ("serviceaccounts", "sa"),
        ("configmaps", "env"),
        ("secrets", "s"),
        ("persistentvolumeclaims", "pvc"),
    }


def test_rights_come_and_go_with_the_pod() -> None:
    cache, authorizer = made()
    wanted = [
        read("secrets", "s"),
        read("configmaps", "env", "watch"),
        read("persistentvolumeclaims", "pvc"),
        read("serviceaccounts", "sa", "create", "token"),
    ]
    assert not any(authorizer.allows(NODE, t) for t in wanted)
    put(cache, pod("n1"), 1)
    assert all(authorizer.allows(NODE, t) for t in wanted)
    assert not authorizer.allows(NODE, read("secrets", "other"))
    assert not authorizer.allows(NODE, read("secrets", "s", "update"))
    put(cache, None, 2)
    assert not any(authorizer.allows(NODE, t) for t in wanted)


def test_a_mirror_pod_refers_to_nothing() -> None:
    mirror = pod("n1")
    mirror.metadata.annotations = {"kubernetes.io/config.mirror": "hash"}
    assert list(references(mirror)) == []
    bare = core_v1.Pod(spec=core_v1.PodSpec(containers=[]))
    assert list(references(bare)) == []


def test_secrets_that_volumes_are_mounted_with() -> None:
    cache, authorizer = made()
    put(cache, pod("n1"), 1)
    stage, controller, azure = read("secrets", "stage"), read("secrets", "publish"), Target("get", "", "", "v1", "secrets", "other", "az")
    assert not authorizer.allows(NODE, stage)

    def volume(name: str, version: int, source: dict[str, Any] | None) -> None:
        spec = {"claimRef": {"namespace": "ns", "name": "pvc"}, **(source or {})}
        entry = Entry(name, version, msgspec.json.encode({"metadata": {"name": name}, "spec": spec}), {}, {}) if source else None
        cache.collection("core/persistentvolumes").apply(name, entry, version)

    refs = {
        "nodeStageSecretRef": {"name": "stage", "namespace": "ns"},
        "controllerPublishSecretRef": {"name": "publish", "namespace": "ns"},
    }
    volume("a", 2, {"csi": refs})
    volume("b", 3, {"azureFile": {"secretName": "az", "secretNamespace": "other"}})
    assert authorizer.allows(NODE, stage) and authorizer.allows(NODE, azure) and not authorizer.allows(NODE, controller)
    assert not authorizer.allows(User("system:node:n2", ("system:nodes",)), stage)
    volume("a", 4, None)
    assert not authorizer.allows(NODE, stage) and authorizer.allows(NODE, azure)
    put(cache, None, 5)
    assert not authorizer.allows(NODE, azure)


def test_secrets_of_a_pods_own_volumes() -> None:
    own = pod("n1")
    rbd = core_v1.RBDVolumeSource(secret_ref=core_v1.LocalObjectReference(name="r"))
    own.spec.volumes = [
        core_v1.Volume(name="a", azure_file=core_v1.AzureFileVolumeSource(secret_name="z")),
        core_v1.Volume(name="b", rbd=rbd),
    ]
    assert {("secrets", "z"), ("secrets", "r")} <= set(references(own))


def test_requests_for_pods_certificates_are_those_of_the_nodes_own_pods() -> None:
    cache, authorizer = made()
    requests = ("", "certificates.k8s.io", "v1beta1", "podcertificaterequests", "ns")
    entry = Entry("ns/mine", 1, b'{"spec":{"nodeName":"n1"}}', {}, {})
    cache.collection("certificates.k8s.io/podcertificaterequests").apply("ns/mine", entry, 1)
    assert authorizer.allows(NODE, Target("get", *requests, "mine")) and authorizer.allows(NODE, Target("create", *requests))
    assert not authorizer.allows(NODE, Target("get", *requests, "other")) and not authorizer.allows(
        NODE, Target("delete", *requests, "mine")
    )
    assert not authorizer.allows(NODE, Target("list", *requests))


def test_a_pod_of_another_node_gives_nothing() -> None:
    cache, authorizer = made()
    put(cache, pod("n2"), 1)
    assert not authorizer.allows(NODE, read("secrets", "s"))


def test_own_node_and_lease_only() -> None:
    _, authorizer = made()
    assert authorizer.allows(NODE, Target("patch", "", "", "v1", "nodes", "", "n1", "status"))
    assert not authorizer.allows(NODE, Target("patch", "", "", "v1", "nodes", "", "n2", "status"))
    lease = ("", "coordination.k8s.io", "v1", "leases", "kube-node-lease")
    assert authorizer.allows(NODE, Target("update", *lease, "n1"))
    assert not authorizer.allows(NODE, Target("update", *lease, "n2"))
    assert not authorizer.allows(User("system:node:n1"), Target("update", *lease, "n1"))
    assert not authorizer.allows(NODE, Target("get", "/healthz"))
