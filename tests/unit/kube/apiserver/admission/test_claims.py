"""Proves which part of a resource claim's status who may write: schedulers the allocation, drivers what is theirs, on their node or on any."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import resource_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.claims import AdminAccess, ClaimStatusAuthorization
from provisioner.kube.apiserver.authorization.authz import Authorizer, LocalMode, Verdict
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Collection, Entry

KIND: Any = SimpleNamespace(resource=SimpleNamespace(group="resource.k8s.io"))
DRIVER = User("system:serviceaccount:ns:driver", extra={"authentication.kubernetes.io/node-name": ("n1",)})


class Allows(LocalMode):
    def __init__(self, *rules: str) -> None:
        self.rules = set(rules)

    def decide(self, user: User, target: Target) -> Verdict:
        return Verdict(allowed=f"{target.verb} {target.subresource} {target.name}" in self.rules)


def claim(node: str = "n1", devices: tuple[tuple[str, str], ...] = (), reserved: str = "") -> Any:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    status: dict[str, Any] = {"allocation": {"nodeSelector": {"nodeSelectorTerms": [term]}}}
    status["devices"] = [{"driver": driver, "pool": "p", "device": "d", "data": {"is": said}} for driver, said in devices]
    if reserved:
        status["reservedFor"] = [{"resource": "pods", "name": reserved, "uid": "u"}]
    return msgspec.convert({"metadata": {"name": "c"}, "status": status}, resource_v1.ResourceClaim)


@pytest.mark.parametrize(
    ("old", "new", "rules", "missing"),
    [
        (claim(), claim(), [], ""),
        (claim(), claim(reserved="p"), ["update binding "], ""),
        (claim(), claim(node="n2"), [], "changing status.allocation or status.reservedFor requires resource"),
        (claim(), claim(devices=(("a", "x"),)), ["associated-node:update driver a"], ""),
        (claim(), claim(devices=(("a", "x"),)), ["arbitrary-node:update driver a"], ""),
        (
            claim(),
            claim(devices=(("a", "x"),)),
            ["associated-node:update driver b"],
            'verb="[associated-node:update arbitrary-node:update]"',
        ),
        (claim("n2"), claim("n2", (("a", "x"),)), ["associated-node:update driver a"], 'verb="[arbitrary-node:update]"'),
        (claim(devices=(("a", "x"), ("b", "x"))), claim(devices=(("a", "y"), ("b", "x"))), ["arbitrary-node:update driver a"], ""),
        (claim(devices=(("a", "x"),)), claim(), [], "changing status.devices requires"),
    ],
)
async def test_who_writes_what(old: Any, new: Any, rules: list[str], missing: str) -> None:
    plugin = ClaimStatusAuthorization(Authorizer([Allows(*rules)]))
    call = Call(DRIVER, Target("update", "/", "resource.k8s.io", "v1", "resourceclaims", "ns", "c", "status"))
    if not missing:
        await plugin.validate(call, KIND, new, old)
        return
    with pytest.raises(StatusError) as refused:
        await plugin.validate(call, KIND, new, old)
    assert refused.value.code == 422 and missing in refused.value.message


@pytest.mark.parametrize(
    ("labels", "wants", "may"),
    [({}, False, True), ({}, True, False), ({"resource.kubernetes.io/admin-access": "true"}, True, True)],
)
@pytest.mark.parametrize("is_template", [False, True])
async def test_who_may_watch_over_devices(labels: dict[str, str], wants: bool, may: bool, is_template: bool) -> None:
    namespaces = Collection()
    namespaces.entries["ns"] = Entry("ns", 1, b"{}", labels, {})
    plugin = AdminAccess(SimpleNamespace(collection=lambda _: namespaces))  # type: ignore[arg-type]
    asked: dict[str, Any] = {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "adminAccess": wants}}]}}
    spec, cls = ({"spec": asked}, resource_v1.ResourceClaimTemplate) if is_template else (asked, resource_v1.ResourceClaim)
    new: Any = msgspec.convert({"metadata": {"name": "c"}, "spec": spec}, cls)
    plural = "resourceclaimtemplates" if is_template else "resourceclaims"
    kind: Any = SimpleNamespace(stored_as=f"resource.k8s.io/{plural}", resource=SimpleNamespace(group="resource.k8s.io", kind=cls.KIND))
    call = Call(DRIVER, Target("create", "/", "resource.k8s.io", "v1", plural, "ns"))
    if may:
        await plugin.validate(call, kind, new, None)
        return
    with pytest.raises(StatusError, match="admin access to devices requires the") as refused:
        await plugin.validate(call, kind, new, None)
    assert f"{'spec.' if is_template else ''}spec.devices.requests[0].exactly.adminAccess" in refused.value.message
