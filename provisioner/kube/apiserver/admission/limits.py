"""LimitRanger: containers get the namespace's default requests and limits, and stay inside its minimum, maximum and ratio.

Source: core/v1 LimitRange (types Container, Pod, PersistentVolumeClaim).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.kube.api import codec, quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.api.pod_totals import whole_pod
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

NOTE = "kubernetes.io/limit-ranger"
Amounts = Mapping[str, Any]


class LimitRanger(Plugin):
    name = "LimitRanger"
    kinds = frozenset({"core/pods", "core/persistentvolumeclaims"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    def _ranges(self, namespace: str) -> list[core_v1.LimitRangeItem]:
        entries = self._cache.collection("core/limitranges").page(f"{namespace}/", "")
        return [item for entry in entries for item in codec.decode(core_v1.LimitRange, entry.data).spec.limits or ()]

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if kind.stored_as != "core/pods" or old is not None or call.target.subresource:
            return
        notes = []
        for item in self._ranges(call.target.namespace):
            if item.type == "Container":
                for group, containers in (("container", new.spec.containers), ("init container", new.spec.init_containers)):
                    notes += [note for container in containers or () for note in _fill(container, item, group)]
        if notes:
            new.metadata.annotations = {**(new.metadata.annotations or {}), NOTE: "LimitRanger plugin set: " + "; ".join(notes)}

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        # A pod takes something else by a resize alone, a claim by any change.
        part = "resize" if kind.stored_as == "core/pods" and old is not None else ""
        if call.target.subresource != part or kind.stored_as not in ("core/pods", "core/persistentvolumeclaims"):
            return
        found: list[str] = []
        for item in self._ranges(call.target.namespace):
            if kind.stored_as == "core/persistentvolumeclaims":
                if item.type == "PersistentVolumeClaim":
                    resources = new.spec.resources
                    found += check(item, (resources.requests if resources else None) or {}, {}, requests_only=True)
            elif item.type == "Container":
                for container in [*(new.spec.containers or ()), *(new.spec.init_containers or ())]:
                    found += check(item, *amounts(container))
            elif item.type == "Pod":
                found += check(item, pod_amounts(new.spec, "requests"), pod_amounts(new.spec, "limits"))
        if found:
            listed = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
            raise forbidden(kind.resource.plural, new.metadata.name or new.metadata.generate_name or "", listed)


def amounts(container: core_v1.Container) -> tuple[dict[str, Any], dict[str, Any]]:
    """(requests, limits) of a container; what only has a limit asks for it."""
    resources = container.resources
    limits = dict((resources.limits if resources else None) or {})
    return {**limits, **((resources.requests if resources else None) or {})}, limits


def pod_amounts(spec: core_v1.PodSpec, kind: str) -> dict[str, str]:
    """What a pod requests or is limited to in all (`kind`: requests or limits), written as people write it."""
    return {name: quantity.render(total, "decimal" if name == "cpu" else "binary") for name, total in whole_pod(spec, kind).items()}


def _fill(container: core_v1.Container, item: core_v1.LimitRangeItem, group: str) -> Iterable[str]:
    resources = container.resources or core_v1.ResourceRequirements()
    for what, default in (("request", item.default_request), ("limit", item.default)):
        present = dict((resources.requests if what == "request" else resources.limits) or {})
        for name, value in sorted((default or {}).items()):
            if name not in present:
                present[name] = value
                yield f"{name} {what} for {group} {container.name}"
        if present and what == "request":
            resources.requests = present
        elif present:
            resources.limits = present
    container.resources = resources


def check(item: core_v1.LimitRangeItem, requests: Amounts, limits: Amounts, *, requests_only: bool = False) -> list[str]:
    """What is out of the range, in upstream's words."""
    found = []
    for name, bound in (item.min or {}).items():
        if name not in requests:
            found.append(f"minimum {name} usage per {item.type} is {bound}.  No request is specified")
        elif quantity.parse(requests[name]) < quantity.parse(bound):
            found.append(f"minimum {name} usage per {item.type} is {bound}, but request is {requests[name]}")
    for name, bound in (item.max or {}).items():
        given = requests if requests_only else limits
        word = "request" if requests_only else "limit"
        if name not in given:
            found.append(f"maximum {name} usage per {item.type} is {bound}.  No {word} is specified")
        elif quantity.parse(given[name]) > quantity.parse(bound):
            found.append(f"maximum {name} usage per {item.type} is {bound}, but {word} is {given[name]}")
    for name, bound in (item.max_limit_request_ratio or {}).items():
        if name not in requests or name not in limits or not quantity.parse(requests[name]):
            found.append(f"{name} max limit to request ratio per {item.type} is {bound}, but no request is specified or request is 0")
        elif quantity.parse(limits[name]) > quantity.parse(bound) * quantity.parse(requests[name]):
            ratio = float(quantity.parse(limits[name]) / quantity.parse(requests[name]))
            found.append(f"{name} max limit to request ratio per {item.type} is {bound}, but provided ratio is {ratio:.6f}")
    return found
