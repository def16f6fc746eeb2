"""Proves on a real dockerd that pods run, are reported as upstream reports them, and end as they should."""

from __future__ import annotations

import asyncio
import time
from typing import Any

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done"]


def phase(node: Any, name: str) -> str:
    pod = node.api.pod(name)
    return pod["status"].get("phase", "") if pod else "gone"


def ready(node: Any, name: str) -> bool:
    conditions = {c["type"]: c["status"] for c in (node.api.pod(name) or {}).get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True"


def container(node: Any, pod: str, name: str = "main", field: str = "containerStatuses") -> dict[str, Any]:
    found = [s for s in (node.api.pod(pod) or {}).get("status", {}).get(field, []) if s["name"] == name]
    return found[0] if found else {}


def container_id(node: Any, pod: str, name: str = "main") -> str:
    return str(container(node, pod, name)["containerID"]).removeprefix("docker://")


async def test_a_pod_runs_and_is_deleted(node: Any) -> None:
    began = time.monotonic()
    node.api.add_pod("web", {"containers": [{"name": "main", "command": SLEEP}]})
    await node.api.until(lambda: ready(node, "web"))
    print("ready after", time.monotonic() - began)
    status = node.api.pod("web")["status"]
    assert status["phase"] == "Running"
    assert status["podIP"].startswith("10.244.7.") and status["podIPs"] == [{"ip": status["podIP"]}]
    assert status["hostIP"] == "127.0.0.1"
    assert status["qosClass"] == "BestEffort"
    assert container(node, "web")["state"]["running"]["startedAt"]
    began = time.monotonic()
    node.api.delete_pod("web")
    await node.api.until(lambda: node.api.pod("web") is None)
    print("gone after", time.monotonic() - began)
    assert time.monotonic() - began < 4


async def test_init_containers_come_first_and_environment_is_complete(node: Any) -> None:
    node.api.put("configmaps", {"metadata": {"name": "settings", "namespace": "default"}, "data": {"COLOUR": "blue", "size": "9"}})
    node.api.put("secrets", {"metadata": {"name": "keys", "namespace": "default"}, "data": {"password": "czNjcmV0"}})
    main = {
        "name": "main",
        "command": [
            "sh",
            "-c",
            "cat /shared/made; env | sort; cat /etc/config/COLOUR /etc/keys/password; hostname; cat /etc/hosts /etc/resolv.conf; echo $(GREETING); echo printed; sleep 1000",
        ],
        "env": [
            {"name": "WHO", "value": "world"},
            {"name": "GREETING", "value": "hello $(WHO) $$(WHO) $(MISSING)"},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "SIZE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "size"}}},
            {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "CM_"}],
        "resources": {"limits": {"memory": "64Mi", "cpu": "500m"}},
        "volumeMounts": [
            {"name": "shared", "mountPath": "/shared"},
            {"name": "config", "mountPath": "/etc/config", "readOnly": True},
            {"name": "keys", "mountPath": "/etc/keys"},
            {"name": "files", "mountPath": "/files"},
            {"name": "shared", "mountPath": "/part", "subPath": "a/b"},
            {"name": "config", "mountPath": "/colour", "subPath": "COLOUR"},
            {"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
        ],
    }
    init = {
        "name": "first",
        "command": ["sh", "-c", "echo made > /shared/made"],
        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}],
    }
    volumes = [
        {"name": "shared", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "config", "configMap": {"name": "settings"}},
        {"name": "files", "image": {"reference": "busybox:1.35"}},
        {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {
            "name": "token",
            "projected": {
                "sources": [
                    {"serviceAccountToken": {"path": "token"}},
                    {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                ]
            },
        },
    ]
    node.api.add_pod("env", {"initContainers": [init], "containers": [main], "volumes": volumes}, labels={"app": "shop"})
    await node.api.until(lambda: ready(node, "env"))
    status = node.api.pod("env")["status"]
    assert status["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert status["qosClass"] == "Burstable"
    running = container_id(node, "env")
    async with asyncio.timeout(20):
        while not (log := node.host.docker("logs", running)).endswith("printed\n"):
            await asyncio.sleep(0.05)
    for line in (
        "made",
        "WHO=world",
        "GREETING=hello world $(WHO) $(MISSING)",
        f"POD_IP={status['podIP']}",
        "APP=shop",
        "SIZE=9",
        "CM_COLOUR=blue",
    ):
        assert line in log.splitlines(), line
    assert "MEMORY=64" in log and "KUBERNETES_SERVICE_HOST=10.96.0.1" in log and "KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443" in log
    assert "blues3cret" in log
    assert f"{status['podIP']}\tenv" in log and "nameserver 10.96.0.10" in log and "search default.svc.cluster.local" in log
    assert "hello world" in log
    inside = node.host.docker(
        "exec",
        running,
        "sh",
        "-c",
        "cat /var/run/secrets/kubernetes.io/serviceaccount/token; ls -la /etc/config; stat -c %a /etc/keys/..data/password; df /shared | tail -1; ls /files/bin/sh; "
        "echo within > /part/new; cat /shared/a/b/new /colour; touch /files/x",
        check=False,
    )
    assert "token-of-default" in inside and "..data" in inside and "400" in inside and "tmpfs" in inside
    assert "within\nblue" in inside
    assert "/files/bin/sh" in inside and not (node.host.docker("exec", running, "ls", "/files/x", check=False))
    node.api.delete_pod("env")
    await node.api.until(lambda: node.api.pod("env") is None)
    assert "kubelet/pods/" not in node.host.run("cat", "/proc/mounts").replace(str(node.host.work), "")


async def test_a_failing_container_backs_off_and_says_why(node: Any) -> None:
    node.api.add_pod("crash", {"containers": [{"name": "main", "command": ["sh", "-c", "echo broken > /dev/termination-log; exit 3"]}]})
    await node.api.until(lambda: container(node, "crash").get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff")
    status = container(node, "crash")
    assert status["restartCount"] == 1
    assert status["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=main pod=crash_default(")
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert status["lastState"]["terminated"]["reason"] == "Error"
    assert status["lastState"]["terminated"]["message"] == "broken\n"
    assert phase(node, "crash") == "Running"
    await node.api.until(lambda: [e for e in node.api.events if e["reason"] == "BackOff"])


async def test_pods_that_end_get_their_phase(node: Any) -> None:
    node.api.add_pod("good", {"restartPolicy": "Never", "containers": [{"name": "main", "command": ["true"]}]})
    node.api.add_pod("bad", {"restartPolicy": "Never", "containers": [{"name": "main", "command": ["sh", "-c", "exit 7"]}]})
    node.api.add_pod("again", {"restartPolicy": "OnFailure", "containers": [{"name": "main", "command": ["sh", "-c", "exit 1"]}]})
    await node.api.until(lambda: phase(node, "good") == "Succeeded" and phase(node, "bad") == "Failed")
    await node.api.until(lambda: container(node, "again").get("restartCount"))
    assert container(node, "good")["state"]["terminated"]["reason"] == "Completed"
    assert container(node, "bad")["state"]["terminated"]["exitCode"] == 7
    conditions = {c["type"]: c for c in node.api.pod("good")["status"]["conditions"]}
    assert conditions["Ready"]["reason"] == "PodCompleted"
    assert phase(node, "again") == "Running"
    node.api.delete_pod("good")
    await node.api.until(lambda: node.api.pod("good") is None)


async def test_images_and_configuration_that_are_missing(node: Any) -> None:
    node.api.add_pod("noimage", {"containers": [{"name": "main", "image": "127.0.0.1:1/none:1"}]})
    node.api.add_pod("never", {"containers": [{"name": "main", "image": "nowhere:1", "imagePullPolicy": "Never"}]})
    node.api.add_pod("noconfig", {"containers": [{"name": "main", "command": SLEEP, "envFrom": [{"configMapRef": {"name": "late"}}]}]})
    node.api.add_pod(
        "novolume", {"containers": [{"name": "main", "command": SLEEP}], "volumes": [{"name": "v", "secret": {"secretName": "none"}}]}
    )
    node.api.add_pod("nocommand", {"containers": [{"name": "main", "command": ["/does/not/exist"]}]})

    def reason(pod: str) -> str:
        return str(container(node, pod).get("state", {}).get("waiting", {}).get("reason", ""))

    await node.api.until(lambda: reason("noimage") == "ErrImagePull")
    await node.api.until(lambda: reason("noimage") == "ImagePullBackOff")
    await node.api.until(lambda: reason("never") == "ErrImageNeverPull")
    await node.api.until(lambda: reason("noconfig") == "CreateContainerConfigError")
    assert container(node, "noconfig")["state"]["waiting"]["message"] == 'configmap "late" not found'
    await node.api.until(lambda: reason("nocommand") in ("RunContainerError", "CrashLoopBackOff"))
    assert reason("novolume") == "ContainerCreating"
    await node.api.until(lambda: [e for e in node.api.events if e["reason"] == "FailedMount" and 'secret "none" not found' in e["message"]])
    node.api.put("configmaps", {"metadata": {"name": "late", "namespace": "default"}, "data": {}})
    await node.api.until(lambda: ready(node, "noconfig"))
    for name in ("noimage", "never", "noconfig", "novolume", "nocommand"):
        node.api.delete_pod(name)
    await node.api.until(lambda: not [k for k in node.api.objects if k[0] == "pods"])


async def test_probes_decide_readiness_and_restarts(node: Any) -> None:
    containers = [
        {
            "name": "main",
            "command": ["sh", "-c", "sleep 1; touch /tmp/alive /tmp/started; httpd -f -p 8080 -h /var/www"],
            "startupProbe": {"exec": {"command": ["cat", "/tmp/started"]}, "periodSeconds": 1, "failureThreshold": 30},
            "readinessProbe": {"httpGet": {"path": "/index.html", "port": "web"}, "periodSeconds": 1, "failureThreshold": 1},
            "livenessProbe": {"exec": {"command": ["cat", "/tmp/alive"]}, "periodSeconds": 1, "failureThreshold": 1},
            "ports": [{"name": "web", "containerPort": 8080}],
        }
    ]
    node.api.add_pod("probed", {"containers": containers})
    await node.api.until(lambda: container(node, "probed").get("state", {}).get("running"))
    assert not ready(node, "probed") and container(node, "probed")["started"] is False
    await node.api.until(lambda: ready(node, "probed"))
    assert container(node, "probed")["started"] is True
    running = container_id(node, "probed")
    node.host.docker("exec", running, "mv", "/var/www/index.html", "/tmp/")
    await node.api.until(lambda: not ready(node, "probed"))
    node.host.docker("exec", running, "rm", "/tmp/alive")
    await node.api.until(lambda: container(node, "probed")["restartCount"] == 1)
    assert [e for e in node.api.events if e["message"] == "Container main failed liveness probe, will be restarted"]


async def test_a_new_kubelet_adopts_what_runs(node: Any) -> None:
    node.api.add_pod("stays", {"containers": [{"name": "main", "command": SLEEP}]})
    node.api.add_pod("leaves", {"containers": [{"name": "main", "command": SLEEP}]})
    await node.api.until(lambda: ready(node, "stays") and ready(node, "leaves"))
    before = node.host.docker("ps", "-q", "--no-trunc", "--filter", "name=stays").split()
    assert await node.stop() == 0
    left = node.api.pod("leaves")
    node.api.put("pods", left, "DELETED")
    address = node.api.pod("stays")["status"]["podIP"]
    changes = len(node.api.history)
    await node.start()
    node.api.add_pod("new", {"containers": [{"name": "main", "command": SLEEP}]})
    await node.api.until(lambda: ready(node, "new"))
    assert node.host.docker("ps", "-q", "--no-trunc", "--filter", "name=stays").split() == before
    assert node.api.pod("stays")["status"]["podIP"] == address
    told = [p for p in node.api.history[changes:] if p["metadata"]["name"] == "stays"]
    assert all({c["type"]: c["status"] for c in p["status"]["conditions"]}["Ready"] == "True" for p in told)
    assert not node.host.docker("ps", "-aq", "--filter", "name=leaves").split()


async def test_termination_is_graceful_and_bounded(node: Any) -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo stopping > /proc/1/fd/1"]}}}
    node.api.add_pod(
        "stubborn",
        {
            "terminationGracePeriodSeconds": 2,
            "containers": [{"name": "main", "command": ["sh", "-c", "trap '' TERM; while true; do sleep 1; done"], "lifecycle": hook}],
        },
    )
    await node.api.until(lambda: ready(node, "stubborn"))
    running = container_id(node, "stubborn")
    node.api.delete_pod("stubborn")
    began = time.monotonic()
    await node.api.until(lambda: node.api.pod("stubborn") is None)
    assert 1.5 < time.monotonic() - began < 8
    last = next(p for p in reversed(node.api.history) if p["metadata"]["name"] == "stubborn")
    assert last["status"]["phase"] == "Failed"
    assert last["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    deadline = time.monotonic() + 5
    while running in node.host.docker("ps", "-aq", "--no-trunc"):
        assert time.monotonic() < deadline


async def test_host_network_security_and_oom(node: Any) -> None:
    secure = {"runAsUser": 1234, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": False}
    node.api.add_pod(
        "host",
        {
            "hostNetwork": True,
            "securityContext": {"supplementalGroups": [4321], "supplementalGroupsPolicy": "Strict"},
            "containers": [{"name": "main", "command": ["sh", "-c", "id -u; touch /x; ip addr; sleep 1000"], "securityContext": secure}],
        },
    )
    eater = ["sh", "-c", "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo done"]
    node.api.add_pod(
        "eater", {"restartPolicy": "Never", "containers": [{"name": "main", "command": eater, "resources": {"limits": {"memory": "20Mi"}}}]}
    )
    refused = {"runAsNonRoot": True}
    node.api.add_pod("root", {"containers": [{"name": "main", "command": SLEEP, "securityContext": refused}]})
    await node.api.until(lambda: ready(node, "host"))
    assert node.api.pod("host")["status"]["podIP"] == "127.0.0.1"
    async with asyncio.timeout(10):  # a container runs before it has said anything
        while not (log := node.host.docker("logs", container_id(node, "host"))):
            await asyncio.sleep(0.05)
    assert log.splitlines()[0] == "1234"
    assert container(node, "host")["user"]["linux"] == {"uid": 1234, "gid": 0, "supplementalGroups": [0, 4321]}
    await node.api.until(lambda: phase(node, "eater") == "Failed")
    assert container(node, "eater")["state"]["terminated"]["reason"] == "OOMKilled"
    await node.api.until(lambda: container(node, "root").get("state", {}).get("waiting", {}).get("reason") == "CreateContainerConfigError")
