"""ClusterRoles with an aggregationRule: their rules are those of all roles that its selectors choose."""

from __future__ import annotations

import msgspec

from provisioner.kube.api._generated import rbac_v1
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.controllers.controller import Controller, Parts


def aggregated(role: rbac_v1.ClusterRole, everyone: list[rbac_v1.ClusterRole]) -> list[rbac_v1.PolicyRule]:
    """The rules of the chosen roles, by selector and then by name, each once."""
    found: list[rbac_v1.PolicyRule] = []
    rule = role.aggregation_rule
    for selector in (rule.cluster_role_selectors if rule is not None else None) or ():
        matches = from_struct(selector).matches
        for other in sorted(everyone, key=lambda r: r.metadata.name or ""):
            if other.metadata.name != role.metadata.name and matches(other.metadata.labels or {}):
                found += [r for r in other.rules or () if r not in found]
    return found


class RoleAggregation(Controller):
    name = "clusterrole-aggregation"
    workers = 1

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._roles = self.informers.get(rbac_v1.ClusterRole)
        self._roles.on_change(self._changed)

    def _changed(self, _: rbac_v1.ClusterRole) -> None:
        for role in self._roles.store.list():
            if role.aggregation_rule is not None:
                self.enqueue(role)

    async def reconcile(self, key: str) -> float | None:
        role: rbac_v1.ClusterRole | None = self._roles.store.get(key)
        if role is None or role.aggregation_rule is None or role.metadata.deletion_timestamp is not None:
            return None
        rules = aggregated(role, self._roles.store.list())
        if rules != (role.rules or []):
            await self.client.update(msgspec.structs.replace(role, rules=rules or None))
        return None
