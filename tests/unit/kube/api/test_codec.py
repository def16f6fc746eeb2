"""Proves that objects survive decoding and encoding, that null is absence, and that errors and unknown fields carry their path."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apiextensions_v1, apps_v1, core_v1, rbac_v1
from provisioner.kube.api.codec import DecodeError, decode, decode_dict, drop_empties, encode, to_dict, unknown_fields


def test_round_trip() -> None:
    text = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}'
    found = decode(core_v1.ConfigMap, text)
    assert found.data == {"k": "v"}
    assert decode(core_v1.ConfigMap, encode(found)) == found
    assert to_dict(found)["metadata"] == {"name": "a"}


def test_null_is_absent() -> None:
    body = b'{"metadata":{"name":"a"},"spec":{"template":{"metadata":null,"spec":{"containers":[{"name":"c","resources":null}]}}},"status":null}'
    found = decode(apps_v1.Deployment, body)
    assert found.metadata.creation_timestamp is None
    assert found.spec.template is not None


def test_errors_carry_the_path() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(apps_v1.Deployment, b'{"spec":{"replicas":"three"}}')
    assert caught.value.path == "spec.replicas"
    with pytest.raises(DecodeError, match="invalid JSON"):
        decode(apps_v1.Deployment, b"{")


@pytest.mark.parametrize(
    ("kind", "document", "message"),
    [
        (apps_v1.Deployment, {"spec": {"replicas": "3"}}, "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (apps_v1.Deployment, {"spec": {"replicas": 2**40}}, "number 1099511627776 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (
            apps_v1.Deployment,
            {"spec": {"template": {"spec": {"containers": {"name": "x"}}}}},
            "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
        ),
        (core_v1.Pod, {"metadata": {"labels": {"a": 1}}}, "number into Go struct field ObjectMeta.metadata.labels of type string"),
        (
            core_v1.Pod,
            {"spec": {"containers": [{"resources": {"limits": {"cpu": True}}}]}},
            "bool into Go struct field ResourceRequirements.spec.containers.resources.limits of type resource.Quantity",
        ),
        (core_v1.Service, {"spec": {"ports": [{"targetPort": []}]}}, "array into Go struct field ServicePort.spec.ports.targetPort of type intstr.IntOrString"),
        (core_v1.Pod, {"spec": "x"}, "string into Go struct field Pod.spec of type v1.PodSpec"),
        (core_v1.Pod, [], "array into Go value of type v1.Pod"),
    ],
)  # fmt: skip
def test_errors_say_what_stood_where_in_upstreams_words(kind: type[Any], document: Any, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_dict(kind, document)
    assert str(caught.value) == f"json: cannot unmarshal {message}"


def test_null_items_are_the_zero_of_their_type() -> None:
    found = decode(core_v1.Pod, b'{"metadata":{"annotations":{"a":null}},"spec":{"containers":[{"name":"c","args":[null]},null]}}')
    assert found.metadata.annotations == {"a": ""}
    assert [c.args for c in found.spec.containers or ()] == [[""], None]


def test_unknown_fields() -> None:
    body = {
        "metadata": {"name": "a", "labls": {}},
        "spec": {"containers": [{"name": "c", "imagee": "x"}], "nodeSelector": {"any": "thing"}},
        "extra": 1,
    }
    assert unknown_fields(core_v1.Pod, body) == ["metadata.labls", "spec.containers[0].imagee", "extra"]
    assert decode_dict(core_v1.Pod, body).metadata.name == "a"


@pytest.mark.parametrize(
    ("kind", "document", "left"),
    [
        (
            core_v1.Pod,
            {
                "metadata": {"name": "p", "labels": {}, "finalizers": []},
                "spec": {"nodeSelector": {}, "tolerations": [], "containers": [{"name": "c"}]},
            },
            {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}, "status": {}},
        ),
        (
            core_v1.Pod,
            {"spec": {"containers": [{"name": "c", "env": [], "resources": {"limits": {}}}], "volumes": [{"name": "v", "emptyDir": {}}]}},
            {
                "metadata": {},
                "spec": {"containers": [{"name": "c", "resources": {}}], "volumes": [{"name": "v", "emptyDir": {}}]},
                "status": {},
            },
        ),
        (core_v1.ConfigMap, {"data": {}, "binaryData": {}}, {"metadata": {}}),
        (rbac_v1.Role, {"rules": []}, {"metadata": {}, "rules": []}),
        (
            apiextensions_v1.JSONSchemaProps,
            {"default": {}, "properties": {"a": {"default": [], "required": [], "enum": [[], {}]}}, "definitions": {}},
            {"default": {}, "properties": {"a": {"default": [], "enum": [[], {}]}}},
        ),
    ],
    ids=["pod", "inside", "config", "written-by-upstream-too", "any-value"],
)
def test_optional_lists_and_maps_that_are_empty_are_left_out(kind: type[Any], document: Any, left: Any) -> None:
    """As Go's omitempty does; Structs and values of any type stay."""
    found = decode_dict(kind, document)
    drop_empties(found)
    assert {key: value for key, value in to_dict(found).items() if key not in ("apiVersion", "kind")} == left
