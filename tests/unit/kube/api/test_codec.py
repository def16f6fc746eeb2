"""Proves that objects survive decoding and encoding, that null is absence, and that errors and unknown fields carry their path."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.codec import DecodeError, decode, decode_dict, encode, to_dict, unknown_fields


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


def test_unknown_fields() -> None:
    body = {
        "metadata": {"name": "a", "labls": {}},
        "spec": {"containers": [{"name": "c", "imagee": "x"}], "nodeSelector": {"any": "thing"}},
        "extra": 1,
    }
    assert unknown_fields(core_v1.Pod, body) == ["metadata.labls", "spec.containers[0].imagee", "extra"]
    assert decode_dict(core_v1.Pod, body).metadata.name == "a"
