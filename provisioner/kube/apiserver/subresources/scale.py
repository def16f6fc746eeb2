"""The scale subresource of the kinds that have replicas (autoscaling/v1 Scale)."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api._generated import autoscaling_v1, meta_v1
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.custom import json_paths
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources.pods import decoded
from provisioner.kube.storage.cache import Entry


def scale_of(kind: Kind, obj: Obj) -> autoscaling_v1.Scale:
    """The Scale that an object shows."""
    metadata = obj.metadata
    if kind.scale is not None:
        paths = {name: json_paths.first(obj.body, path) for name, path in kind.scale.items() if path}
        return _scale(metadata, paths.get("specReplicasPath"), paths.get("statusReplicasPath"), paths.get("labelSelectorPath"))
    selector = obj.spec.selector
    text = (
        ",".join(f"{k}={v}" for k, v in sorted(selector.items()))
        if isinstance(selector, dict)
        else str(from_struct(selector))
        if selector
        else ""
    )
    return _scale(metadata, obj.spec.replicas, obj.status.replicas, text)


def _scale(metadata: meta_v1.ObjectMeta, wanted: int | None, present: int | None, selector: str | None) -> autoscaling_v1.Scale:
    return autoscaling_v1.Scale(
        metadata=meta_v1.ObjectMeta(
            name=metadata.name,
            namespace=metadata.namespace,
            uid=metadata.uid,
            resource_version=metadata.resource_version,
            creation_timestamp=metadata.creation_timestamp,
        ),
        spec=autoscaling_v1.ScaleSpec(replicas=wanted or 0),
        status=autoscaling_v1.ScaleStatus(replicas=present or 0, selector=selector or None),
    )


async def read(rest: Rest, kind: Kind, call: Call) -> bytes:
    return msgspec.json.encode(scale_of(kind, kind.load((await rest.get(kind, call)).data)))


async def write(rest: Rest, kind: Kind, call: Call, decide: Any) -> bytes:
    """`decide` is the new Scale document, or a function from the present one to it (a patch)."""

    async def set_replicas(obj: Obj, _: Entry) -> Obj:
        scale = decoded(autoscaling_v1.Scale, decide(msgspec.to_builtins(scale_of(kind, obj))) if callable(decide) else decide)
        wanted = scale.metadata.resource_version
        if wanted and wanted != obj.metadata.resource_version:
            raise errors.conflict(kind.resource.plural, call.target.name, group=kind.resource.group)
        replicas = scale.spec.replicas or 0
        if replicas < 0:
            found = errors.invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
            raise errors.invalid("Scale", call.target.name, [found], "autoscaling")
        if kind.scale is not None:
            json_paths.put(obj.body, kind.scale["specReplicasPath"], replicas)
        else:
            obj.spec.replicas = replicas
        return obj

    stored = await rest.change(kind, call, set_replicas)
    return msgspec.json.encode(scale_of(kind, kind.load(stored)))
