"""Proves what writes may change: status against spec, generations, what is the server's, grace periods, and what selectors may ask."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated.resources import RESOURCES, Resource
from provisioner.kube.api.strategies import Strategy, strategy_of


def resource(kind: str, group: str | None = None) -> Resource:
    return next(r for r in RESOURCES if r.kind == kind and (group is None or r.group == group))


def strategy(kind: str, group: str | None = None) -> Strategy:
    return strategy_of(resource(kind, group))


def made(kind: str, document: dict[str, Any], group: str | None = None) -> Any:
    return codec.decode_dict(resource(kind, group).load(), document)


def test_a_new_object_has_no_status_of_its_own() -> None:
    deployment = made("Deployment", {"status": {"replicas": 3}})
    strategy("Deployment").prepare_create(deployment)
    assert deployment.status.replicas is None
    assert deployment.metadata.generation == 1


def test_a_node_brings_its_status_and_has_no_generation() -> None:
    node = made("Node", {"metadata": {"generation": 5}, "status": {"phase": "x"}})
    strategy("Node").prepare_create(node)
    assert (node.status.phase, node.metadata.generation) == ("x", None)


def test_a_node_is_not_configured_by_way_of_the_api() -> None:
    source = {"configMap": {"namespace": "n", "name": "c", "kubeletConfigKey": "k"}}
    document = {"spec": {"configSource": source}, "status": {"config": {"assigned": source}}}
    node, new = made("Node", document), made("Node", document)
    strategy("Node").prepare_create(node)
    assert (node.spec.config_source, node.status.config) == (None, None)
    strategy("Node").prepare_update(new, node)
    assert new.spec.config_source is None


def test_a_new_pod_is_pending_with_its_class() -> None:
    pod = made("Pod", {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}})
    strategy("Pod").prepare_create(pod)
    assert (pod.status.phase, pod.status.qos_class, pod.metadata.generation) == ("Pending", "Guaranteed", 1)


def test_a_pod_with_gates_says_so() -> None:
    pod = made("Pod", {"spec": {"schedulingGates": [{"name": "x/y"}]}})
    strategy("Pod").prepare_create(pod)
    assert [(c.type, c.status, c.reason) for c in pod.status.conditions] == [("PodScheduled", "False", "SchedulingGated")]


def test_a_namespace_waits_for_its_contents() -> None:
    namespace = made("Namespace", {"spec": {"finalizers": ["x/y"]}})
    strategy("Namespace").prepare_create(namespace)
    assert namespace.spec.finalizers == ["x/y", "kubernetes"]
    new = made("Namespace", {"spec": {}})
    strategy("Namespace").prepare_update(new, namespace)
    assert new.spec.finalizers == ["x/y", "kubernetes"]


def test_a_new_definition_says_what_is_stored_and_that_it_has_no_names_yet() -> None:
    versions = [{"name": "v1", "storage": False}, {"name": "v2", "storage": True}]
    definition = made("CustomResourceDefinition", {"spec": {"versions": versions}, "status": {"conditions": [{"type": "Established"}]}})
    strategy("CustomResourceDefinition").prepare_create(definition)
    assert codec.to_dict(definition)["status"] == {"acceptedNames": {"plural": "", "kind": ""}, "storedVersions": ["v2"]}


def test_a_job_selects_its_pods_by_its_uid() -> None:
    job = made("Job", {"metadata": {"name": "pi", "uid": "u1"}, "spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})
    for _ in range(2):
        strategy("Job").prepare_create(job)
    labels = {"a": "b", "controller-uid": "u1", "job-name": "pi"}
    labels |= {"batch.kubernetes.io/controller-uid": "u1", "batch.kubernetes.io/job-name": "pi"}
    assert job.spec.template.metadata.labels == labels
    assert job.spec.selector.match_labels == {"batch.kubernetes.io/controller-uid": "u1"}
    assert job.metadata.labels == labels


def test_a_manual_selector_is_left_alone() -> None:
    job = made("Job", {"spec": {"manualSelector": True, "selector": {"matchLabels": {"x": "y"}}, "template": {}}})
    strategy("Job").prepare_create(job)
    assert job.spec.selector.match_labels == {"x": "y"}


def test_an_update_keeps_the_servers_fields_and_the_status() -> None:
    old = made(
        "Deployment",
        {
            "metadata": {"name": "a", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 4},
            "spec": {"replicas": 1},
            "status": {"replicas": 1},
        },
    )
    new = made(
        "Deployment", {"metadata": {"name": "a", "uid": "other", "generation": 9}, "spec": {"replicas": 2}, "status": {"replicas": 7}}
    )
    strategy("Deployment").prepare_update(new, old)
    assert (new.metadata.uid, new.metadata.creation_timestamp) == ("u", "2026-01-01T00:00:00Z")
    assert new.status.replicas == 1
    assert new.metadata.generation == 5


@pytest.mark.parametrize(
    ("kind", "change", "bumped"),
    [
        ("Deployment", {}, False),
        ("Deployment", {"metadata": {"labels": {"a": "b"}}}, False),
        ("Deployment", {"metadata": {"annotations": {"a": "b"}}}, True),
        ("DaemonSet", {"metadata": {"annotations": {"a": "b"}}}, False),
        ("EndpointSlice", {"endpoints": [{"addresses": ["10.0.0.1"]}]}, True),
        ("ValidatingWebhookConfiguration", {"webhooks": [{"name": "x"}]}, True),
    ],
)
def test_what_makes_a_new_generation(kind: str, change: dict[str, Any], bumped: bool) -> None:
    old = made(kind, {"metadata": {"generation": 1}})
    new = made(kind, {**change, "metadata": {"generation": 1, **change.get("metadata", {})}})
    strategy(kind).prepare_update(new, old)
    assert new.metadata.generation == (2 if bumped else 1)


def test_a_status_update_changes_nothing_else() -> None:
    old = made("Deployment", {"metadata": {"labels": {"a": "1"}, "finalizers": ["x/y"]}, "spec": {"replicas": 1}})
    new = made("Deployment", {"metadata": {"labels": {"a": "2"}}, "spec": {"replicas": 5}, "status": {"replicas": 3}})
    strategy("Deployment").prepare_status_update(new, old)
    assert (new.spec.replicas, new.status.replicas, new.metadata.labels) == (1, 3, {"a": "1"})


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("Service", False), ("Ingress", False), ("CronJob", False), ("Namespace", False), ("FlowSchema", True), ("VolumeAttachment", True)],
)
def test_most_kinds_take_metadata_through_status(kind: str, kept: bool) -> None:
    old = made(kind, {"metadata": {"annotations": {"a": "1"}, "finalizers": ["x/y"]}})
    new = made(kind, {"metadata": {"annotations": {"a": "2"}, "finalizers": ["x/y", "x/z"]}})
    strategy(kind).prepare_status_update(new, old)
    assert (new.metadata.annotations, new.metadata.finalizers) == (({"a": "1"}, ["x/y"]) if kept else ({"a": "2"}, ["x/y", "x/z"]))


def test_a_kubelet_may_label_its_pods_through_status_but_not_change_their_class() -> None:
    old = made("Pod", {"status": {"qosClass": "Burstable"}})
    new = made("Pod", {"metadata": {"labels": {"a": "b"}}, "status": {"qosClass": "BestEffort", "phase": "Running"}})
    strategy("Pod").prepare_status_update(new, old)
    assert (new.metadata.labels, new.status.qos_class, new.status.phase) == ({"a": "b"}, "Burstable", "Running")


@pytest.mark.parametrize(
    ("document", "asked_s", "expected_s"),
    [
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, None, 30),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, 5, 5),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, 0, 0),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": -3}}, None, 1),
        ({"spec": {"terminationGracePeriodSeconds": 30}}, None, 0),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}, "status": {"phase": "Succeeded"}}, None, 0),
    ],
)
def test_pods_on_a_node_get_time_to_stop(document: dict[str, Any], asked_s: int | None, expected_s: int) -> None:
    assert strategy("Pod").grace_period_s(made("Pod", document), asked_s) == expected_s


def test_other_kinds_go_at_once() -> None:
    assert strategy("Service").grace_period_s(made("Service", {}), 30) == 0


def test_selectable_fields() -> None:
    pod = made(
        "Pod", {"metadata": {"name": "p", "namespace": "d"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running", "podIP": "1.2.3.4"}}
    )
    fields = strategy("Pod").selectable_fields(pod)
    assert {k: v for k, v in fields.items() if v} == {
        "metadata.name": "p", "metadata.namespace": "d", "spec.nodeName": "n", "spec.hostNetwork": "false",
        "status.phase": "Running", "status.podIP": "1.2.3.4", "spec.host": "n",
    }  # fmt: skip
    assert "involvedObject.name" in strategy("Event", "").field_names()
    assert "regarding.name" in strategy("Event", "events.k8s.io").field_names()
    assert strategy("ClusterRole").field_names() == {"metadata.name"}


@pytest.mark.parametrize("found", [r for r in RESOURCES if "create" in r.verbs], ids=lambda r: f"{r.group}/{r.version}/{r.plural}")
def test_every_kind_goes_through_create_and_update(found: Resource) -> None:
    kind = found.load()
    if not hasattr(kind(), "metadata"):
        return
    obj = kind()
    strategy_of(found).prepare_create(obj)
    new = kind()
    strategy_of(found).prepare_update(new, obj)
    assert new == obj
    if strategy_of(found).has_status:
        strategy_of(found).prepare_status_update(new, obj)
        assert new == obj


def test_a_service_of_another_type_drops_what_only_its_old_one_had() -> None:
    spec: dict[str, Any] = {
        "type": "LoadBalancer",
        "ports": [{"port": 80, "nodePort": 30080}],
        "allocateLoadBalancerNodePorts": True,
        "externalTrafficPolicy": "Local",
        "healthCheckNodePort": 30081,
    }
    old, new = (made("Service", {"metadata": {"name": "s"}, "spec": {**spec, **more}}) for more in ({}, {"type": "ClusterIP"}))
    strategy("Service").prepare_update(new, old)
    assert codec.to_dict(new)["spec"] == {"type": "ClusterIP", "ports": [{"port": 80}]}
