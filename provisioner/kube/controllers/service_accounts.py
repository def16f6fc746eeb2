"""Service accounts: every namespace has a `default` one, and the cluster's CA in the ConfigMap kube-root-ca.crt."""

from __future__ import annotations

import msgspec

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.controllers.controller import Controller, Parts

ROOT_CA = "kube-root-ca.crt"
NOTE = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
}


class ServiceAccounts(Controller):
    name = "serviceaccount"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._namespaces = self.watch(core_v1.Namespace)
        self._accounts = self.informers.get(core_v1.ServiceAccount)
        self._accounts.add_handler(on_delete=lambda account: self.queue.add(account.metadata.namespace or ""))

    async def reconcile(self, key: str) -> float | None:
        namespace: core_v1.Namespace | None = self._namespaces.store.get(key)
        if namespace is None or namespace.status.phase == "Terminating" or self._accounts.store.get(f"{key}/default") is not None:
            return None
        await made(self, core_v1.ServiceAccount(metadata=meta_v1.ObjectMeta(name="default", namespace=key)))
        return None


class RootCa(Controller):
    name = "root-ca-certificate-publisher"

    def __init__(self, parts: Parts, ca: str) -> None:
        super().__init__(parts)
        self._data = {"ca.crt": ca}
        self._namespaces = self.watch(core_v1.Namespace)
        self._maps = self.informers.get(core_v1.ConfigMap)
        self._maps.on_change(self._changed)

    def _changed(self, found: core_v1.ConfigMap) -> None:
        if found.metadata.name == ROOT_CA:
            self.queue.add(found.metadata.namespace or "")

    async def reconcile(self, key: str) -> float | None:
        namespace: core_v1.Namespace | None = self._namespaces.store.get(key)
        if namespace is None or namespace.status.phase == "Terminating":
            return None
        present = self._maps.store.get(f"{key}/{ROOT_CA}")
        if present is None:
            await made(self, core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=ROOT_CA, namespace=key, annotations=NOTE), data=self._data))
        elif present.data != self._data:
            await self.client.update(msgspec.structs.replace(present, data=self._data))
        return None


async def made(controller: Controller, obj: core_v1.ServiceAccount | core_v1.ConfigMap) -> None:
    """Create; that it is there already, or that its namespace is going, is no error."""
    try:
        await controller.client.create(obj)
    except StatusError as error:
        if error.code not in (403, 404, 409):
            raise
