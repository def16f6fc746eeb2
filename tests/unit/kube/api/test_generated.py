"""Proves that the generated types decode, encode and find their resource: names, always-present fields, and every served kind."""

from __future__ import annotations

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api._generated.resources import RESOURCES, resource_of
from provisioner.kube.api.merge_rules import RULES


def test_attributes_are_snake_case_of_the_json_names() -> None:
    pod = msgspec.json.decode(b'{"metadata":{"name":"a"},"spec":{"hostPID":true},"status":{"podIP":"10.0.0.1"}}', type=core_v1.Pod)
    assert (pod.spec.host_pid, pod.status.pod_ip) == (True, "10.0.0.1")


def test_kind_and_api_version_are_always_encoded() -> None:
    assert msgspec.json.decode(msgspec.json.encode(core_v1.ConfigMap())) == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}


def test_an_empty_list_keeps_its_items() -> None:
    assert b'"items":[]' in msgspec.json.encode(core_v1.PodList())


def test_a_wrong_type_names_its_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.spec\.priority"):
        msgspec.json.decode(b'{"spec":{"priority":"high"}}', type=core_v1.Pod)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: f"{r.group}/{r.version}/{r.plural}")
def test_every_resource_loads_and_decodes(resource) -> None:  # type: ignore[no-untyped-def]
    kind = resource.load()
    decoded = msgspec.json.decode(b"{}", type=kind)
    assert (decoded.kind, decoded.api_version) == (resource.kind, resource.api_version)
    assert resource_of(kind).kind == resource.kind


def test_paths() -> None:
    pods = resource_of(core_v1.Pod)
    assert pods.path() == "/api/v1/pods"
    assert pods.path("default", "a", "log") == "/api/v1/namespaces/default/pods/a/log"


def test_merge_keys() -> None:
    rule = RULES["core_v1.PodSpec"]["containers"]
    assert (rule.shape, rule.target, rule.patch_strategy, rule.merge_key, rule.map_keys) == (
        "list",
        "core_v1.Container",
        "merge",
        "name",
        ("name",),
    )
