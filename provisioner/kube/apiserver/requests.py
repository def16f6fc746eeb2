"""What a request asks for, read off its method, path and query as the API's conventions lay them out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.kube.api.errors import bad_request, invalid, not_supported

_DURATION = re.compile(r"[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_WHOLE = re.compile(r"[-+]?[0-9]+")
_LONGEST = 100  # characters of a number, zeros before it among them
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
# Subresources of namespaces are not resources in a namespace of that name.
_NAMESPACE_SUBRESOURCES = {"status", "finalize"}


@dataclass(frozen=True, slots=True)
class Target:
    """The attributes that authorization, admission and routing look at. Without a resource, `path` is all there is."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    # what follows the subresource: the path that is proxied to
    rest: str = ""
    # the one object that a list's field selector asks for: authorization looks at it as at a name
    selected_name: str = ""
    # of lists and watches, as it was sent
    field_selector: str = ""

    @property
    def asked_name(self) -> str:
        return self.name or self.selected_name

    @property
    def is_resource(self) -> bool:
        return bool(self.resource)


def target_of(method: str, path: str, query: Mapping[str, str]) -> Target:
    """The target of a request; paths that are no resource's keep the lower-case method as their verb."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target(method.lower(), path)
    verb = _VERBS.get(method, method.lower())
    if rest[0] == "watch" and len(rest) > 1:
        rest, verb = rest[1:], "watch"
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and not (len(rest) == 3 and rest[2] in _NAMESPACE_SUBRESOURCES):
            rest = rest[2:]
    resource = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if verb == "get" and not name and flag(query, "watch"):
        verb = "watch"
    if not name:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    if not name and verb in ("list", "watch", "deletecollection"):
        selector = query.get("fieldSelector", "")
        if selector:
            return Target(verb, path, group, version, resource, namespace, "", subresource, "", _single_name(selector), selector)
    below = "/" + "/".join(rest[3:]) if len(rest) > 3 else ""
    if path.endswith("/") and (below or subresource == "proxy"):
        below += "/"
    return Target(verb, path, group, version, resource, namespace, name, subresource, below)


def _single_name(field_selector: str) -> str:
    """The name that metadata.name=... asks for, or ""."""
    for term in field_selector.split(","):
        key, equals, value = term.partition("=")
        if key.strip() == "metadata.name" and equals:
            return value.lstrip("=").strip()
    return ""


def flag(query: Mapping[str, str], name: str) -> bool:
    """A boolean parameter as the API's conventions read it: only its absence, `false` and `0` are false."""
    value = query.get(name)
    return value is not None and value != "0" and value.lower() != "false"


def whole(query: Mapping[str, str], name: str) -> int | None:
    """A whole number parameter of 64 bits, None where it isn't given. Raises 400."""
    value = query.get(name)
    if value is None:
        return None
    if _WHOLE.fullmatch(value) is None:
        raise bad_request(f'strconv.ParseInt: parsing "{value}": invalid syntax')
    number = int(value[:_LONGEST])
    if len(value) > _LONGEST or not -(2**63) <= number < 2**63:
        raise bad_request(f'strconv.ParseInt: parsing "{value}": value out of range')
    return number


def check_timeout(query: Mapping[str, str]) -> None:
    """How long a client would wait, as a Go duration. Raises 400, as upstream does for all that isn't one."""
    value = query.get("timeout")
    if value and value != "0" and _DURATION.fullmatch(value) is None:
        raise bad_request(f'invalid timeout specified in the request URL - time: invalid duration "{value}"')


def dry_run(query: Mapping[str, str], verb: str = "update") -> bool:
    """Raises 422."""
    value = query.get("dryRun")
    if value in (None, ""):
        return False
    if value != "All":
        raise invalid(options_kind(verb), "", [not_supported("dryRun", [value], ("All",))], "meta.k8s.io")
    return True


def options_kind(verb: str) -> str:
    """What a write's options are called in refusals."""
    return {"create": "CreateOptions", "patch": "PatchOptions", "update": "UpdateOptions"}.get(verb, "DeleteOptions")
