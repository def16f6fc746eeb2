"""Proves static volumes against the real server: bound, protected while in use, released, and classes that wait for a pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


def claim(name: str = "data", size: str = "1Gi", class_name: str = "manual") -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, "storageClassName": class_name}
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture
def make_volume(everywhere: Any, cluster: Any) -> Iterator[Any]:
    made: list[str] = []

    def make(size: str, class_name: str = "manual") -> str:
        name = f"{cluster.namespace}-{len(made)}"
        spec = {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/tmp/x"},
            "storageClassName": class_name,
        }
        everywhere.create("persistentvolumes", {"metadata": {"name": name}, "spec": spec})
        made.append(name)
        return name

    yield make
    for name in made:
        everywhere.delete("persistentvolumes", name)


def phase(cluster: Any, plural: str, name: str) -> str:
    return str(cluster.get(plural, name).get("status", {}).get("phase", ""))


def test_the_smallest_that_fits_is_bound_and_released(everywhere: Any, cluster: Any, tools: Any, make_volume: Any) -> None:
    big, small = make_volume("10Gi", cluster.namespace), make_volume("2Gi", cluster.namespace)
    tools.eventually(lambda: phase(everywhere, "persistentvolumes", small) == "Available")
    cluster.create("persistentvolumeclaims", claim(class_name=cluster.namespace))
    tools.eventually(lambda: phase(cluster, "persistentvolumeclaims", "data") == "Bound")
    found = cluster.get("persistentvolumeclaims", "data")
    assert found["spec"]["volumeName"] == small and found["status"]["capacity"] == {"storage": "2Gi"}
    assert phase(everywhere, "persistentvolumes", small) == "Bound" and phase(everywhere, "persistentvolumes", big) == "Available"
    cluster.delete("persistentvolumeclaims", "data")
    tools.eventually(lambda: cluster.gone("persistentvolumeclaims", "data"))
    tools.eventually(lambda: phase(everywhere, "persistentvolumes", small) == "Released")


def test_a_claim_in_use_stays_until_its_pod_is_gone(cluster: Any, tools: Any, make_volume: Any, make_node: Any) -> None:
    make_volume("1Gi", cluster.namespace)
    make_node(f"{cluster.namespace}-n")
    cluster.create("persistentvolumeclaims", claim(class_name=cluster.namespace))
    tools.eventually(lambda: phase(cluster, "persistentvolumeclaims", "data") == "Bound")
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    containers = [{"name": "c", "image": "i"}]
    spec = {"containers": containers, "volumes": volumes, "nodeName": f"{cluster.namespace}-n", "terminationGracePeriodSeconds": 0}
    cluster.create("pods", {"metadata": {"name": "user"}, "spec": spec})
    assert cluster.get("persistentvolumeclaims", "data")["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    cluster.delete("persistentvolumeclaims", "data")
    assert "deletionTimestamp" in cluster.get("persistentvolumeclaims", "data")["metadata"]
    cluster.delete("pods", "user", gracePeriodSeconds=0)
    tools.eventually(lambda: cluster.gone("persistentvolumeclaims", "data"))


def test_a_class_that_waits_for_its_pod_binds_nothing_before(everywhere: Any, cluster: Any, tools: Any, make_volume: Any) -> None:
    name = f"{cluster.namespace}-late"
    document = {"metadata": {"name": name}, "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    everywhere.create("storageclasses", document)
    volume = make_volume("1Gi", name)
    cluster.create("persistentvolumeclaims", claim(class_name=name))
    tools.eventually(lambda: any(reason == "WaitForFirstConsumer" for reason, _ in cluster.events("data")))
    assert phase(cluster, "persistentvolumeclaims", "data") == "Pending"
    assert phase(everywhere, "persistentvolumes", volume) == "Available"
    everywhere.delete("storageclasses", name)
