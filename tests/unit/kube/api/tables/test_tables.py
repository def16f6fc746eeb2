"""Proves that the server's tables show what kubectl's users know: columns, reasons of pods, ages, and a row for every kind there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated.resources import RESOURCES, Resource
from provisioner.kube.api.tables import completion, order, table
from provisioner.kube.api.tables.columns import duration

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def ago(**delta: float) -> str:
    return (NOW - timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def resource(kind: str, group: str | None = None) -> Resource:
    return next(r for r in RESOURCES if r.kind == kind and (group is None or r.group == group))


def shown(kind: str, document: dict[str, Any], group: str | None = None) -> dict[str, Any]:
    """column -> cell of an object that is five minutes old."""
    found = resource(kind, group)
    document = {**document, "metadata": {"name": "x", "creationTimestamp": ago(minutes=5), **document.get("metadata", {})}}
    columns, rows = table(found, [codec.decode_dict(found.load(), document)], now=NOW)
    assert len(columns) == len(rows[0])
    return dict(zip([column["name"] for column in columns], rows[0], strict=True))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (305, "5m5s"), (600, "10m"), (10799, "179m"), (10800, "3h"),
        (12000, "3h20m"), (8 * 3600, "8h"), (47 * 3600, "47h"), (2 * 86400, "2d"), (3 * 86400 + 7200, "3d2h"), (9 * 86400 + 7200, "9d"),
        (800 * 86400, "2y70d"), (9 * 365 * 86400, "9y"),
    ],
)  # fmt: skip
def test_durations_get_coarser(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("found", RESOURCES, ids=lambda r: f"{r.group}/{r.version}/{r.plural}")
def test_every_kind_has_a_row_even_of_an_empty_object(found: Resource) -> None:
    kind = found.load()
    if not hasattr(kind(), "metadata"):
        return
    columns, rows = table(found, [kind()], now=NOW)
    assert len(columns) == len(rows[0])
    assert columns[0]["name"] in ("Name", "Last Seen")


def running(name: str, *, ready: bool = True, restarts: int = 0, **last: Any) -> dict[str, Any]:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": {"running": {}}, **last}


def test_a_running_pod() -> None:
    row = shown(
        "Pod",
        {
            "spec": {"containers": [{"name": "a"}, {"name": "b"}], "nodeName": "worker-1"},
            "status": {
                "phase": "Running",
                "podIP": "10.244.1.5",
                "podIPs": [{"ip": "10.244.1.5"}],
                "containerStatuses": [
                    running("a"),
                    running("b", ready=False, restarts=3, lastState={"terminated": {"exitCode": 1, "finishedAt": ago(seconds=300)}}),
                ],
            },
        },
    )
    assert row == {
        "Name": "x", "Ready": "1/2", "Status": "Running", "Restarts": "3 (5m ago)", "Age": "5m", "IP": "10.244.1.5", "Node": "worker-1",
        "Nominated Node": "<none>", "Readiness Gates": "<none>",
    }  # fmt: skip


WAITING = {"name": "a", "ready": False, "restartCount": 0, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}, "SchedulingGated"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"phase": "Running", "containerStatuses": [WAITING]}, "CrashLoopBackOff"),
        ({"phase": "Failed", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 3}}}]}, "ExitCode:3"),
        ({"phase": "Failed", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 137, "signal": 9}}}]}, "Signal:9"),
        (
            {"phase": "Succeeded", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]},
            "Completed",
        ),
        ({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"waiting": {"reason": "PodInitializing"}}}]}, "Init:0/2"),
        (
            {"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]},
            "Init:Error",
        ),
        (
            {
                "phase": "Running",
                "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}, running("b")],
            },
            "NotReady",
        ),
    ],
)
def test_a_pods_status_is_its_most_telling_reason(status: dict[str, Any], expected: str) -> None:
    spec = {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}, {"name": "j"}]}
    assert shown("Pod", {"spec": spec, "status": status})["Status"] == expected


def test_a_deleted_pod_terminates_unless_it_has_ended() -> None:
    deleted = {"deletionTimestamp": ago(seconds=1)}
    assert shown("Pod", {"metadata": deleted, "status": {"phase": "Running"}})["Status"] == "Terminating"
    assert shown("Pod", {"metadata": deleted, "status": {"phase": "Succeeded"}})["Status"] == "Succeeded"
    assert shown("Pod", {"metadata": deleted, "status": {"phase": "Running", "reason": "NodeLost"}})["Status"] == "Unknown"


def test_sidecars_count_as_containers() -> None:
    spec = {"containers": [{"name": "a"}], "initContainers": [{"name": "s", "restartPolicy": "Always"}]}
    status = {
        "phase": "Running",
        "initContainerStatuses": [running("s", started=True, restarts=2)],
        "containerStatuses": [running("a", restarts=1)],
    }
    row = shown("Pod", {"spec": spec, "status": status})
    assert (row["Ready"], row["Status"], row["Restarts"]) == ("2/2", "Running", "3")


def test_nodes() -> None:
    row = shown(
        "Node",
        {
            "metadata": {"labels": {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": ""}},
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "10.0.0.4"}],
                "nodeInfo": {
                    "kubeletVersion": "v1.36.0",
                    "osImage": "Debian",
                    "kernelVersion": "6.1",
                    "architecture": "amd64",
                    "containerRuntimeVersion": "docker://20.10",
                },
            },
        },
    )
    assert list(row.values()) == [
        "x", "Ready,SchedulingDisabled", "control-plane,worker", "5m", "v1.36.0", "10.0.0.4", "<none>", "Debian", "6.1 (amd64)", "docker://20.10",
    ]  # fmt: skip


def test_workloads_show_containers_images_and_selectors_in_the_wide_form() -> None:
    spec = {
        "replicas": 3,
        "selector": {"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": [{"key": "t", "operator": "In", "values": ["y", "x"]}]},
        "template": {"spec": {"containers": [{"name": "web", "image": "nginx:1"}, {"name": "log", "image": "log:2"}]}},
    }
    row = shown("Deployment", {"spec": spec, "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2}})
    assert list(row.values()) == ["x", "2/3", 3, 2, "5m", "web,log", "nginx:1,log:2", "a=1,b=2,t in (x,y)"]
    columns, _ = table(resource("Deployment"), [], now=NOW)
    assert [column["name"] for column in columns if column["priority"]] == ["Containers", "Images", "Selector"]


def test_jobs_tell_how_far_they_are() -> None:
    done = {
        "succeeded": 1,
        "startTime": ago(seconds=200),
        "completionTime": ago(seconds=140),
        "conditions": [{"type": "Complete", "status": "True"}],
    }
    row = shown("Job", {"spec": {"completions": 1}, "status": done})
    assert (row["Status"], row["Completions"], row["Duration"]) == ("Complete", "1/1", "60s")
    assert shown("Job", {"spec": {"parallelism": 4}, "status": {}})["Completions"] == "0/1 of 4"
    assert shown("CronJob", {"spec": {"schedule": "* * * * *"}})["Last Schedule"] == "<none>"


@pytest.mark.parametrize(
    ("spec", "status", "external", "ports"),
    [
        ({"type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP"}]}, {}, "<none>", "80/TCP"),
        ({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]}, {}, "<none>", "80:30080/TCP"),
        ({"type": "LoadBalancer", "ports": [{"port": 53, "protocol": "UDP"}]}, {}, "<pending>", "53/UDP"),
        ({"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}, "1.2.3.4", "<none>"),
        ({"type": "ExternalName", "externalName": "example.com"}, {}, "example.com", "<none>"),
    ],
)
def test_services(spec: dict[str, Any], status: dict[str, Any], external: str, ports: str) -> None:
    row = shown("Service", {"spec": spec, "status": status})
    assert (row["External-IP"], row["Port(s)"]) == (external, ports)


def test_endpoints_are_cut_after_three() -> None:
    addresses = [{"ip": f"10.0.0.{i}"} for i in range(5)]
    row = shown("Endpoints", {"subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]})
    assert row["Endpoints"] == "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 2 more..."


def test_events_of_both_groups_look_alike() -> None:
    times = {"firstTimestamp": ago(minutes=20), "lastTimestamp": ago(seconds=30)}
    row = shown(
        "Event",
        {**times, "involvedObject": {"kind": "Pod", "name": "p"}, "type": "Normal", "reason": "Pulled", "message": "m\n", "count": 4},
        group="",
    )
    assert (row["Last Seen"], row["Object"], row["Message"], row["Count"], row["First Seen"]) == ("30s", "pod/p", "m", 4, "20m")
    newer = shown("Event", {"eventTime": ago(seconds=10), "regarding": {"kind": "Node", "name": "n"}, "note": "m"}, group="events.k8s.io")
    assert (newer["Last Seen"], newer["Object"], newer["Count"]) == ("10s", "node/n", 1)


BINDING = "ValidatingAdmissionPolicyBinding"


@pytest.mark.parametrize(
    ("kind", "document", "column", "cell"),
    [
        ("Node", {"status": {"nodeInfo": {}}}, "Kernel-Version", "<unknown>"),
        ("Event", {"involvedObject": {"kind": "Node"}}, "Object", "node"),
        ("ComponentStatus", {"conditions": [{"type": "Healthy", "status": "Unknown"}]}, "Status", "Unhealthy"),
        ("LeaseCandidate", {"spec": {"leaseName": "l", "binaryVersion": "1.36.0"}}, "BinaryVersion", "1.36.0"),
        ("StorageVersionMigration", {"spec": {"resource": {"resource": "secrets"}}}, "Resource", "secrets"),
        ("StorageVersionMigration", {"spec": {"resource": {"group": "a.b", "resource": "cs"}}}, "Resource", "cs.a.b"),
        ("StorageClass", {"provisioner": "p"}, "VolumeBindingMode", "Immediate"),
        ("CSIDriver", {"spec": {}}, "Modes", "<none>"),
        (
            "VolumeAttributesClass",
            {"metadata": {"annotations": {"volumeattributesclass.alpha.kubernetes.io/is-default-class": "true"}}},
            "Name",
            "x (default)",
        ),
        ("Endpoints", {}, "Endpoints", "<none>"),
        ("Endpoints", {"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]}, "Endpoints", ""),
        ("EndpointSlice", {}, "Ports", "<unset>"),
        ("EndpointSlice", {"ports": [{"name": "http"}, {"port": 80}, {}]}, "Ports", "http,80,*"),
        ("ResourceQuota", {"status": {"hard": {"count/limits.a.b": "1", "limits.cpu": "1000m"}}}, "Request", "count/limits.a.b: 0/1"),
        ("ResourceQuota", {"status": {"hard": {"count/limits.a.b": "1", "limits.cpu": "1000m"}}}, "Limit", "limits.cpu: 0/1"),
        ("PriorityLevelConfiguration", {"spec": {"limited": {"nominalConcurrencyShares": 5}}}, "NominalConcurrencyShares", 5),
        ("PriorityLevelConfiguration", {"spec": {}}, "Queues", "<none>"),
        (BINDING, {"spec": {"paramRef": {"name": "p"}}}, "ParamRef", "*/p"),
        (BINDING, {"spec": {"paramRef": {"namespace": "n", "name": "p"}}}, "ParamRef", "n/p"),
        (
            BINDING,
            {"spec": {"paramRef": {"namespace": "n", "selector": {"matchLabels": {"a": "b"}}}}},
            "ParamRef",
            "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}",
        ),
        (
            BINDING,
            {"spec": {"paramRef": {"selector": {"matchExpressions": [{"key": "k", "operator": "In", "values": ["x", "y"]}]}}}},
            "ParamRef",
            "&LabelSelector{MatchLabels:map[string]string{},"
            "MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}",
        ),
    ],
)
def test_what_is_not_there_and_what_is_special(kind: str, document: dict[str, Any], column: str, cell: Any) -> None:
    assert shown(kind, document)[column] == cell


@pytest.mark.parametrize("text", ["nonsense", "2026-05-01", "2026-13-01T00:00:00Z", "2026-05-01T00:00:00"])
def test_what_is_no_time_hides_nothing(text: str) -> None:
    assert shown("Event", {"lastTimestamp": text}, group="")["Last Seen"] == "<unknown>"
    assert shown("Job", {"status": {"startTime": text}})["Duration"] == ""
    status = {"containerStatuses": [running("a", restarts=2, lastState={"terminated": {"exitCode": 1, "finishedAt": text}})]}
    assert shown("Pod", {"status": status})["Restarts"] == "2"


@pytest.mark.parametrize(
    ("kind", "column", "type_", "format_"),
    [
        ("Event", "Count", "string", ""), ("ConfigMap", "Data", "string", ""), ("Secret", "Data", "string", ""),
        ("ServiceAccount", "Secrets", "string", ""), ("Deployment", "Up-to-date", "string", ""), ("Deployment", "Available", "string", ""),
        ("ControllerRevision", "Revision", "string", ""), ("CronJob", "Suspend", "boolean", ""), ("CronJob", "Active", "integer", ""),
        ("HorizontalPodAutoscaler", "MaxPods", "string", ""), ("HorizontalPodAutoscaler", "Replicas", "string", ""),
        ("FlowSchema", "MatchingPrecedence", "string", ""), ("VolumeAttachment", "Attacher", "string", "name"),
        ("StorageVersionMigration", "Name", "string", ""), ("Pod", "Name", "string", "name"), ("Pod", "Restarts", "string", ""),
    ],
)  # fmt: skip
def test_columns_have_upstreams_types(kind: str, column: str, type_: str, format_: str) -> None:
    columns, _ = table(resource(kind), [], now=NOW)
    found = next(found for found in columns if found["name"] == column)
    assert (found["type"], found["format"]) == (type_, format_)


def test_flow_schemas_are_sorted_as_requests_meet_them() -> None:
    found = resource("FlowSchema")
    given = [("b", 9), ("a", 9), ("c", 1)]
    objs = [codec.decode_dict(found.load(), {"metadata": {"name": n}, "spec": {"matchingPrecedence": p}}) for n, p in given]
    key = order(found)
    assert key is not None
    assert [obj.metadata.name for obj in sorted(objs, key=key)] == ["c", "a", "b"]
    assert order(resource("Pod")) is None


def test_rows_of_pods_that_ended_say_so() -> None:
    phases = {phase: completion(codec.decode_dict(resource("Pod").load(), {"status": {"phase": phase}})) for phase in ("Running", "Failed")}
    assert phases["Running"] == []
    assert phases["Failed"] == [{"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."}]


def test_claims_and_volumes() -> None:
    bound = {
        "spec": {"volumeName": "pv", "storageClassName": "fast", "volumeMode": "Filesystem"},
        "status": {"phase": "Bound", "capacity": {"storage": "1024Mi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"]},
    }
    row = shown("PersistentVolumeClaim", bound)
    assert (row["Capacity"], row["Access Modes"], row["VolumeAttributesClass"]) == ("1Gi", "RWO,RWX", "<unset>")
    assert (
        shown("StorageClass", {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}})["Name"]
        == "x (default)"
    )


def test_autoscalers_show_current_and_target() -> None:
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
    }
    found = next(r for r in RESOURCES if r.kind == "HorizontalPodAutoscaler" and r.version == "v2")
    _, rows = table(found, [codec.decode_dict(found.load(), {"metadata": {"name": "x"}, "spec": spec})], now=NOW)
    assert rows[0][:5] == ["x", "Deployment/web", "cpu: <unknown>/50%", "1", 5]


def test_kinds_without_columns_show_when_they_were_created() -> None:
    assert shown("ClusterRole", {}) == {"Name": "x", "Created At": ago(minutes=5)}
