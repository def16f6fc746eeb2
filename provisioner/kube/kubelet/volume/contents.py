"""Which files a ConfigMap, Secret, downward API or projected volume holds."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Mapping, Sequence

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.kubelet.errors import ContainerRefused, VolumeError
from provisioner.kube.kubelet.pod.downward import Place, field_value, resource_value
from provisioner.kube.kubelet.volume.objects import TOKEN_S, ApiObjects
from provisioner.kube.kubelet.volume.payload import Payload

DEFAULT_MODE = 0o644
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def safe_path(volume: str, path: str) -> str:
    """A relative path without `..`; the API server checks it too. Raises VolumeError."""
    clean = posixpath.normpath(path)
    if not path or clean.startswith(("/", "..")) or ".." in clean.split("/"):
        raise VolumeError(volume, f"path {path!r} must lie inside the volume")
    return clean


def picked(
    volume: str, what: str, content: Mapping[str, bytes], items: Sequence[core_v1.KeyToPath] | None, mode: int, *, optional: bool
) -> dict[str, Payload]:
    """All keys, or those of `items` under their paths."""
    if not items:
        return {safe_path(volume, key): Payload(value, mode) for key, value in content.items()}
    files = {}
    for item in items:
        key = item.key or ""
        if key not in content:
            if optional:
                continue
            raise VolumeError(volume, f"{what} references non-existent config key: {key}")
        files[safe_path(volume, item.path or key)] = Payload(content[key], item.mode if item.mode is not None else mode)
    return files


class Contents:
    """Gathers files; everything that it reads comes from `objects`."""

    def __init__(self, objects: ApiObjects) -> None:
        self._objects = objects

    async def of(self, pod: core_v1.Pod, volume: core_v1.Volume, place: Place) -> dict[str, Payload]:
        """Raises VolumeError, or the client's errors."""
        name = volume.name or ""
        if (config_map := volume.config_map) is not None:
            mode = _mode(config_map.default_mode)
            return await self._config_map(pod, name, config_map.name or "", config_map.items, mode, optional=bool(config_map.optional))
        if (secret := volume.secret) is not None:
            return await self._secret(
                pod, name, secret.secret_name or "", secret.items, _mode(secret.default_mode), optional=bool(secret.optional)
            )
        if (downward := volume.downward_api) is not None:
            return self._downward(pod, name, downward.items, _mode(downward.default_mode), place)
        if (projected := volume.projected) is not None:
            files: dict[str, Payload] = {}
            for source in projected.sources or ():
                files |= await self._projection(pod, name, source, _mode(projected.default_mode), place)
            return files
        raise VolumeError(name, "this kind of volume is not supported")

    async def _projection(
        self, pod: core_v1.Pod, volume: str, source: core_v1.VolumeProjection, mode: int, place: Place
    ) -> dict[str, Payload]:
        if (config_map := source.config_map) is not None:
            return await self._config_map(pod, volume, config_map.name or "", config_map.items, mode, optional=bool(config_map.optional))
        if (secret := source.secret) is not None:
            return await self._secret(pod, volume, secret.name or "", secret.items, mode, optional=bool(secret.optional))
        if source.downward_api is not None:
            return self._downward(pod, volume, source.downward_api.items, mode, place)
        if (asked := source.service_account_token) is not None:
            token = await self._objects.token(pod, asked.audience or "", asked.expiration_seconds or TOKEN_S)
            user = pod.spec.security_context.run_as_user if pod.spec.security_context else None
            grouped = pod.spec.security_context is not None and pod.spec.security_context.fs_group is not None
            # Upstream: readable by the pod's one user, or by its fsGroup; by everyone where neither is known.
            token_mode = 0o640 if grouped else 0o600 if user is not None else mode
            return {safe_path(volume, asked.path or "token"): Payload(token.encode(), token_mode, user)}
        if (bundle := source.cluster_trust_bundle) is not None:
            anchors = await self._trust_anchors(volume, bundle)
            return {safe_path(volume, bundle.path or ""): Payload(anchors, mode)}
        raise VolumeError(volume, "podCertificate projections are not supported on this node")

    async def _trust_anchors(self, volume: str, asked: core_v1.ClusterTrustBundleProjection) -> bytes:
        """The certificates of one bundle, or of a signer's bundles that are selected; each once."""
        if asked.name:
            one = await self._objects.trust_bundle(asked.name)
            found, missing = [one] if one is not None else [], f'clustertrustbundle "{asked.name}" not found'
        else:
            # No selector is none of them, an empty one is all: as everywhere in the API.
            selector = from_struct(asked.label_selector) if asked.label_selector is not None else None
            signed = await self._objects.trust_bundles(asked.signer_name or "")
            found = [b for b in signed if selector is not None and selector.matches(b.metadata.labels)]
            missing = "combination of signerName and labelSelector matched zero ClusterTrustBundles"
        if not found and not asked.optional:
            raise VolumeError(volume, missing)
        anchors = {block for bundle in found for block in _CERTIFICATE.findall(bundle.spec.trust_bundle or "")}
        return "".join(f"{block}\n" for block in sorted(anchors)).encode()

    async def _config_map(
        self, pod: core_v1.Pod, volume: str, name: str, items: Sequence[core_v1.KeyToPath] | None, mode: int, *, optional: bool
    ) -> dict[str, Payload]:
        found = await self._objects.config_map(pod.metadata.namespace or "", name)
        if found is None:
            if optional:
                return {}
            raise VolumeError(volume, f'configmap "{name}" not found')
        content = {key: value.encode() for key, value in (found.data or {}).items()}
        content |= {key: base64.b64decode(value) for key, value in (found.binary_data or {}).items()}
        return picked(volume, "configmap", content, items, mode, optional=optional)

    async def _secret(
        self, pod: core_v1.Pod, volume: str, name: str, items: Sequence[core_v1.KeyToPath] | None, mode: int, *, optional: bool
    ) -> dict[str, Payload]:
        found = await self._objects.secret(pod.metadata.namespace or "", name)
        if found is None:
            if optional:
                return {}
            raise VolumeError(volume, f'secret "{name}" not found')
        content = {key: base64.b64decode(value) for key, value in (found.data or {}).items()}
        return picked(volume, "secret", content, items, mode, optional=optional)

    def _downward(
        self, pod: core_v1.Pod, volume: str, items: Sequence[core_v1.DownwardAPIVolumeFile] | None, mode: int, place: Place
    ) -> dict[str, Payload]:
        files = {}
        for item in items or ():
            try:
                if item.field_ref is not None:
                    text = field_value(pod, item.field_ref.field_path or "", place)
                elif item.resource_field_ref is not None:
                    text = resource_value(pod, item.resource_field_ref, None, place)
                else:
                    text = ""
            except ContainerRefused as error:
                raise VolumeError(volume, error.message) from error
            files[safe_path(volume, item.path or "")] = Payload(text.encode(), item.mode if item.mode is not None else mode)
        return files


def _mode(mode: int | None) -> int:
    return mode if mode is not None else DEFAULT_MODE
