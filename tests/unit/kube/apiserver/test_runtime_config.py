"""Proves which versions are served: the most particular switch says it, and the server keeps what it stands on."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated.resources import RESOURCES
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.runtime_config import parse, served


def names(text: str) -> set[str]:
    decide = served(parse(text))
    return {f"{found.group}/{found.version}/{found.plural}" for found in RESOURCES if decide(found)}


EVERYTHING = names("")
BETA = {name for name in EVERYTHING if "beta" in name.split("/")[1]}


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("", set()),
        ("api/all=true,api/alpha=true,batch/v2alpha1", set()),
        ("api/beta=false", BETA),
        ("api/beta=false,coordination.k8s.io/v1beta1=true", {name for name in BETA if not name.startswith("coordination.k8s.io/")}),
        ("autoscaling/v1=false", {"autoscaling/v1/horizontalpodautoscalers"}),
        ("apps/v1/daemonsets=false", {"apps/v1/daemonsets"}),
        ("apps/v1=false,apps/v1/deployments=true", {n for n in EVERYTHING if n.startswith("apps/") and n != "apps/v1/deployments"}),
    ],
)
def test_what_is_served(text: str, without: set[str]) -> None:
    assert EVERYTHING - names(text) == without


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("api/beta=maybe", "api/beta=maybe: expected true or false"),
        ("extensions/v1beta9=true", "there is no such version"),
        ("api/ga=false", "the server itself needs admissionregistration.k8s.io/v1, .*, v1$"),
        ("v1=false", "the server itself needs v1"),
    ],
)
def test_what_can_not_be(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        served(parse(text))


def test_what_is_not_served_is_no_resource_but_others_are_stored_in_its_version() -> None:
    registry = Registry(served(parse("autoscaling/v2=false")))
    assert registry.find("autoscaling", "v2", "horizontalpodautoscalers") is None
    old = registry.find("autoscaling", "v1", "horizontalpodautoscalers")
    assert old is not None and registry.storage_hash(old.resource) == Registry().storage_hash(old.resource)
    assert ("autoscaling", "v2") not in {(r.group, r.version) for r in registry.resources()}
