"""Which paths and verbs there are: what a request's authorization was about must be what it is answered with. Pure.

A role in a namespace is for what is in it: an object of the whole cluster is at no path below a namespace, or else that role would reach it.
"""

from __future__ import annotations

from provisioner.kube.api import errors
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.requests import Target


def check_route(kind: Kind, target: Target) -> None:
    """Raises 404 for a path that isn't there, 405 for a verb that it doesn't know."""
    if not _is_path(kind, target):
        raise _no_path(kind, target)
    if not _is_verb(kind, target):
        raise errors.method_not_supported(target.resource, target.verb, target.group) if kind.is_custom else errors.no_method()


def _no_path(kind: Kind, target: Target) -> errors.StatusError:
    """Of custom resources upstream says which object it is that has no such part."""
    if not kind.is_custom:
        return errors.no_route()
    if target.subresource and target.subresource not in _subresources(kind):
        return errors.not_found(target.resource, target.name, target.group)
    return errors.PageNotFound()


def _is_path(kind: Kind, target: Target) -> bool:
    if kind.resource.namespaced:
        # All namespaces' objects are listed together, never asked for by name.
        if not target.namespace and target.name:
            return False
    elif target.namespace and not _is_namespace(kind, target):
        return False
    return not target.subresource or target.subresource in _subresources(kind)


def _is_namespace(kind: Kind, target: Target) -> bool:
    """A namespace's own path names it as its namespace: roles in it may be about it."""
    parts = target.path.strip("/").split("/")
    return kind.stored_as == "core/namespaces" and target.namespace == target.name and parts.count("namespaces") == 1


def _subresources(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Verbs by name."""
    return {sub.name: sub.verbs for sub in kind.resource.subresources}


def _is_verb(kind: Kind, target: Target) -> bool:
    verb = target.verb
    if target.subresource:
        # A proxy passes on every method.
        return bool(target.name) and (target.subresource == "proxy" or verb in _subresources(kind)[target.subresource])
    if verb not in kind.resource.verbs:
        return False
    somewhere = bool(target.namespace) or not kind.resource.namespaced
    if verb == "create":
        return somewhere and not target.name
    if verb == "deletecollection":
        return somewhere
    return bool(target.name) or verb in ("list", "watch")
