"""The scale subresource of the kinds that have replicas (autoscaling/v1 Scale)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api._generated import autoscaling_v1, meta_v1
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.custom import json_paths
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.preconditions import mismatch
from provisioner.kube.apiserver.rest import Applied, Rest, check_name
from provisioner.kube.apiserver.subresources.bodies import SCALE
from provisioner.kube.storage.cache import Entry

# The Scale as it is, in plain dicts -> the one that is wanted.
Wanted = Callable[[dict[str, Any]], Any]


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


def _encoded(kind: Kind, data: bytes) -> bytes:
    return msgspec.json.encode(SCALE.to_dict(scale_of(kind, kind.load(data))))


async def read(rest: Rest, kind: Kind, call: Call) -> bytes:
    return _encoded(kind, (await rest.get(kind, call)).data)


async def write(rest: Rest, kind: Kind, call: Call, wanted: Wanted) -> bytes:
    """Raises StatusError."""

    async def set_replicas(obj: Obj, _: Entry) -> Obj:
        scale = rest.decoded(SCALE, call, wanted(SCALE.to_dict(scale_of(kind, obj))))
        _checked(kind, call, obj, scale)
        _put(kind, obj, scale.spec.replicas or 0)
        return obj

    return _encoded(kind, await rest.change(kind, call, set_replicas))


async def apply(rest: Rest, kind: Kind, call: Call, document: Any) -> bytes:
    """Server-side apply: the replicas of the object belong to who applied them, as its managedFields say. Raises StatusError."""
    rest.check_appliable(SCALE, call, document)
    given = rest.decoded(SCALE, call, document)
    given.metadata.name = given.metadata.name or call.target.name
    applied = Applied()

    async def merged(obj: Obj, _: Entry) -> Obj:
        _checked(kind, call, obj, given)
        applied.document = rest.applied_to(kind, call, kind.to_dict(obj), _as_applied(kind, obj, document))
        made = kind.decode(applied.document)
        made.metadata.resource_version = obj.metadata.resource_version
        return made

    return _encoded(kind, await rest.change(kind, call, merged, applied=applied))


def _as_applied(kind: Kind, obj: Obj, document: dict[str, Any]) -> dict[str, Any]:
    """What applying a Scale says of the object itself."""
    replicas = (document.get("spec") or {}).get("replicas")
    wanted: dict[str, Any] = {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind}
    if replicas is None:
        return wanted
    if kind.scale is not None:
        *above, last = kind.scale["specReplicasPath"].lstrip(".").split(".")
        place = wanted
        for name in above:
            place = place.setdefault(name, {})
        place[last] = replicas
        return wanted
    return {**wanted, "spec": {"replicas": replicas}}


def _checked(kind: Kind, call: Call, obj: Obj, scale: autoscaling_v1.Scale) -> None:
    """Raises 400, 409, 422."""
    name, given = call.target.name, scale.metadata
    check_name(given.name, name)
    if given.resource_version and given.resource_version != obj.metadata.resource_version:
        raise errors.conflict(kind.resource.plural, name, group=kind.resource.group)
    if given.uid and given.uid != obj.metadata.uid:
        raise mismatch(kind.resource.plural, obj, "UID", given.uid, kind.resource.group)
    replicas = scale.spec.replicas or 0
    if replicas < 0:
        found = errors.invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise errors.invalid("Scale", name, [found], "autoscaling")


def _put(kind: Kind, obj: Obj, replicas: int) -> None:
    if kind.scale is not None:
        json_paths.put(obj.body, kind.scale["specReplicasPath"], replicas)
    else:
        obj.spec.replicas = replicas
