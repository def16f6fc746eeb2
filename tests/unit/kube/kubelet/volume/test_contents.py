"""Proves which files projected volumes hold, with which modes."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import certificates_v1beta1, core_v1
from provisioner.kube.kubelet.errors import VolumeError
from provisioner.kube.kubelet.pod.downward import Place
from provisioner.kube.kubelet.volume.contents import Contents, safe_path

PLACE = Place("n", "10.0.0.1", "10.244.0.2", {})


def certificate(text: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"


def bundle(*texts: str, **labels: str) -> certificates_v1beta1.ClusterTrustBundle:
    content = "\n# what it is\n".join(map(certificate, texts))
    return codec.decode_dict(certificates_v1beta1.ClusterTrustBundle, {"metadata": {"labels": labels}, "spec": {"trustBundle": content}})


class Objects:
    async def config_map(self, namespace: str, name: str) -> core_v1.ConfigMap:
        return codec.decode_dict(core_v1.ConfigMap, {"data": {"a": "1", "b": "2"}, "binaryData": {"c": "AP8="}})

    async def secret(self, namespace: str, name: str) -> core_v1.Secret | None:
        return codec.decode_dict(core_v1.Secret, {"data": {"s": "czNjcmV0"}})

    async def token(self, pod: core_v1.Pod, audience: str, expires_s: int) -> str:
        return f"{audience}:{expires_s}"

    async def trust_bundle(self, name: str) -> certificates_v1beta1.ClusterTrustBundle | None:
        return bundle("a", "b") if name == "known" else None

    async def trust_bundles(self, signer: str) -> list[certificates_v1beta1.ClusterTrustBundle]:
        return [bundle("b", "a", stage="test"), bundle("c", stage="live")] if signer == "x.io/ca" else []


async def files(volume: dict[str, Any], **spec: Any) -> dict[str, tuple[bytes, int]]:
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "namespace": "d"}, "spec": spec})
    found = await Contents(Objects()).of(pod, codec.decode_dict(core_v1.Volume, {"name": "v", **volume}), PLACE)  # type: ignore[arg-type]
    return {path: (payload.content, payload.mode) for path, payload in found.items()}


async def test_whole_config_map_and_secret() -> None:
    assert await files({"configMap": {"name": "x"}}) == {"a": (b"1", 0o644), "b": (b"2", 0o644), "c": (b"\0\xff", 0o644)}
    assert await files({"secret": {"secretName": "x", "defaultMode": 256}}) == {"s": (b"s3cret", 0o400)}


async def test_items_pick_and_rename() -> None:
    items = [{"key": "b", "path": "dir/b", "mode": 0o600}]
    assert await files({"configMap": {"name": "x", "items": items}}) == {"dir/b": (b"2", 0o600)}


async def test_projected_sources_come_together() -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "audience": "api"}},
        {"configMap": {"name": "x", "items": [{"key": "a", "path": "ca"}]}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    found = await files({"projected": {"sources": sources}})
    assert found == {"token": (b"api:3607", 0o644), "ca": (b"1", 0o644), "name": (b"p", 0o644)}
    for context, mode in (({"runAsUser": 5}, 0o600), ({"runAsUser": 5, "fsGroup": 6}, 0o640)):
        assert (await files({"projected": {"sources": sources[:1]}}, securityContext=context))["token"][1] == mode


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"name": "known"}, ["a", "b"]),
        ({"name": "none", "optional": True}, []),
        ({"name": "none"}, 'clustertrustbundle "none" not found'),
        ({"signerName": "x.io/ca", "labelSelector": {}}, ["a", "b", "c"]),
        ({"signerName": "x.io/ca", "labelSelector": {"matchLabels": {"stage": "live"}}}, ["c"]),
        ({"signerName": "x.io/ca"}, "matched zero ClusterTrustBundles"),
        ({"signerName": "y.io/ca", "labelSelector": {}}, "matched zero ClusterTrustBundles"),
    ],
)
async def test_trust_anchors_come_once_each(asked: dict[str, Any], found: list[str] | str) -> None:
    volume = {"projected": {"sources": [{"clusterTrustBundle": {"path": "ca.pem", **asked}}]}}
    if isinstance(found, str):
        with pytest.raises(VolumeError, match=found):
            await files(volume)
        return
    assert await files(volume) == {"ca.pem": ("".join(f"{certificate(text)}\n" for text in found).encode(), 0o644)}


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up", "a/../../b"])
def test_paths_stay_inside(path: str) -> None:
    with pytest.raises(VolumeError):
        safe_path("v", path)
