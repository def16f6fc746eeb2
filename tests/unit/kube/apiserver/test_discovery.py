"""Proves that classic and aggregated discovery say the same, in the order clients rely on."""

from __future__ import annotations

from provisioner.kube.api._generated.resources import RESOURCES
from provisioner.kube.apiserver import discovery
from provisioner.kube.apiserver.registry import Registry


def test_both_forms_list_the_same() -> None:
    classic = set()
    for group, versions in discovery.groups_of(RESOURCES).items():
        for version in versions:
            listed = discovery.resource_list(RESOURCES, group, version)
            assert listed is not None
            classic |= {(group, version, r["name"]) for r in listed["resources"] if "/" not in r["name"]}
    aggregated = set()
    for core in (True, False):
        for item in discovery.aggregated(RESOURCES, core=core, version="v2")["items"]:
            for part in item["versions"]:
                aggregated |= {(item["metadata"].get("name", ""), part["version"], r["resource"]) for r in part["resources"]}
    assert classic == aggregated == {(r.group, r.version, r.plural) for r in RESOURCES}


def test_preferred_versions_are_the_stable_ones() -> None:
    groups = {g["name"]: g for g in discovery.api_groups(RESOURCES)["groups"]}
    assert groups["apps"]["preferredVersion"]["version"] == "v1"
    assert [v["version"] for v in groups["autoscaling"]["versions"]] == ["v2", "v1"]
    assert groups["resource.k8s.io"]["preferredVersion"]["version"] == "v1"


def test_unknown_groups_are_none() -> None:
    assert discovery.api_group(RESOURCES, "nope") is None
    assert discovery.resource_list(RESOURCES, "apps", "v9") is None


def test_scale_names_its_own_group() -> None:
    listed = discovery.resource_list(RESOURCES, "apps", "v1")
    assert listed is not None
    scale = next(r for r in listed["resources"] if r["name"] == "deployments/scale")
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")


def test_what_is_stored_says_in_which_version() -> None:
    registry = Registry()
    core = discovery.resource_list(RESOURCES, "", "v1", registry.storage_hash)
    assert core is not None
    hashes = {r["name"]: r.get("storageVersionHash") for r in core["resources"]}
    assert hashes["pods"] == "xPOwRZ+Yhw8="
    assert hashes["bindings"] is None and hashes["pods/status"] is None
    scalers = [discovery.resource_list(RESOURCES, "autoscaling", v, registry.storage_hash) for v in ("v1", "v2")]
    assert len({listed["resources"][0]["storageVersionHash"] for listed in scalers if listed is not None}) == 1
