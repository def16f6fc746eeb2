"""Proves who may act as whom: in the four modes of constrained impersonation, each with its two verbs, and by `impersonate` where none allows."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.authentication.impersonation import admit, impersonated
from provisioner.kube.apiserver.authorization.authz import Authorizer, LocalMode, Verdict
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target

LIST = Target("list", "/api/v1/pods", "", "v1", "pods")
AGENT = User(
    "system:serviceaccount:kube-system:agent",
    extra={"authentication.kubernetes.io/pod-name": ("p",), "authentication.kubernetes.io/node-name": ("n1",)},
)


class Allows(LocalMode):
    """What is allowed, as `verb resource[/part][:name]`."""

    def __init__(self, *rules: str) -> None:
        self.rules = set(rules)

    def decide(self, user: User, target: Target) -> Verdict:
        group = f".{target.group}" if target.group else ""
        said = f"{target.verb} {target.resource}{'/' if target.subresource else ''}{target.subresource}{group}"
        where = f"{target.namespace}/" if target.namespace else ""
        return Verdict(allowed=said in self.rules or f"{said}:{where}{target.name}" in self.rules)


def headers(**given: str) -> CIMultiDict[str]:
    return CIMultiDict([(f"Impersonate-{name.replace('_', '-')}", value) for name, value in given.items()])


def test_who_is_asked_for() -> None:
    assert impersonated({}) is None
    found = impersonated(CIMultiDict([("Impersonate-User", "ann"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")]))
    assert found == User("ann", ("a", "b"))
    found = impersonated(headers(User="ann", Uid="1", Extra_scopes="view"))
    assert found == User("ann", uid="1", extra={"scopes": ("view",)})
    with pytest.raises(StatusError, match="without impersonating a user"):
        impersonated(headers(Group="a"))


AUTH = ".authentication.k8s.io"


@pytest.mark.parametrize(
    ("asker", "wanted", "rules", "groups", "constraint"),
    [
        (User("a"), User("ann"), ["impersonate users:ann"], ("system:authenticated",), ""),
        (User("a"), User("system:anonymous"), ["impersonate users"], ("system:unauthenticated",), ""),
        (
            User("a"),
            User("system:serviceaccount:ns:sa"),
            ["impersonate serviceaccounts:ns/sa"],
            ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            "",
        ),
        (User("a"), User("system:node:n1"), ["impersonate users:system:node:n1"], ("system:authenticated",), ""),
        (
            User("a"),
            User("ann", ("devs",), "1", {"scopes": ("view",)}),
            [
                "impersonate-on:user-info:list pods",
                *(f"impersonate:user-info {what}" for what in (f"users{AUTH}:ann", f"groups{AUTH}:devs", f"uids{AUTH}:1")),
                f"impersonate:user-info userextras/scopes{AUTH}:view",
            ],
            ("devs", "system:authenticated"),
            "impersonate:user-info",
        ),
        (
            User("a"),
            User("system:serviceaccount:ns:sa"),
            ["impersonate-on:serviceaccount:list pods", f"impersonate:serviceaccount serviceaccounts{AUTH}:ns/sa"],
            ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            "impersonate:serviceaccount",
        ),
        (
            User("a"),
            User("system:node:n1"),
            ["impersonate-on:arbitrary-node:list pods", f"impersonate:arbitrary-node nodes{AUTH}:n1"],
            ("system:nodes", "system:authenticated"),
            "impersonate:arbitrary-node",
        ),
        (
            AGENT,
            User("system:node:n1"),
            ["impersonate-on:associated-node:list pods", f"impersonate:associated-node nodes{AUTH}"],
            ("system:nodes", "system:authenticated"),
            "impersonate:associated-node",
        ),
    ],
)
async def test_who_may(asker: User, wanted: User, rules: list[str], groups: tuple[str, ...], constraint: str) -> None:
    user, by = await admit(Authorizer([Allows(*rules)]), asker, wanted, LIST)
    assert (user.name, user.groups, by) == (wanted.name, groups, constraint)
    # Nothing of it may be missing.
    for rule in rules:
        with pytest.raises(StatusError) as refused:
            await admit(Authorizer([Allows(*(set(rules) - {rule}))]), asker, wanted, LIST)
        assert refused.value.code == 403 and "cannot impersonate resource" in refused.value.message


@pytest.mark.parametrize(
    ("asker", "wanted", "mode"),
    [
        (AGENT, User("system:node:n2"), "associated-node"),
        (User("a"), User("system:node:n1"), "associated-node"),
        (User("a"), User("system:node:n1", ("g",)), "arbitrary-node"),
        (User("a"), User("system:serviceaccount:ns:sa", uid="1"), "serviceaccount"),
        (User("a"), User("system:serviceaccount:ns:sa"), "user-info"),
        (User("a"), User("system:node:n1"), "user-info"),
    ],
)
async def test_modes_are_for_their_own(asker: User, wanted: User, mode: str) -> None:
    everything = [f"impersonate:{mode} {kind}{AUTH}" for kind in ("users", "groups", "uids", "nodes", "serviceaccounts")]
    with pytest.raises(StatusError, match="cannot impersonate resource"):
        await admit(Authorizer([Allows(f"impersonate-on:{mode}:list pods", *everything)]), asker, wanted, LIST)
