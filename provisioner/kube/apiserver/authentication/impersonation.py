"""Acting as somebody else: the user of Impersonate-* headers, and whether the asker may be it.

First by constrained impersonation, which has a verb for who is acted as (`impersonate:user-info`) and one for what is done then
(`impersonate-on:user-info:list`), in four modes; then by the verb `impersonate`, which allows everything. Source: "User Impersonation" in the
Kubernetes documentation, KEP-5284.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote

from provisioner.kube.api import errors, names
from provisioner.kube.apiserver.authentication.authn import AUTHENTICATED, every
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.context import ANONYMOUS, User
from provisioner.kube.apiserver.requests import Target

GROUP = "authentication.k8s.io"
NODE, ACCOUNT = "system:node:", "system:serviceaccount:"
NODES = "system:nodes"
_POD, _NODE = "authentication.kubernetes.io/pod-name", "authentication.kubernetes.io/node-name"


def asks(headers: Mapping[str, str]) -> bool:
    """Whether there are parts of an impersonation."""
    return (
        "Impersonate-User" in headers
        or "Impersonate-Group" in headers
        or "Impersonate-Uid" in headers
        or any(header[:18].lower() == "impersonate-extra-" for header in headers)
    )


def impersonated(headers: Mapping[str, str]) -> User | None:
    """The user that is asked for, with no other groups than those in the headers. Raises 500 for parts without a user, as upstream."""
    name = headers.get("Impersonate-User")
    if not name:
        if not asks(headers):
            return None
        raise errors.internal("requested impersonation of groups, a UID or extra without impersonating a user")
    extra: dict[str, tuple[str, ...]] = {}
    for header in headers:
        if header[:18].lower() == "impersonate-extra-":
            extra[unquote(header[18:].lower())] = tuple(every(headers, header))
    return User(name, tuple(every(headers, "Impersonate-Group")), headers.get("Impersonate-Uid", ""), extra)


async def admit(authorizer: Authorizer, asker: User, wanted: User, target: Target) -> tuple[User, str]:
    """(who is acted as, with all groups; the constraint that allows it, "" for none). Raises 403."""
    for mode in _modes(asker, wanted):
        on = replace(target, verb=f"impersonate-on:{mode}:{target.verb}")
        verb = f"impersonate:{mode}"
        if not (await authorizer.judge(asker, on)).allowed:
            continue
        if all([(await authorizer.judge(asker, part)).allowed for part in _parts(wanted, verb, constrained=True)]):
            return _whole(wanted, node=True), verb
    for part in _parts(wanted, "impersonate", constrained=False):
        verdict = await authorizer.judge(asker, part)
        if not verdict.allowed:
            raise errors.forbidden(part.resource, part.name, Authorizer.refusal(asker, part, verdict.reason), part.group)
    return _whole(wanted, node=False), ""


def _modes(asker: User, wanted: User) -> Iterator[str]:
    """Nodes and accounts have modes of their own, where nothing but their name is asked for."""
    alone = not (wanted.groups or wanted.uid or wanted.extra)
    node, account = _node(wanted.name), _account(wanted.name)
    if node and alone:
        if _account(asker.name) and len(asker.extra.get(_POD, ())) == 1 and asker.extra.get(_NODE) == (node,):
            yield "associated-node"
        yield "arbitrary-node"
    elif account and alone:
        yield "serviceaccount"
    elif not node and not account:
        yield "user-info"


def _parts(wanted: User, verb: str, *, constrained: bool) -> Iterator[Target]:
    """What the asker must be allowed."""
    facts = Target(verb, "", GROUP, "v1")
    named = facts if constrained else replace(facts, group="")
    node, account = _node(wanted.name), _account(wanted.name)
    if account:
        yield replace(named, resource="serviceaccounts", namespace=account[0], name=account[1])
    elif node and constrained:
        yield replace(named, resource="nodes", name=node)
    else:
        yield replace(named, resource="users", name=wanted.name)
    if wanted.uid:
        yield replace(facts, resource="uids", name=wanted.uid)
    for group in wanted.groups:
        yield replace(named, resource="groups", name=group)
    for key, values in sorted(wanted.extra.items()):
        for value in values:
            yield replace(facts, resource="userextras", subresource=key, name=value)


def _whole(wanted: User, *, node: bool) -> User:
    """With the groups that such a user always has."""
    groups = list(wanted.groups)
    account = _account(wanted.name)
    if not groups and account:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
    elif not groups and node and _node(wanted.name):
        groups = [NODES]
    last = ANONYMOUS.groups[0] if wanted.name == ANONYMOUS.name else AUTHENTICATED
    return replace(wanted, groups=(*groups, *(() if last in groups else (last,))))


def _node(name: str) -> str:
    found = name.removeprefix(NODE) if name.startswith(NODE) else ""
    return found if found and not names.is_dns_subdomain(found) else ""


def _account(name: str) -> tuple[str, str] | None:
    """(namespace, name)"""
    parts = name.removeprefix(ACCOUNT).split(":") if name.startswith(ACCOUNT) else []
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None
