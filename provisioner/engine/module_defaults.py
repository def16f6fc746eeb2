"""What `module_defaults` names: modules, by any of their names, and groups of modules (`action_groups` of collections' meta/runtime.yml)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.engine.attributes import as_tuple
from provisioner.engine.collections import Collections
from provisioner.engine.errors import PlaybookError
from provisioner.inventory.documents import Location, location_of

# Groups that need no collection's name before them: the collections' groups that each is made of.
_SHORT = {
    "acme": ("community.crypto.acme",),
    "aws": ("amazon.aws.aws", "community.aws.aws"),
    "azure": ("azure.azcollection.azure",),
    "cpm": ("wti.remote.cpm",),
    "docker": ("community.general.docker", "community.docker.docker"),
    "gcp": ("google.cloud.gcp",),
    "k8s": ("community.kubernetes.k8s", "community.general.k8s", "community.kubevirt.k8s", "community.okd.k8s", "kubernetes.core.k8s"),
    "os": ("openstack.cloud.os",),
    "ovirt": ("ovirt.ovirt.ovirt", "community.general.ovirt"),
    "vmware": ("community.vmware.vmware",),
}
# Of modules that are here without their collection.
_SHIPPED = {
    "community.docker.docker": frozenset({"docker_container", "docker_image", "docker_network", "docker_volume"}),
    "kubernetes.core.k8s": frozenset({"k8s", "k8s_info"}),
    "kubernetes.core.helm": frozenset[str](),
}
_NO_MAPPING = (
    "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, the keys of which must be static action, module, or group names."
    " Only the values may contain templates. For example: {'ping': \"{{ ping_defaults }}\"}"
)


class ModuleDefaults:
    """`known` tells what a module is known as here, None where nobody has it."""

    def __init__(self, collections: Collections, known: Callable[[str], str | None]) -> None:
        self._collections = collections
        self._known = known
        self._modules: dict[str, str | None] = {}
        self._groups: dict[str, frozenset[str] | None] = {}

    def check(self, raw: Mapping[str, Any], place: Location | None) -> None:
        """Raises PlaybookError for a module or group that does not exist."""
        for level in as_tuple(raw.get("module_defaults") or ()):
            if not isinstance(level, Mapping):
                raise PlaybookError(_NO_MAPPING, location_of(raw, "module_defaults") or place)
            for name in level:
                group = _group_of(str(name))
                at = location_of(level, name) or place
                if group is not None and self._group(group) is None:
                    full = group if group.count(".") >= 2 else f"ansible.builtin.{group}"
                    raise PlaybookError(f"Error loading module_defaults: could not resolve the module_defaults group {full}", at)
                if group is None and self._module(str(name)) is None:
                    full = name if str(name).count(".") >= 2 else f"ansible.legacy.{name}"
                    raise PlaybookError(f"Could not resolve action {full} in module_defaults", at)

    def of(self, action: str, levels: list[Mapping[str, Any]]) -> list[Any]:
        """What holds for an action, groups' first; of what several levels say under one name the innermost counts."""
        groups: dict[str, Any] = {}
        own: Any = None
        for level in levels:
            for name, values in level.items():
                group = _group_of(str(name))
                if group is None:
                    own = values if self._module(str(name)) == action else own
                elif action in (self._group(group) or ()):
                    groups[group.removeprefix("ansible.builtin.")] = values
        return [values for values in (*groups.values(), own) if values]

    def _module(self, name: str) -> str | None:
        if name not in self._modules:
            self._modules[name] = self._known(name)
        return self._modules[name]

    def _group(self, name: str) -> frozenset[str] | None:
        """The actions in a group, as they are known here; None when there is no such group."""
        name = name.removeprefix("ansible.builtin.")
        if name not in self._groups:
            self._groups[name] = None  # what extends itself
            self._groups[name] = self._read(name)
        return self._groups[name]

    def _read(self, name: str) -> frozenset[str] | None:
        if name.count(".") < 2:
            parts = _SHORT.get(name)
            return None if parts is None else frozenset().union(*(self._group(part) or () for part in parts))
        collection = ".".join(name.split(".")[:2])
        entries = self._collections.action_group(name)
        if entries is None:
            return _SHIPPED.get(name)
        found = set(_SHIPPED.get(name, ()))
        for entry in entries:
            if isinstance(entry, str):
                action = self._module(entry if entry.count(".") >= 2 else f"{collection}.{entry}")
                found |= {action} if action else set()
            elif isinstance(entry, Mapping) and isinstance(entry.get("metadata"), Mapping):
                for other in as_tuple(entry["metadata"].get("extend_group") or ()):
                    found |= self._group(str(other) if str(other).count(".") >= 2 else f"{collection}.{other}") or set()
        return frozenset(found)


def _group_of(name: str) -> str | None:
    return name.removeprefix("group/") if name.startswith("group/") else None
