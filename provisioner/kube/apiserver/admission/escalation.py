"""Nobody grants what they don't have: roles and bindings are checked against the rules of who writes them.

Source: RBAC's "Privilege escalation prevention": the verbs `escalate` on roles and `bind` on what is bound lift the check.
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.kube.api._generated import rbac_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.authorization.rbac import GROUP, Rbac
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.requests import Target

ROLES = frozenset({"Role", "ClusterRole"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
EVERYTHING = (
    rbac_v1.PolicyRule(verbs=["*"], api_groups=["*"], resources=["*"]),
    rbac_v1.PolicyRule(verbs=["*"], non_resource_urls=["*"]),
)


class Escalation(Plugin):
    name = "RBACEscalation"
    optional = False
    kinds = frozenset(f"{GROUP}/{plural}" for plural in ("roles", "clusterroles", "rolebindings", "clusterrolebindings"))

    def __init__(self, rbac: Rbac, authorizer: Authorizer) -> None:
        self._rbac, self._authorizer = rbac, authorizer

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        resource = kind.resource
        if resource.group != GROUP or "system:masters" in call.user.groups:
            return
        name, namespace = new.metadata.name or new.metadata.generate_name or "", call.target.namespace
        if resource.kind in ROLES:
            aggregates = resource.kind == "ClusterRole" and new.aggregation_rule is not None
            if old is not None and old.rules == new.rules and (not aggregates or old.aggregation_rule == new.aggregation_rule):
                return
            if await self._may(call, "escalate", resource.plural, namespace, name):
                return
            # What will be gathered can be anything: who writes that down must have everything.
            asked = [*(new.rules or ()), *(EVERYTHING if aggregates else ())]
            missing = self._rbac.covers(call.user, namespace, asked)
        elif resource.kind in BINDINGS:
            if old is not None and (old.role_ref, old.subjects) == (new.role_ref, new.subjects):
                return
            role = new.role_ref
            if await self._may(call, "bind", f"{role.kind.lower()}s", namespace, role.name):
                return
            rules = self._rbac.role_rules(role.kind, namespace, role.name)
            if rules is None:
                raise forbidden(resource.plural, name, f'the role "{role.name}" that is bound does not exist', GROUP)
            missing = self._rbac.covers(call.user, namespace, rules)
        else:
            return
        if missing:
            lines = "\n".join(described(missing))
            groups = " ".join(f'"{group}"' for group in call.user.groups)
            message = f'user "{call.user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n{lines}'
            raise forbidden(resource.plural, name, message, GROUP)

    async def _may(self, call: Call, verb: str, plural: str, namespace: str, name: str) -> bool:
        return (await self._authorizer.judge(call.user, Target(verb, "", GROUP, "v1", plural, namespace, name))).allowed


def described(rules: Iterable[rbac_v1.PolicyRule]) -> Iterable[str]:
    """Rules as upstream shows them."""
    for rule in rules:
        parts = {
            "APIGroups": rule.api_groups,
            "Resources": rule.resources,
            "ResourceNames": rule.resource_names,
            "NonResourceURLs": rule.non_resource_urls,
            "Verbs": rule.verbs,
        }
        shown = ", ".join(f"{key}:[{' '.join(chr(34) + v + chr(34) for v in values)}]" for key, values in parts.items() if values)
        yield f"{{{shown}}}"
