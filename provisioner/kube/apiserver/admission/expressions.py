"""What expressions of policies and webhooks see of a request: the object, the old one, the request's facts, the namespace, the authorizer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from provisioner.kube.api import cel
from provisioner.kube.api.cel.library import Authorizer as Question
from provisioner.kube.api.validation.policies import HOOK_NAMES
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import WatchCache


def once(make: Callable[[], Any]) -> Callable[[], Any]:
    """`make`, called when first asked."""
    made: list[Any] = []

    def value() -> Any:
        if not made:
            made.append(make())
        return made[0]

    return value


def admission_request(operation: str, call: Call, kind: Kind, new: Obj | None, old: Obj | None, seen: Kind | None = None) -> dict[str, Any]:
    """admission.k8s.io/v1 AdmissionRequest, without the objects. `seen` is the version that is shown, where it isn't the request's."""
    resource, user, target = kind.resource, call.user, call.target
    gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    group, version, plural = kind.body_of or (resource.group, resource.version, resource.plural)
    gvr = {"group": group, "version": version, "resource": plural}
    shown_kind, shown_resource = gvk, gvr
    if seen is not None and seen is not kind:
        own = seen.resource
        shown_kind = {"group": own.group, "version": own.version, "kind": own.kind}
        shown_resource = {"group": own.group, "version": own.version, "resource": own.plural}
    about = new if new is not None else old
    request: dict[str, Any] = {
        "uid": str(uuid.uuid4()),
        "kind": shown_kind,
        "resource": shown_resource,
        "requestKind": gvk,
        "requestResource": gvr,
        "name": target.name or ("" if about is None or call.names_itself else about.metadata.name) or "",
        "operation": operation,
        "userInfo": {
            "username": user.name,
            "groups": list(user.groups),
            "uid": user.uid,
            "extra": {k: list(v) for k, v in user.extra.items()},
        },
        "dryRun": call.dry_run,
        "options": {"kind": f"{operation.capitalize()}Options", "apiVersion": "meta.k8s.io/v1"} | _options(operation, call),
    }
    if resource.namespaced:
        request["namespace"] = target.namespace
    elif kind.stored_as == "core/namespaces":
        request["namespace"] = request["name"]
    if target.subresource:
        request["subResource"] = request["requestSubResource"] = target.subresource
    return request


def _options(operation: str, call: Call) -> dict[str, Any]:
    """What the request says of how it is to be done: CreateOptions, UpdateOptions or DeleteOptions."""
    if operation == "DELETE":
        return dict(call.delete_options)
    found: dict[str, Any] = {name: call.query[name] for name in ("fieldManager", "fieldValidation") if call.query.get(name)}
    return {"dryRun": ["All"], **found} if call.dry_run else found


class Expressions:
    """Makes the variables of expressions."""

    def __init__(self, cache: WatchCache, authorizer: Authorizer) -> None:
        self._cache, self._authorizer = cache, authorizer

    def namespace_of(self, call: Call, kind: Kind) -> str:
        return call.target.namespace or (call.target.name if kind.stored_as == "core/namespaces" else "")

    def namespace_labels(self, call: Call, kind: Kind, new: Obj | None) -> Mapping[str, str] | None:
        """None for what lies in no namespace; a namespace's own labels are those it is about to have."""
        if kind.stored_as == "core/namespaces" and new is not None:
            return new.metadata.labels or {}
        namespace = self.namespace_of(call, kind)
        entry = self._cache.collection("core/namespaces").entries.get(namespace)
        return entry.labels if entry is not None else {} if namespace else None

    def values(self, operation: str, call: Call, kind: Kind, new: Obj | None, old: Obj | None) -> dict[str, Any]:
        """Each is made when an expression first asks for it."""
        return {
            "object": once(lambda: kind.to_dict(new) if new is not None else None),
            "oldObject": once(lambda: kind.to_dict(old) if old is not None else None),
            "request": once(lambda: admission_request(operation, call, kind, new, old)),
            "namespaceObject": once(lambda: self._namespace(call, kind)),
            "params": None,
            "authorizer": once(lambda: self._question(call, kind)),
        }

    def _namespace(self, call: Call, kind: Kind) -> dict[str, Any] | None:
        entry = self._cache.collection("core/namespaces").entries.get(self.namespace_of(call, kind))
        found: dict[str, Any] | None = msgspec.json.decode(entry.data) if entry is not None else None
        return found

    def _question(self, call: Call, kind: Kind) -> Question:
        def ask(attributes: dict[str, str]) -> tuple[bool, str]:
            user = call.user
            if attributes.get("user"):
                name = attributes["user"]
                groups = ("system:serviceaccounts", f"system:serviceaccounts:{name.split(':')[2]}", "system:authenticated")
                user = replace(user, name=name, groups=groups, uid="", extra={})
            a = attributes
            target = Target(
                a["verb"],
                a.get("path", ""),
                a.get("group", ""),
                "*",
                a.get("resource", ""),
                a.get("namespace", ""),
                a.get("name", ""),
                a.get("subresource", ""),
            )
            return self._authorizer.allows(user, target), ""

        target = call.target
        attributes = {"group": target.group, "resource": target.resource, "namespace": target.namespace, "name": target.name}
        return Question(ask, {}, {"requestResource": Question(ask, {**attributes, "subresource": target.subresource})})

    def hold(self, conditions: Iterable[Any] | None, values: Mapping[str, Any], names: Iterable[str] = HOOK_NAMES) -> bool:
        """Whether all match conditions hold. One that is false decides; else an error is raised. Raises CelError."""
        failed: cel.CelError | None = None
        for condition in conditions or ():
            try:
                if cel.compile(condition.expression, frozenset(names)).run(values) is not True:
                    return False
            except cel.CelError as error:
                failed = failed or cel.CelError(f"expression '{condition.expression}' resulted in error: {error}")
        if failed is not None:
            raise failed
        return True
