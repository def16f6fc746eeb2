"""Proves that an update or an apply creates nothing for those who may only change what is there."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.creation import CreateAuthorization
from provisioner.kube.apiserver.authorization.authz import Authorizer, LocalMode, Verdict
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.requests import Target


class Only(LocalMode):
    def __init__(self, *verbs: str) -> None:
        self._verbs = verbs

    def decide(self, user: User, target: Target) -> Verdict:
        return Verdict(allowed=target.verb in self._verbs)


@pytest.mark.parametrize(
    ("verb", "there", "granted", "allowed"),
    [
        ("patch", False, ("patch",), False),
        ("update", False, ("update",), False),
        ("patch", False, ("patch", "create"), True),
        ("patch", True, ("patch",), True),
        ("create", False, (), True),
    ],
)
async def test_who_creates_may_create(verb: str, there: bool, granted: tuple[str, ...], allowed: bool) -> None:
    call = Call(User("alice"), Target(verb, "/", "", "v1", "configmaps", "ns", "one"), {})
    kind: Any = None
    asked = CreateAuthorization(Authorizer([Only(*granted)])).validate(call, kind, object(), object() if there else None)
    if allowed:
        await asked
        return
    with pytest.raises(StatusError, match='User "alice" cannot create resource "configmaps" in API group "" in the namespace "ns"') as told:
        await asked
    assert told.value.code == 403
