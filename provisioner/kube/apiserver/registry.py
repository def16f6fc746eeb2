"""Which resources the server serves: the built-in ones and, as they come, those of CustomResourceDefinitions."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping

import msgspec

from provisioner.kube.api import deprecations
from provisioner.kube.api._generated.resources import RESOURCES, Resource
from provisioner.kube.apiserver.kinds import Kind, Version, outline

# Resources that are questions: they are answered, never stored.
VIRTUAL = frozenset(
    {
        "bindings",
        "componentstatuses",
        "tokenreviews",
        "selfsubjectreviews",
        "subjectaccessreviews",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "localsubjectaccessreviews",
    }
)
# (group, plural) whose versions share one stored form: the version named here.
STORED_VERSION = {("autoscaling", "horizontalpodautoscalers"): "v2"}
_GROUPS = frozenset(resource.group for resource in RESOURCES)
# Resources served by reading another's objects.
STORED_ELSEWHERE = {("events.k8s.io", "events"): "core/events"}


class Registry:
    """Built-in resources that are not `served` are known all the same: others may be stored in their version."""

    def __init__(self, served: Callable[[Resource], bool] = lambda _: True) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        # group/plural -> the kind in whose version it is stored
        self._stored: dict[str, Kind] = {}
        # group/plural -> the kinds of all its versions
        self._versions: dict[str, list[Kind]] = {}
        hubs: dict[str, Resource] = {}
        for resource in RESOURCES:
            stored_as = f"{resource.group or 'core'}/{resource.plural}"
            if STORED_VERSION.get((resource.group, resource.plural), resource.version) == resource.version:
                hubs.setdefault(stored_as, resource)
        for resource in RESOURCES:
            stored_as = STORED_ELSEWHERE.get((resource.group, resource.plural), f"{resource.group or 'core'}/{resource.plural}")
            hub = hubs[stored_as]
            kind = Kind(resource, stored_as) if hub is resource else Version(resource, stored_as, hub)
            if served(resource):
                self.add(kind)
            elif kind.is_hub:
                self._stored[stored_as] = kind

    def add(self, kind: Kind) -> None:
        resource = kind.resource
        self._kinds[(resource.group, resource.version, resource.plural)] = kind
        self._versions.setdefault(kind.stored_as, []).append(kind)
        if kind.is_hub:
            self._stored[kind.stored_as] = kind

    def remove(self, group: str, version: str, plural: str) -> None:
        kind = self._kinds.pop((group, version, plural), None)
        if kind is None:
            return
        self._versions[kind.stored_as].remove(kind)
        if self._stored.get(kind.stored_as) is kind:
            del self._stored[kind.stored_as]

    def versions(self, stored_as: str) -> list[Kind]:
        """The kinds of all versions of a resource."""
        return self._versions.get(stored_as, [])

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._kinds.get((group, version, plural))

    def is_built_in(self, group: str) -> bool:
        """Whether the group is one of the server's own, served or not."""
        return group in _GROUPS

    def removed_release(self, group: str, version: str, plural: str) -> str | None:
        """As deprecations have it."""
        kind = self.find(group, version, plural)
        return deprecations.removed_release(group, version, kind.resource.kind) if kind is not None else None

    def storage_hash(self, resource: Resource) -> str:
        """Which version a resource's objects are stored in, as discovery says it; "" where there are none."""
        kind = self.find(resource.group, resource.version, resource.plural)
        stored = self._stored.get(kind.stored_as) if kind is not None and resource.plural not in VIRTUAL else None
        if stored is None:
            return ""
        own = stored.resource
        return base64.b64encode(hashlib.sha256(f"{own.group}/{own.version}/{own.kind}".encode()).digest()[:8]).decode()

    def resources(self) -> list[Resource]:
        """All served resources, built-in ones first."""
        return [kind.resource for kind in self._kinds.values()]

    def kinds(self) -> list[Kind]:
        return list(self._kinds.values())

    def facts(self, stored_as: str, body: bytes) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """(labels, selectable fields) of a stored object. Raises ValueError for one that can't be read."""
        try:
            labels, fields = outline(body)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        kind = self._stored.get(stored_as)
        if kind is not None and kind.strategy.has_own_fields:
            fields = kind.fields(body)
            if stored_as == "core/events":
                fields |= {f"regarding.{k.partition('.')[2]}": v for k, v in fields.items() if k.startswith("involvedObject.")}
                fields["reportingController"] = fields["reportingComponent"]
        return labels, fields
