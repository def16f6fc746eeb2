"""Proves how other servers' groups come into discovery: by version, by priority, and marked where they don't answer."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import apiregistration_v1 as registration
from provisioner.kube.apiserver.aggregation.documents import Merged
from provisioner.kube.apiserver.aggregation.services import Remote, _as_discovery


class Services:
    def __init__(self, *remotes: Remote) -> None:
        self.remotes = {remote.group_version: remote for remote in remotes}


def remote(group: str, version: str, priority: int, *, available: bool = True) -> Remote:
    spec = registration.APIServiceSpec(group=group, version=version, group_priority_minimum=priority, version_priority=10)
    return Remote(registration.APIService(spec=spec), available, [{"resource": "things"}])


def merged(*remotes: Remote) -> Merged:
    return Merged(Services(*remotes))  # type: ignore[arg-type]


def test_groups() -> None:
    found = merged(
        remote("b.io", "v1", 10), remote("a.io", "v1beta1", 20), remote("a.io", "v1", 20), remote("c.io", "v1", 5, available=False)
    )
    listed: dict[str, Any] = {"groups": [{"name": "apps", "versions": []}]}
    assert [g["name"] for g in found.into_groups(listed)["groups"]] == ["apps", "a.io", "b.io"]
    group = found.group("a.io", None)
    assert (
        group is not None
        and [v["version"] for v in group["versions"]] == ["v1", "v1beta1"]
        and group["preferredVersion"]["version"] == "v1"
    )
    assert found.group("c.io", None) is None and found.group("apps", {"versions": []}) == {"versions": []}


def test_versions_of_a_group_that_is_ours_too() -> None:
    own: dict[str, Any] = {"items": [{"metadata": {"name": "a.io"}, "versions": [{"version": "v1", "resources": []}]}]}
    found = merged(remote("a.io", "v2", 20), remote("c.io", "v1", 5, available=False)).into_aggregated(own)["items"]
    assert [(i["metadata"]["name"], [(v["version"], v.get("freshness")) for v in i["versions"]]) for i in found] == [
        ("a.io", [("v2", "Current"), ("v1", None)]),
        ("c.io", [("v1", "Stale")]),
    ]


def test_classic_lists_in_the_aggregated_form() -> None:
    resources = [
        {"name": "things", "singularName": "thing", "namespaced": True, "kind": "Thing", "verbs": ["get"], "shortNames": ["th"]},
        {"name": "things/scale", "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]},
    ]
    (found,) = _as_discovery({"resources": resources}, "a.io", "v1")
    assert found["responseKind"] == {"group": "a.io", "version": "v1", "kind": "Thing"} and found["shortNames"] == ["th"]
    assert found["subresources"][0]["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
