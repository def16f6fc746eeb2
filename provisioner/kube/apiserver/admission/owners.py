"""OwnerReferencesPermissionEnforcement: who changes an object's owners may delete it, and who blocks an owner's deletion may finalize it."""

from __future__ import annotations

from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import Target


class OwnerReferences(Plugin):
    name = "OwnerReferencesPermissionEnforcement"

    def __init__(self, registry: Registry, authorizer: Authorizer) -> None:
        self._registry, self._authorizer = registry, authorizer

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        before = {o.uid: o for o in (old.metadata.owner_references or ())} if old is not None else {}
        after = {o.uid: o for o in new.metadata.owner_references or ()}
        if before == after:
            return
        resource, target = kind.resource, call.target
        name = new.metadata.name or new.metadata.generate_name or ""
        if old is not None:
            asked = Target("delete", "", resource.group, resource.version, resource.plural, target.namespace, name, target.subresource)
            if not (await self._authorizer.judge(call.user, asked)).allowed:
                message = "cannot set an ownerRef on a resource you can't delete: " + Authorizer.refusal(call.user, asked)
                raise forbidden(resource.plural, name, message, resource.group)
        blocking = [o for uid, o in after.items() if o.block_owner_deletion and not (uid in before and before[uid].block_owner_deletion)]
        for owner in blocking:
            group, _, version = (owner.api_version or "").rpartition("/")
            owns = next(
                (
                    k.resource
                    for k in self._registry.kinds()
                    if (k.resource.group, k.resource.version, k.resource.kind) == (group, version, owner.kind)
                ),
                None,
            )
            if owns is None:
                message = f"cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {owner.api_version} Kind {owner.kind}"
                raise forbidden(resource.plural, name, message, resource.group)
            where = target.namespace if owns.namespaced else ""
            asked = Target("update", "", group, version, owns.plural, where, owner.name or "", "finalizers")
            if not (await self._authorizer.judge(call.user, asked)).allowed:
                message = (
                    "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
                    + Authorizer.refusal(call.user, asked)
                )
                raise forbidden(resource.plural, name, message, resource.group)
