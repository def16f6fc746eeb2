"""Proves the defaults of every family of kinds, that they never overrule what is said, and that filling in twice is filling in once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated.openapi_facts import LINES
from provisioner.kube.api._generated.resources import RESOURCES, Resource
from provisioner.kube.api.defaults.pod import pull_policy


def filled(kind: str, document: dict[str, Any], version: str | None = None) -> dict[str, Any]:
    """The document with its defaults."""
    found = next(r for r in RESOURCES if r.kind == kind and version in (None, r.version))
    obj = codec.decode_dict(found.load(), document)
    defaults.apply(obj)
    once = copy.deepcopy(obj)
    defaults.apply(obj)
    assert obj == once
    return codec.to_dict(obj)


@pytest.mark.parametrize("found", RESOURCES, ids=lambda r: f"{r.group}/{r.version}/{r.plural}")
def test_every_kind_can_be_empty(found: Resource) -> None:
    obj = found.load()()
    defaults.apply(obj)
    once = copy.deepcopy(obj)
    defaults.apply(obj)
    assert obj == once


@pytest.mark.parametrize("found", [r for r in RESOURCES if "list" in r.verbs], ids=lambda r: f"{r.group}/{r.version}/{r.plural}")
def test_clients_find_what_a_status_must_have(found: Resource) -> None:
    """Who reads an object may write it back: older clients check that by what is required."""
    obj = found.load()()
    status = getattr(obj, "status", None)
    if status is not None:
        defaults.apply(obj)
        marks = LINES.get(f"{found.module}.{type(status).__name__}", "").split()
        assert {mark.partition("!")[0] for mark in marks if "!" in mark} <= set(codec.to_dict(status))


CONTAINER = {
    "name": "c",
    "image": "nginx",
    "imagePullPolicy": "Always",
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
POD_SPEC = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}


def test_a_pod() -> None:
    assert filled("Pod", {"spec": {"containers": [{"name": "c", "image": "nginx"}]}})["spec"] == {
        "containers": [CONTAINER],
        **POD_SPEC,
        "enableServiceLinks": True,
    }


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.25", "IfNotPresent"), ("host:5000/nginx", "Always"),
        ("host:5000/nginx:1", "IfNotPresent"), ("nginx@sha256:abc", "IfNotPresent"), ("nginx:latest@sha256:abc", "IfNotPresent"),
    ],
)  # fmt: skip
def test_images_of_a_mutable_tag_are_always_pulled(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_limits_are_requests_in_pods_but_not_in_templates() -> None:
    containers = [{"name": "c", "image": "x:1", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}}]
    pod = filled("Pod", {"spec": {"containers": containers}})
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}
    deployment = filled("Deployment", {"spec": {"template": {"spec": {"containers": containers}}}})
    assert deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "500m"}
    assert "enableServiceLinks" not in deployment["spec"]["template"]["spec"]


def test_probes_ports_variables_and_hooks() -> None:
    document = {
        "name": "c",
        "image": "x:1",
        "ports": [{"containerPort": 80}],
        "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "livenessProbe": {"httpGet": {"port": 80}, "timeoutSeconds": 5},
        "readinessProbe": {"grpc": {"port": 80}},
        "lifecycle": {"preStop": {"httpGet": {"port": 80}}},
    }
    container = filled("Pod", {"spec": {"hostNetwork": True, "containers": [document]}})["spec"]["containers"][0]
    assert container["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]
    assert container["env"][0]["valueFrom"]["fieldRef"] == {"apiVersion": "v1", "fieldPath": "metadata.name"}
    times = {"periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    assert container["livenessProbe"] == {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "timeoutSeconds": 5, **times}
    assert container["readinessProbe"] == {"grpc": {"port": 80, "service": ""}, "timeoutSeconds": 1, **times}
    assert container["lifecycle"]["preStop"]["httpGet"]["scheme"] == "HTTP"


def test_volumes() -> None:
    volumes = [
        {"name": "nothing"},
        {"name": "s", "secret": {"secretName": "x"}},
        {"name": "h", "hostPath": {"path": "/x"}},
        {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
        {"name": "d", "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    found = {v["name"]: v for v in filled("Pod", {"spec": {"volumes": volumes}})["spec"]["volumes"]}
    assert found["nothing"] == {"name": "nothing", "emptyDir": {}}
    assert found["s"]["secret"]["defaultMode"] == 420
    assert found["h"]["hostPath"] == {"path": "/x", "type": ""}
    assert found["p"]["projected"] == {"defaultMode": 420, "sources": [{"serviceAccountToken": {"expirationSeconds": 3600, "path": "t"}}]}
    assert found["d"]["downwardAPI"]["items"][0]["fieldRef"]["apiVersion"] == "v1"


def test_workloads() -> None:
    pod = {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"}
    nothing = {"metadata": {}, "spec": {**pod, "securityContext": {}, "terminationGracePeriodSeconds": 30}}
    assert filled("Deployment", {})["spec"] == {
        "template": nothing,
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"},
    }
    assert filled("Deployment", {"spec": {"replicas": 0, "strategy": {"type": "Recreate"}}})["spec"]["strategy"] == {"type": "Recreate"}
    assert filled("DaemonSet", {})["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    stateful = filled("StatefulSet", {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "d"}}]}})["spec"]
    assert stateful["podManagementPolicy"] == "OrderedReady"
    assert stateful["volumeClaimTemplates"][0]["spec"] == {"volumeMode": "Filesystem"}
    assert stateful["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_jobs() -> None:
    document = {"spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never"}}}}
    job = filled("Job", document)
    assert job["metadata"]["labels"] == {"a": "b"}
    wanted = {
        "backoffLimit": 6, "completionMode": "NonIndexed", "completions": 1, "manualSelector": False, "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed", "suspend": False,
    }  # fmt: skip
    assert {key: job["spec"][key] for key in wanted} == wanted
    assert "completions" not in filled("Job", {"spec": {"parallelism": 2}})["spec"]
    cron = filled("CronJob", {"spec": {"jobTemplate": document}})["spec"]
    assert (cron["concurrencyPolicy"], cron["suspend"], cron["successfulJobsHistoryLimit"], cron["failedJobsHistoryLimit"]) == (
        "Allow", False, 3, 1,
    )  # fmt: skip
    assert "backoffLimit" not in cron["jobTemplate"]["spec"]


def test_services() -> None:
    assert filled("Service", {"spec": {"ports": [{"port": 80}]}})["spec"] == {
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "sessionAffinity": "None",
        "type": "ClusterIP",
    }
    node_port = filled("Service", {"spec": {"type": "NodePort", "sessionAffinity": "ClientIP"}})["spec"]
    assert node_port["externalTrafficPolicy"] == "Cluster"
    assert node_port["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    name = filled("Service", {"spec": {"type": "ExternalName", "externalName": "x.y"}})["spec"]
    assert name == {"externalName": "x.y", "sessionAffinity": "None", "type": "ExternalName"}


def test_a_limit_range_fills_itself_from_its_bounds() -> None:
    limits = {"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "min": {"cpu": "1"}, "default": {"cpu": "1500m"}}
    item = filled("LimitRange", {"spec": {"limits": [limits]}})["spec"]["limits"][0]
    assert item["default"] == {"cpu": "1500m", "memory": "1Gi"}
    assert item["defaultRequest"] == {"cpu": "1500m", "memory": "1Gi"}


def test_the_small_kinds() -> None:
    assert filled("Namespace", {"metadata": {"name": "a"}})["metadata"]["labels"] == {"kubernetes.io/metadata.name": "a"}
    assert filled("Secret", {})["type"] == "Opaque"
    written = filled("Secret", {"data": {"a": "b2xk", "b": "a2VwdA=="}, "stringData": {"a": "new"}})
    assert written["data"] == {"a": "bmV3", "b": "a2VwdA=="}
    assert "stringData" not in written
    assert filled("NetworkPolicy", {"spec": {"egress": [{}]}})["spec"]["policyTypes"] == ["Ingress", "Egress"]
    binding = {"roleRef": {"name": "r"}, "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]}
    found = filled("RoleBinding", binding)
    assert found["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    assert [s.get("apiGroup", "") for s in found["subjects"]] == ["rbac.authorization.k8s.io", ""]
    assert filled("StorageClass", {}) | {"metadata": 0} == filled("StorageClass", {}) | {"metadata": 0, "reclaimPolicy": "Delete"}
    assert filled("PersistentVolumeClaim", {})["spec"] == {"volumeMode": "Filesystem"}
    crd = filled("CustomResourceDefinition", {"spec": {"names": {"kind": "Foo", "plural": "foos"}}})["spec"]
    assert crd["names"] == {"kind": "Foo", "listKind": "FooList", "plural": "foos", "singular": "foo"}
    assert crd["conversion"] == {"strategy": "None"}


def test_autoscalers_look_at_the_processor() -> None:
    spec = filled("HorizontalPodAutoscaler", {"spec": {"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}}, "v2")["spec"]
    assert spec["metrics"] == [
        {"resource": {"name": "cpu", "target": {"averageUtilization": 80, "type": "Utilization"}}, "type": "Resource"}
    ]
    assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert spec["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"


def test_webhooks_fail_closed() -> None:
    hook = filled("ValidatingWebhookConfiguration", {"webhooks": [{"name": "x", "rules": [{}]}]})["webhooks"][0]
    assert (hook["failurePolicy"], hook["matchPolicy"], hook["timeoutSeconds"], hook["rules"]) == (
        "Fail",
        "Equivalent",
        10,
        [{"scope": "*"}],
    )
    assert filled("MutatingWebhookConfiguration", {"webhooks": [{"name": "x"}]})["webhooks"][0]["reinvocationPolicy"] == "Never"


def test_a_nodes_range_has_two_names() -> None:
    for spec in ({"podCIDR": "10.0.0.0/24"}, {"podCIDRs": ["10.0.0.0/24"]}):
        assert filled("Node", {"spec": spec})["spec"] == {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"]}


@pytest.mark.parametrize(
    ("own", "container", "requests"),
    [
        ({"limits": {"cpu": "2", "memory": "1Gi"}}, {}, {"cpu": "2", "memory": "1Gi"}),
        ({"limits": {"cpu": "2"}}, {"requests": {"cpu": "500m", "memory": "1536Mi"}}, {"cpu": "500m", "memory": "1536Mi"}),
        ({"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}, {"limits": {"cpu": "1500m"}}, {"cpu": "1"}),
        ({"requests": {"cpu": "1"}}, {"requests": {"memory": "1Gi"}}, {"cpu": "1"}),
    ],
)
def test_a_pod_with_limits_asks_for_what_its_containers_ask_for(
    own: dict[str, Any], container: dict[str, Any], requests: dict[str, str]
) -> None:
    spec = {"containers": [{"name": "c", "image": "i", "resources": container}], "resources": own}
    assert filled("Pod", {"spec": spec})["spec"]["resources"]["requests"] == requests
