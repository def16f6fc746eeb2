"""Proves that Kubernetes protobuf bodies become the documents that JSON bodies would have been."""

from __future__ import annotations

import pytest

from provisioner.kube.api.protobuf import MAGIC, ProtobufError, decode


def field(number: int, data: bytes | str | int) -> bytes:
    if isinstance(data, int):
        return bytes([number << 3]) + varint(data)
    data = data.encode() if isinstance(data, str) else data
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + field(1, field(1, api_version) + field(2, kind)) + field(2, raw)


def test_a_deployment() -> None:
    container = field(1, "c") + field(2, "busybox") + field(8, field(2, field(1, "cpu") + field(2, field(1, "100m")))) + field(14, "")
    pod = field(2, container) + field(3, "Always") + field(4, 0) + field(11, 0)
    template = field(1, field(11, field(1, "app") + field(2, "web"))) + field(2, pod)
    surge = field(2, field(2, field(1, 1) + field(2, 0) + field(3, "25%")))
    spec = field(1, 0) + field(3, template) + field(4, surge) + field(5, 0)
    body = envelope("apps/v1", "Deployment", field(1, field(1, "web") + field(7, 0) + field(8, b"")) + field(2, spec))
    found = decode(body)
    assert found["metadata"] == {"name": "web"}
    assert found["spec"]["replicas"] == 0
    assert "minReadySeconds" not in found["spec"]
    assert found["spec"]["strategy"] == {"rollingUpdate": {"maxSurge": "25%"}}
    inner = found["spec"]["template"]["spec"]
    assert inner["containers"] == [{"name": "c", "image": "busybox", "resources": {"requests": {"cpu": "100m"}}}]
    assert inner["terminationGracePeriodSeconds"] == 0
    assert "hostNetwork" not in inner


def test_inline_messages_bytes_and_times() -> None:
    volume = field(1, "v") + field(2, field(2, field(1, "")))
    body = envelope("v1", "Pod", field(1, field(1, "p") + field(8, field(1, 1_700_000_000))) + field(2, field(1, volume)))
    found = decode(body)
    assert found["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]
    assert found["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"
    secret = decode(envelope("v1", "Secret", field(2, field(1, "k") + field(2, b"\x00\x01"))))
    assert secret["data"] == {"k": "AAE="}


@pytest.mark.parametrize(
    "body", [b"", b"{}", MAGIC + b"\xff", envelope("v1", "Nonsense", field(1, "x")), envelope("v1", "Pod", b"\x0a\x7f")]
)
def test_refused(body: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode(body)
