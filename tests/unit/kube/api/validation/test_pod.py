"""Proves what is refused of pods, by path and reason: one thing wrong at a time in a pod that is otherwise right; and what updates may change."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation import pod, validate_create, validate_update

RIGHT: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "default", "labels": {"app.kubernetes.io/name": "web"}},
    "spec": {
        "initContainers": [
            {"name": "init", "image": "busybox:1"},
            {"name": "sidecar", "image": "proxy:1", "restartPolicy": "Always", "livenessProbe": {"tcpSocket": {"port": 1}}},
        ],
        "containers": [
            {
                "name": "web",
                "image": "nginx:1",
                "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}],
                "env": [
                    {"name": "A", "value": "x"},
                    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                    {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}}},
                    {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
                ],
                "envFrom": [{"prefix": "X_", "configMapRef": {"name": "c"}}],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi", "example.com/gpu": "2"}, "requests": {"cpu": "500m"}},
                "livenessProbe": {"httpGet": {"port": "http"}},
                "readinessProbe": {"exec": {"command": ["true"]}, "successThreshold": 2},
                "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
                "securityContext": {"runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
                "volumeMounts": [
                    {"name": "data", "mountPath": "/data", "subPath": "a/b"},
                    {"name": "token", "mountPath": "/var/run/x", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
            {
                "name": "token",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                        {"configMap": {"name": "ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
                    ]
                },
            },
            {"name": "host", "hostPath": {"path": "/var/log", "type": "Directory"}},
        ],
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"operator": "Exists"},
        ],
        "nodeSelector": {"disk": "ssd"},
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}, {"key": "c", "operator": "Gt", "values": ["3"]}]},
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]},
                    ]
                }
            },
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 100, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}}
                ]
            },
        },
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "dnsConfig": {"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "2"}]},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a.b"]}],
        "securityContext": {"fsGroup": 100, "sysctls": [{"name": "net.core.somaxconn", "value": "1"}]},
    },
}  # fmt: skip


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted path; "!" removes it."""
    made = copy.deepcopy(document)
    at: Any = made
    *parents, last = path.split(".")
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    if isinstance(at, list):
        at.append(value) if last == "+" else at.__setitem__(int(last), value)
    elif value == "!":
        at.pop(last, None)
    else:
        at[last] = value
    return made


def made(document: dict[str, Any]) -> core_v1.Pod:
    found = codec.decode_dict(core_v1.Pod, document)
    defaults.apply(found)
    return found


def refusals(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error.field, error.message) for error in validate_create(made(document))]


def test_a_right_pod_is_right() -> None:
    assert refusals(RIGHT) == []


C = "spec.containers.0"


@pytest.mark.parametrize(
    ("path", "value", "field", "message"),
    [
        ("metadata.name", "Web", "metadata.name", 'Invalid value: "Web": a lowercase RFC 1123 subdomain'),
        ("metadata.labels", {"a b": "c"}, "metadata.labels", "name part must consist of"),
        ("metadata.labels", {"a": "-"}, "metadata.labels", "a valid label must be"),
        ("spec.containers", "!", "spec.containers", "Required value"),
        (f"{C}.name", "!", "spec.containers[0].name", "Required value"),
        (f"{C}.name", "init", "spec.initContainers[0].name", 'Duplicate value: "init"'),
        (f"{C}.image", "", "spec.containers[0].image", "Required value"),
        (f"{C}.image", " x", "spec.containers[0].image", "must not have leading or trailing whitespace"),
        (f"{C}.imagePullPolicy", "Sometimes", "spec.containers[0].imagePullPolicy", 'supported values: "Always", "IfNotPresent", "Never"'),
        (f"{C}.ports.0.containerPort", 70000, "spec.containers[0].ports[0].containerPort", "must be between 1 and 65535, inclusive"),
        (f"{C}.ports.0.containerPort", "!", "spec.containers[0].ports[0].containerPort", "Required value"),
        (f"{C}.ports.0.name", "a_b", "spec.containers[0].ports[0].name", "must contain only alpha-numeric"),
        (f"{C}.ports.1.name", "http", "spec.containers[0].ports[1].name", 'Duplicate value: "http"'),
        (f"{C}.ports.0.protocol", "ICMP", "spec.containers[0].ports[0].protocol", 'Unsupported value: "ICMP"'),
        (f"{C}.env.0.name", "", "spec.containers[0].env[0].name", "Required value"),
        (f"{C}.env.1.value", "x", "spec.containers[0].env[1].valueFrom", "may not be specified when `value` is not empty"),
        (f"{C}.env.1.valueFrom", {}, "spec.containers[0].env[1].valueFrom", "must specify one of"),
        (
            f"{C}.env.1.valueFrom.fieldRef.fieldPath", "spec.nope",
            "spec.containers[0].env[1].valueFrom.fieldRef.fieldPath", 'Invalid value: "spec.nope": error converting fieldPath: field label not supported: spec.nope',
        ),
        (f"{C}.env.4.valueFrom.secretKeyRef.key", "a/b", "spec.containers[0].env[4].valueFrom.secretKeyRef.key", "a valid config key"),
        (f"{C}.resources.requests.cpu", "2", "spec.containers[0].resources.requests", 'Invalid value: "2": must be less than or equal to cpu limit of 1'),
        (f"{C}.resources.requests.cpu", "-1", "spec.containers[0].resources.requests[cpu]", "must be greater than or equal to 0"),
        (f"{C}.resources.limits.memory", "lots", "spec.containers[0].resources.limits[memory]", "quantities must match"),
        (f"{C}.resources.limits.gpu", "1", "spec.containers[0].resources.limits[gpu]", "must be a standard resource type or fully qualified"),
        (f"{C}.resources.requests", {"example.com/gpu": "1"}, "spec.containers[0].resources.requests", "must be equal to example.com/gpu limit of 2"),
        (f"{C}.resources.requests", {"example.com/x": "1"}, "spec.containers[0].resources.limits", "Limit must be set for non overcommitable resources"),
        (f"{C}.livenessProbe", {}, "spec.containers[0].livenessProbe", "must specify a handler type"),
        (f"{C}.livenessProbe.tcpSocket", {"port": 1}, "spec.containers[0].livenessProbe.tcpSocket", "may not specify more than 1 handler type"),
        (f"{C}.livenessProbe.successThreshold", 2, "spec.containers[0].livenessProbe.successThreshold", "must be 1"),
        (f"{C}.livenessProbe.periodSeconds", -1, "spec.containers[0].livenessProbe.periodSeconds", "must be greater than or equal to 0"),
        (f"{C}.livenessProbe.httpGet.port", 0, "spec.containers[0].livenessProbe.httpGet.port", "must be between 1 and 65535, inclusive"),
        (f"{C}.readinessProbe.terminationGracePeriodSeconds", 3, "spec.containers[0].readinessProbe.terminationGracePeriodSeconds", "must not be set"),
        (f"{C}.readinessProbe.exec.command", [], "spec.containers[0].readinessProbe.exec.command", "Required value"),
        (f"{C}.securityContext.runAsUser", -1, "spec.containers[0].securityContext.runAsUser", "must be between 0 and 2147483647, inclusive"),
        (
            f"{C}.securityContext", {"privileged": True, "allowPrivilegeEscalation": False},
            "spec.containers[0].securityContext", "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        ),
        (f"{C}.volumeMounts.0.name", "nope", "spec.containers[0].volumeMounts[0].name", 'Not found: "nope"'),
        (f"{C}.volumeMounts.1.mountPath", "/data", "spec.containers[0].volumeMounts[1].mountPath", "must be unique"),
        (f"{C}.volumeMounts.0.subPath", "../x", "spec.containers[0].volumeMounts[0].subPath", "must not contain '..'"),
        (f"{C}.volumeMounts.0.subPath", "/x", "spec.containers[0].volumeMounts[0].subPath", "must be a relative path"),
        ("spec.initContainers.0.lifecycle", {}, "spec.initContainers[0].lifecycle", "may not be set for init containers"),
        ("spec.volumes.0.hostPath", {"path": "/x"}, "spec.volumes[0].hostPath", "may not specify more than 1 volume type"),
        ("spec.volumes.1.name", "data", "spec.volumes[1].name", 'Duplicate value: "data"'),
        ("spec.volumes.2.hostPath.path", "/a/../b", "spec.volumes[2].hostPath.path", "must not contain '..'"),
        ("spec.volumes.2.hostPath.type", "Pipe", "spec.volumes[2].hostPath.type", 'Unsupported value: "Pipe"'),
        ("spec.volumes.+", {"name": "s", "secret": {}}, "spec.volumes[3].secret.secretName", "Required value"),
        ("spec.volumes.+", {"name": "s", "secret": {"secretName": "x", "defaultMode": 512}}, "spec.volumes[3].secret.defaultMode", "0777 (octal)"),
        ("spec.volumes.1.projected.sources.0.serviceAccountToken.expirationSeconds", 60,
         "spec.volumes[1].projected.sources[0].serviceAccountToken.expirationSeconds", "may not specify a duration less than 10 minutes"),
        ("spec.restartPolicy", "Maybe", "spec.restartPolicy", 'Unsupported value: "Maybe"'),
        ("spec.dnsPolicy", "Some", "spec.dnsPolicy", "Unsupported value"),
        ("spec.activeDeadlineSeconds", 0, "spec.activeDeadlineSeconds", "must be between 1 and 2147483647, inclusive"),
        ("spec.tolerations.1.key", "a b", "spec.tolerations[1].key", "name part must consist of"),
        ("spec.tolerations.1", {"effect": "NoExecute"}, "spec.tolerations[1].operator", "operator must be Exists when `key` is empty"),
        ("spec.tolerations.0.effect", "NoSchedule", "spec.tolerations[0].effect", "effect must be 'NoExecute' when `tolerationSeconds` is set"),
        ("spec.topologySpreadConstraints.0.maxSkew", 0, "spec.topologySpreadConstraints[0].maxSkew", "must be greater than zero"),
        ("spec.topologySpreadConstraints.0.topologyKey", "", "spec.topologySpreadConstraints[0].topologyKey", "can not be empty"),
        (
            "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.weight", 101,
            "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight", "must be in the range 1-100",
        ),
        (
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", [],
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", "at least one node selector term",
        ),
        ("spec.dnsConfig.nameservers", ["x"], "spec.dnsConfig.nameservers[0]", "must be a valid IP address"),
        ("spec.dnsConfig.nameservers", ["1.1.1.1"] * 4, "spec.dnsConfig.nameservers", "must not have more than 3 nameservers"),
        ("spec.ephemeralContainers", [{"name": "debug", "image": "x"}], "spec.ephemeralContainers", "cannot be set on create"),
        ("spec.hostname", "A", "spec.hostname", "RFC 1123 label"),
        ("spec.tolerations.0.operator", "Gt", "spec.tolerations[0].operator", 'Unsupported value: "Gt": supported values: "Equal", "Exists"'),
        ("spec.topologySpreadConstraints.0.minDomains", 0, "spec.topologySpreadConstraints[0].minDomains", "must be greater than zero"),
        ("spec.topologySpreadConstraints.+",
         {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2, "matchLabelKeys": ["v"]},
         "spec.topologySpreadConstraints[1].minDomains", "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"),
        ("spec.topologySpreadConstraints.+",
         {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule", "matchLabelKeys": ["v"]},
         "spec.topologySpreadConstraints[1].matchLabelKeys", "must not be specified when labelSelector is not set"),
        ("spec.affinity.podAffinity",
         {"requiredDuringSchedulingIgnoredDuringExecution":
          [{"topologyKey": "z", "labelSelector": {}, "matchLabelKeys": ["v"], "mismatchLabelKeys": ["v"]}]},
         "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys[0]",
         "exists in both matchLabelKeys and mismatchLabelKeys"),
        ("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
         [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]}],
         "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values",
         "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
        ("spec.preemptionPolicy", "Maybe", "spec.preemptionPolicy", 'supported values: "PreemptLowerPriority", "Never"'),
        ("spec.securityContext", {"supplementalGroupsPolicy": "X"}, "spec.securityContext.supplementalGroupsPolicy", '"Merge", "Strict"'),
        ("spec.securityContext", {"seLinuxChangePolicy": "X"}, "spec.securityContext.seLinuxChangePolicy", '"MountOption", "Recursive"'),
        ("spec.securityContext", {"seccompProfile": {"type": "Localhost", "localhostProfile": "../a"}},
         "spec.securityContext.seccompProfile.localhostProfile", "must not contain '..'"),
        ("spec.securityContext", {"appArmorProfile": {"type": "Localhost", "localhostProfile": " a"}},
         "spec.securityContext.appArmorProfile.localhostProfile", "must not be padded with whitespace"),
        ("spec.dnsConfig.searches", ["a b"], "spec.dnsConfig.searches[0]", "RFC 1123 subdomain"),
        (f"{C}.ports.0.hostIP", "x", "spec.containers[0].ports[0].hostIP", "must be a valid IP address"),
        (f"{C}.livenessProbe.httpGet.httpHeaders", [{"name": "a b", "value": ""}],
         "spec.containers[0].livenessProbe.httpGet.httpHeaders", "a valid HTTP header must consist of"),
        (f"{C}.env.3.valueFrom.resourceFieldRef.divisor", "3",
         "spec.containers[0].env[3].valueFrom.resourceFieldRef.divisor", "only divisor's values 1m and 1 are supported with the cpu resource"),
        (f"{C}.env.0", {"name": "A", "valueFrom": {"fileKeyRef": {"path": "../a", "volumeName": "data", "key": "A"}}},
         "spec.containers[0].env[0].valueFrom.fileKeyRef.path", "must not contain '..'"),
        (f"{C}.env.0", {"name": "A", "valueFrom": {"fileKeyRef": {"path": "a", "volumeName": "x", "key": "A"}}},
         "spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName", 'Not found: "x"'),
        (f"{C}.env.0", {"name": "A", "valueFrom": {"fileKeyRef": {"path": "a", "volumeName": "host", "key": "A"}}},
         "spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName", "must be a volume of type emptyDir"),
        (f"{C}.volumeMounts.0.recursiveReadOnly", "Enabled", "spec.containers[0].volumeMounts[0].recursiveReadOnly",
         "may only be specified when readOnly is true"),
        (f"{C}.volumeMounts.0.mountPropagation", "Bidirectional", "spec.containers[0].volumeMounts[0].mountPropagation",
         "Bidirectional mount propagation is available only to privileged containers"),
        (f"{C}.volumeDevices", [{"name": "data", "devicePath": "/dev/x"}], "spec.containers[0].volumeDevices[0].name",
         "can only use volume source type of PersistentVolumeClaim/Ephemeral for block mode"),
        ("spec.volumes.+", {"name": "i", "image": {}}, "spec.volumes[3].image.reference", "Required value"),
        ("spec.volumes.+", {"name": "i", "image": {"reference": "a", "pullPolicy": "X"}}, "spec.volumes[3].image.pullPolicy", '"IfNotPresent"'),
    ],
)  # fmt: skip
def test_what_is_refused(path: str, value: Any, field: str, message: str) -> None:
    found = refusals(changed(RIGHT, path, value))
    assert [said for where, said in found if where == field and message in said], found


def test_a_pod_without_dns_policy_needs_servers() -> None:
    document = changed(changed(RIGHT, "spec.dnsPolicy", "None"), "spec.dnsConfig", "!")
    assert refusals(document) == [("spec.dnsConfig", "Required value: must provide `dnsConfig` when `dnsPolicy` is None")]


def updated(path: str, value: Any, before: dict[str, Any] = RIGHT) -> list[tuple[str, str]]:
    old, new = made(before), made(changed(before, path, value))
    return [(error.field, error.message) for error in validate_update(new, old)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.labels", {"b": "c"}),
        ("metadata.annotations", {"b": "c"}),
        (f"{C}.image", "nginx:2"),
        ("spec.initContainers.0.image", "busybox:2"),
        ("spec.activeDeadlineSeconds", 10),
        ("spec.tolerations.+", {"key": "x", "operator": "Exists"}),
        ("spec.tolerations.0.tolerationSeconds", 5),
    ],
)
def test_what_an_update_may_change(path: str, value: Any) -> None:
    assert updated(path, value) == []


@pytest.mark.parametrize(
    ("path", "value", "field", "message"),
    [
        (f"{C}.args", ["x"], "spec", "pod updates may not change fields other than"),
        ("spec.nodeName", "n", "spec", "pod updates may not change fields other than"),
        ("spec.tolerations", [], "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"),
        ("spec.containers.+", {"name": "b", "image": "c"}, "spec.containers", "pod updates may not add or remove containers"),
        (
            "spec.schedulingGates",
            [{"name": "a/b"}],
            "spec.schedulingGates[0].name",
            "only deletion is allowed, but found new scheduling gate 'a/b'",
        ),
        ("metadata.name", "other", "metadata.name", "field is immutable"),
        (f"{C}.image", "", "spec.containers[0].image", "Required value"),
    ],
)
def test_what_an_update_may_not_change(path: str, value: Any, field: str, message: str) -> None:
    found = updated(path, value)
    assert [said for where, said in found if where == field and message in said], found


def test_a_deadline_only_comes_closer() -> None:
    before = changed(RIGHT, "spec.activeDeadlineSeconds", 100)
    assert updated("spec.activeDeadlineSeconds", 50, before) == []
    assert "less than or equal" in updated("spec.activeDeadlineSeconds", 200, before)[0][1]
    assert "nil" in updated("spec.activeDeadlineSeconds", "!", before)[0][1]


def test_gates_are_lifted_and_a_gated_pod_is_steered() -> None:
    gated = changed(RIGHT, "spec.schedulingGates", [{"name": "a/b"}])
    assert updated("spec.schedulingGates", [], gated) == []
    assert updated("spec.nodeSelector", {"disk": "ssd", "zone": "a"}, gated) == []
    message = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
    chosen = changed(gated, "spec.nodeSelector", {"disk": "ssd"})
    assert updated("spec.nodeSelector", {"zone": "a"}, chosen) == [("spec.nodeSelector", f'Invalid value: {{"zone":"a"}}: {message}')]


def test_a_gated_pod_is_steered_to_fewer_nodes_only() -> None:
    def near(*terms: list[str]) -> dict[str, Any]:
        expressions = [{"matchExpressions": [{"key": key, "operator": "Exists"} for key in keys]} for keys in terms]
        return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": expressions}}}

    gated = changed(changed(RIGHT, "spec.affinity", "!"), "spec.schedulingGates", [{"name": "a/b"}])
    assert updated("spec.affinity", near(["a"]), gated) == []
    steered = changed(gated, "spec.affinity", near(["a"]))
    where = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    assert updated("spec.affinity", near(["a", "b"]), steered) == []
    assert [field for field, _ in updated("spec.affinity", near(["b"]), steered)] == [f"{where}[0]"]
    assert [field for field, _ in updated("spec.affinity", near(["a"], ["b"]), steered)] == [where]
    assert [field for field, _ in updated("spec.affinity", "!", steered)] == [where]
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone", "labelSelector": {}}]}}
    ((field, told),) = updated("spec.affinity", near(["a"]) | apart, steered)
    assert field == "spec" and "+ affinity.podAntiAffinity: " in told


def test_what_the_order_of_refusals_is() -> None:
    """As upstream's, which programs and people compare with."""
    spec: dict[str, Any] = {"dnsPolicy": "x", "restartPolicy": "x", "hostname": "_", "hostNetwork": True}
    spec["initContainers"] = [{"name": "a", "image": ""}]
    spec["containers"] = [
        {"name": "a", "image": " i", "ports": [{"containerPort": 1, "hostPort": 2}], "imagePullPolicy": "x", "envFrom": [{}]},
        {"name": "b", "ports": [{"containerPort": 2, "hostPort": 2}], "image": "i", "lifecycle": {"preStop": {"sleep": {"seconds": 99}}}},
    ]
    assert [field for field, _ in refusals({"metadata": {"name": "p"}, "spec": spec})] == [
        "spec.containers[0].envFrom",
        "spec.containers[0].imagePullPolicy",
        "spec.containers[1].lifecycle.preStop.sleep",
        "spec.containers[1].ports[0].hostPort",
        "spec.initContainers[0].image",
        "spec.initContainers[0].name",
        "spec.containers[0].ports[0].hostPort",
        "spec.restartPolicy",
        "spec.dnsPolicy",
        "spec.hostname",
        "spec.containers[0].image",
    ]


def test_ephemeral_containers_have_no_resources_or_parts_of_volumes() -> None:
    one = {"name": "a", "image": "x", "resources": {"limits": {"cpu": "1"}}, "restartPolicy": "Always"}
    one["volumeMounts"] = [{"name": "data", "mountPath": "/d", "subPath": "x"}]
    found = pod.ephemeral_containers(made(changed(RIGHT, "spec.ephemeralContainers", [one])), made(RIGHT))
    names = ["resources", "restartPolicy", "volumeMounts[0].subPath"]
    assert [problem.field for problem in found] == [f"spec.ephemeralContainers[0].{name}" for name in names]


def test_mirror_pods_are_as_they_are() -> None:
    old = made(changed(RIGHT, "metadata.annotations", {"kubernetes.io/config.mirror": "x"}))
    for check, told in ((pod.ephemeral_containers, "static pods do not support"), (pod.resize, "static pods cannot be resized")):
        (found,) = check(old, old)
        assert found.field == "" and told in found.message


def test_ephemeral_containers_only_come() -> None:
    old = made(changed(RIGHT, "spec.ephemeralContainers", [{"name": "a", "image": "x"}]))
    more = made(
        changed(RIGHT, "spec.ephemeralContainers", [{"name": "a", "image": "x"}, {"name": "b", "image": "x", "targetContainerName": "web"}])
    )
    assert pod.ephemeral_containers(more, old) == []
    assert "may not be removed" in pod.ephemeral_containers(made(RIGHT), old)[0].message
    other = made(changed(RIGHT, "spec.ephemeralContainers", [{"name": "a", "image": "y"}]))
    assert "may not be changed" in pod.ephemeral_containers(other, old)[0].message


def test_a_resize_changes_resources_alone() -> None:
    for path, value in (
        (f"{C}.resources.limits.cpu", "2"),
        ("spec.initContainers.0.resources", {"limits": {"cpu": "1"}}),
        (f"{C}.resizePolicy", [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]),
    ):
        assert pod.resize(made(changed(RIGHT, path, value)), made(RIGHT)) == []
    own = changed(RIGHT, "spec.resources", {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "3Gi"}})
    assert pod.resize(made(changed(own, "spec.resources.limits.cpu", "3")), made(own)) == []
    assert "only cpu and memory" in pod.resize(made(changed(RIGHT, f"{C}.image", "x")), made(RIGHT))[0].message


@pytest.mark.parametrize(
    ("path", "value", "field", "message"),
    [
        (f"{C}.resources.limits", {"memory": "1Gi", "example.com/gpu": "2"}, "resources.limits", "resource limits cannot be removed"),
        (f"{C}.resources.limits", {"cpu": "1", "memory": "1Gi", "example.com/gpu": "3"}, "resources", "only cpu and memory"),
    ],
)
def test_what_a_resize_may_not(path: str, value: Any, field: str, message: str) -> None:
    found = pod.resize(made(changed(RIGHT, path, value)), made(RIGHT))
    assert any(e.field.endswith(field) and message in e.message for e in found), found


def test_a_resize_keeps_the_class_of_service() -> None:
    plain: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    asked = changed(plain, f"{C}.resources", {"requests": {"cpu": "1"}})
    (found,) = pod.resize(made(asked), made(plain))
    assert found.field == "spec" and "Pod QOS Class may not change as a result of resizing" in found.message


def test_a_pod_from_before_a_rule_is_let_go() -> None:
    old = changed(RIGHT, f"{C}.restartPolicy", "Odd")
    assert refusals(old)
    assert updated("metadata.labels", {"a": "b"}, old) == []
    assert pod.resize(made(changed(old, f"{C}.resources.limits.cpu", "2")), made(old)) == []
