"""Objects that the tests apply, as plain data."""

from __future__ import annotations

from typing import Any

BUSYBOX = "busybox:1.35"


def web(name: str, *, replicas: int = 1, text: str = "", port: int = 8080, **pod: Any) -> dict[str, Any]:
    """A Deployment whose pods answer HTTP with their own name, or with `text`."""
    page = f"echo {text}" if text else "hostname"
    command = f"mkdir -p /www && {page} > /www/index.html && exec httpd -f -p {port} -h /www"
    container = {
        "name": "web",
        "image": BUSYBOX,
        "command": ["sh", "-c", command],
        "ports": [{"containerPort": port}],
        "readinessProbe": {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"memory": "32Mi"}},
    }
    return deployment(name, container, replicas=replicas, **pod)


def deployment(name: str, container: dict[str, Any], *, replicas: int = 1, **pod: Any) -> dict[str, Any]:
    labels = {"app": name}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, **pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


def service(name: str, *, port: int = 80, target: int = 8080, **spec: Any) -> dict[str, Any]:
    ports = [{"port": port, "targetPort": target}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": ports, **spec}}


def pod(name: str, command: str, *, restart: str = "Always", labels: dict[str, str] | None = None, **container: Any) -> dict[str, Any]:
    """One container that runs a shell command."""
    containers = [{"name": "main", "image": BUSYBOX, "command": ["sh", "-c", command], **container}]
    spec = {"containers": containers, "restartPolicy": restart, "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {"app": name}}, "spec": spec}
