"""What each layer of a create costs in the API server, in us of CPU: a ConfigMap of 300 bytes, and a Deployment. No network, no etcd.

    python benchmarks/apiserver_layers.py

TLS, HTTP and etcd are measured with benchmarks/apiserver.py: the server's CPU for a request, less what is listed here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from provisioner.kube.api.managed_fields import UPDATE, Manager, track
from provisioner.kube.api.strict import doubles_in_json
from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import target_of
from provisioner.kube.storage.cache import with_version

ROUNDS, BEST_OF = 400, 7
CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "default", "labels": {"app": "x"}},
    "data": {"k": "v" * 200},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a", "namespace": "default", "labels": {"app": "x"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "x"}},
        "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {
                "containers": [{"name": "c", "image": "nginx:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "b"}]}]
            },
        },
    },
}


def cpu_us(work: Callable[[], Any]) -> float:
    """The least of some runs: what the machine does beside it only adds."""
    best = float("inf")
    for _ in range(BEST_OF):
        began = time.process_time()
        for _ in range(ROUNDS):
            work()
        best = min(best, (time.process_time() - began) / ROUNDS)
    return best * 1e6


def layers(plural: str, group: str, document: dict[str, Any]) -> dict[str, float]:
    registry = Registry()
    kind = registry.find(group, "v1", plural)
    assert kind is not None
    body = json.dumps(document).encode()
    obj = kind.decode(document)
    kind.default(obj)
    obj.metadata.uid = "0"
    plain = kind.to_dict(obj)
    manager = Manager("bench", UPDATE, kind.resource.api_version)
    path = kind.resource.path("default", "a")

    def own() -> None:
        track(dict(plain), None, manager, kind.schema, now="2026-01-01T00:00:00Z", has_status=kind.strategy.has_status)

    stored = kind.stored(plain)
    return {
        "read the target": cpu_us(lambda: target_of("POST", path, {})),
        "parse JSON": cpu_us(lambda: negotiation.read_document(body, "application/json", kind.resource.kind)),
        "doubled members": cpu_us(lambda: doubles_in_json(body)),
        "unknown members": cpu_us(lambda: kind.unknown_fields(document)),
        "into types": cpu_us(lambda: kind.decode(document)),
        "defaults": cpu_us(lambda: kind.default(obj)),
        "validation": cpu_us(lambda: kind.validate_create(obj)),
        "managed fields": cpu_us(own),
        "encode": cpu_us(lambda: kind.stored(kind.to_dict(obj))),
        "into the watch cache": cpu_us(lambda: (registry.facts(kind.stored_as, stored), with_version(stored, 1))),
    }


def main() -> None:
    found = {"ConfigMap": layers("configmaps", "", CONFIG_MAP), "Deployment": layers("deployments", "apps", DEPLOYMENT)}
    print(f"{'us of CPU':24}" + "".join(f"{name:>12}" for name in found))
    for layer in next(iter(found.values())):
        print(f"{layer:24}" + "".join(f"{costs[layer]:12.1f}" for costs in found.values()))
    print(f"{'all of these':24}" + "".join(f"{sum(costs.values()):12.1f}" for costs in found.values()))


if __name__ == "__main__":
    main()
