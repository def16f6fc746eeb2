"""Discovery: what groups, versions and resources there are, in the classic documents and the aggregated one (apidiscovery.k8s.io/v2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from provisioner.kube.api._generated.resources import Resource

# Upstream's order of groups, by the priority its own APIServices give them.
GROUP_ORDER = (
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
)


def version_rank(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1."""
    import re

    found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if found is None:
        return (3, 0, 0)
    stage = {None: 0, "beta": 1, "alpha": 2}[found[2]]
    return (stage, -int(found[1]), -int(found[3] or 0))


def groups_of(resources: Iterable[Resource]) -> dict[str, dict[str, list[Resource]]]:
    """group -> version -> resources, each in the order clients see them."""
    found: dict[str, dict[str, list[Resource]]] = {}
    for resource in resources:
        found.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
    ordered = sorted(found, key=lambda g: (GROUP_ORDER.index(g) if g in GROUP_ORDER else len(GROUP_ORDER), g))
    # v2 of autoscaling comes first, as its priority says; the rule gives that already.
    return {group: {v: found[group][v] for v in sorted(found[group], key=version_rank)} for group in ordered}


def api_versions(address: str) -> dict[str, Any]:
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def _group(group: str, versions: Iterable[str]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def api_groups(resources: Iterable[Resource]) -> dict[str, Any]:
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(g, versions) for g, versions in groups_of(resources).items() if g],
    }


def api_group(resources: Iterable[Resource], group: str) -> dict[str, Any] | None:
    versions = groups_of(resources).get(group)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, versions)} if versions else None


def resource_list(
    resources: Iterable[Resource], group: str, version: str, storage_hash: Callable[[Resource], str] = lambda _: ""
) -> dict[str, Any] | None:
    """APIResourceList of one group and version. `storage_hash` gives storageVersionHash, "" for what is not stored."""
    found = groups_of(resources).get(group, {}).get(version)
    if found is None:
        return None
    listed: list[dict[str, Any]] = []
    for r in found:
        entry: dict[str, Any] = {
            "name": r.plural,
            "singularName": r.singular,
            "namespaced": r.namespaced,
            "kind": r.kind,
            "verbs": sorted(r.verbs),
        }
        if r.short_names:
            entry["shortNames"] = list(r.short_names)
        if r.categories:
            entry["categories"] = list(r.categories)
        if stored := storage_hash(r):
            entry["storageVersionHash"] = stored
        listed.append(entry)
        for sub in r.subresources:
            below: dict[str, Any] = {
                "name": f"{r.plural}/{sub.name}",
                "singularName": "",
                "namespaced": r.namespaced,
                "kind": sub.kind,
                "verbs": sorted(sub.verbs),
            }
            if (sub.group, sub.version) != (r.group, r.version):
                below |= {"group": sub.group, "version": sub.version}
            listed.append(below)
    api_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def aggregated(resources: Iterable[Resource], *, core: bool, version: str) -> dict[str, Any]:
    """APIGroupDiscoveryList for /api (`core`) or /apis."""
    items = []
    for group, versions in groups_of(resources).items():
        if bool(group) == core:
            continue
        items.append(
            {
                "metadata": {"name": group} if group else {"creationTimestamp": None},
                "versions": [
                    {"version": v, "freshness": "Current", "resources": [_discovered(r) for r in found]} for v, found in versions.items()
                ],
            }
        )
    return {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}, "items": items}


def _discovered(r: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": r.plural,
        "responseKind": {"group": r.group, "version": r.version, "kind": r.kind},
        "scope": "Namespaced" if r.namespaced else "Cluster",
        "singularResource": r.singular,
        "verbs": sorted(r.verbs),
    }
    if r.short_names:
        entry["shortNames"] = list(r.short_names)
    if r.categories:
        entry["categories"] = list(r.categories)
    if r.subresources:
        entry["subresources"] = [
            {"subresource": s.name, "responseKind": {"group": s.group, "version": s.version, "kind": s.kind}, "verbs": sorted(s.verbs)}
            for s in r.subresources
        ]
    return entry
