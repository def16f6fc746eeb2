"""Proves that quantities come out canonical wherever they stand in an object, and that nonsense is left for validation."""

from __future__ import annotations

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import autoscaling_v2, core_v1
from provisioner.kube.api._generated.resources import RESOURCES, Resource
from provisioner.kube.api.quantities import canonicalize


def test_in_maps_lists_and_fields() -> None:
    pod = codec.decode_dict(
        core_v1.Pod,
        {
            "spec": {
                "containers": [
                    {"name": "c", "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}, "requests": {"cpu": "0.5", "x/y": "zz"}}}
                ],
                "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "2048Ki"}}],
                "overhead": {"cpu": "1000m"},
            },
        },
    )
    canonicalize(pod)
    resources = pod.spec.containers[0].resources  # type: ignore[index]
    assert resources.limits == {"cpu": "1", "memory": "1Gi"}
    assert resources.requests == {"cpu": "500m", "x/y": "zz"}
    assert pod.spec.volumes[0].empty_dir.size_limit == "2Mi"  # type: ignore[index]
    assert pod.spec.overhead == {"cpu": "1"}


def test_a_number_or_a_text_is_no_quantity() -> None:
    service = codec.decode_dict(core_v1.Service, {"spec": {"ports": [{"targetPort": "1000m"}, {"targetPort": 80}]}})
    canonicalize(service)
    assert [p.target_port for p in service.spec.ports or ()] == ["1000m", 80]


def test_deep_in_metrics() -> None:
    spec = {"metrics": [{"type": "Pods", "pods": {"target": {"averageValue": "1000m"}}}]}
    scaler = codec.decode_dict(autoscaling_v2.HorizontalPodAutoscaler, {"spec": spec})
    canonicalize(scaler)
    assert scaler.spec.metrics[0].pods.target.average_value == "1"  # type: ignore[index,union-attr]


@pytest.mark.parametrize("found", RESOURCES, ids=lambda r: f"{r.group}/{r.version}/{r.plural}")
def test_every_kind_has_a_way(found: Resource) -> None:
    obj = found.load()()
    canonicalize(obj)
    assert obj == found.load()()
