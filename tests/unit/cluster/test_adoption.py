"""Proves that what is somebody's on a host is found, refused unless the host is to be adopted, and never contradicted or removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.cluster.adoption import foreign, is_wanted
from provisioner.cluster.probe import HostFacts, parse
from provisioner.cluster.topology import Topology

TOPOLOGY = Topology(("m",), ("w",), ("m",), {"m": "10.0.0.1", "w": "10.0.0.2"})
WANTED = {"bridge": "none", "iptables": False, "live-restore": True, "registry-mirrors": ["https://m"]}
RANGES = ("10.244.0.0/16", "10.96.0.0/16")


def said(host: str = "w", *, adopt: bool = False, **values: str) -> list[tuple[str, str]]:
    found = foreign(host, HostFacts(values), TOPOLOGY, adopt=adopt, docker=WANTED, ranges=RANGES)
    assert all(problem.kind == "adopt" and problem.host == host for problem in found)
    return [(problem.message, problem.hint) for problem in found]


def test_a_bare_host_has_nothing() -> None:
    assert said(docker_unit="inactive", containerd_unit="inactive", etcd_unit="inactive") == []
    assert said("m") == []


def test_what_our_own_runs_made_is_ours() -> None:
    assert said("m", ours="yes", docker_unit="active", etcd_data="/var/lib/etcd/default/member", docker_containers="a=host") == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"docker_unit": "active"}, "Docker is in use there already (docker.service runs)"),
        ({"docker_settings": "{}"}, "(/etc/docker/daemon.json is there)"),
        ({"docker_containers": "web=bridge db=host"}, "(containers: web, db)"),
        ({"docker_containers": "a= b= c= d= e= f="}, "(containers: a, b, c, d and 2 more)"),
        ({"containerd_unit": "active"}, "containerd is in use there already"),
        ({"containerd_unit": "active", "containerd_containers": "x y"}, "containerd is in use there already (2 containers: x, y)"),
    ],
)
def test_it_is_refused_until_it_is_adopted(values: dict[str, str], message: str) -> None:
    [(found, hint)] = said(**values)
    assert message in found
    assert hint.startswith("set `adopt: true` for the host")
    kept = {key: value for key, value in values.items() if key != "docker_containers"}
    assert said(adopt=True, **kept) == []


def test_dockers_containerd_is_no_second_trouble() -> None:
    assert len(said(docker_unit="active", containerd_unit="active")) == 1


def test_containers_and_networks_stay() -> None:
    values = {"docker_unit": "active", "docker_containers": "web=bridge db=host", "docker_networks": "172.17.0.0/16 fd00::/64 local"}
    assert said(adopt=True, docker_swarm="inactive", **values) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"docker_settings": json.dumps({"registry-mirrors": ["https://other"]})},
            'registry-mirrors is ["https://other"], not ["https://m"]',
        ),
        ({"docker_settings": json.dumps({"userns-remap": "default"})}, 'userns-remap is "default"'),
        ({"docker_settings": "{"}, "it is no JSON"),
        ({"docker_settings": "[]"}, "it is no JSON object"),
        ({"docker_unit": "active", "docker_swarm": "active"}, "Docker is part of a swarm"),
        (
            {"docker_unit": "active", "docker_networks": "172.17.0.0/16 10.244.7.0/24"},
            "overlap the cluster's: 10.244.7.0/24 and 10.244.0.0/16",
        ),
    ],
)
def test_what_a_node_can_not_share_is_refused_even_then(values: dict[str, str], message: str) -> None:
    [(found, hint)] = said(adopt=True, **values)
    assert message in found
    assert "use another host" in hint


def test_settings_beside_ours_are_adopted() -> None:
    assert (
        said(adopt=True, docker_settings=json.dumps({"debug": True, "bridge": "br7", "live-restore": False, "data-root": "/srv/docker"}))
        == []
    )


@pytest.mark.parametrize("adopt", [False, True])
def test_an_etcd_is_never_adopted(adopt: bool) -> None:
    [(found, hint)] = said("m", adopt=adopt, etcd_data="/var/lib/etcd/default/member")
    assert "an etcd that is not this cluster's has its data in /var/lib/etcd/default/member" in found
    assert "other hosts be the group etcd" in hint
    assert len(said("m", adopt=adopt, etcd_unit="active")) == 1
    assert said("w", adopt=adopt, etcd_unit="active") == [], "a worker runs no etcd of ours: another's may stay"


@pytest.mark.parametrize("adopt", [False, True])
def test_packages_that_debians_docker_would_remove(adopt: bool) -> None:
    [(found, hint)] = said(adopt=adopt, containerd_unit="active", container_packages="containerd.io")
    assert "would remove it" in found
    assert "docker-ce" in hint
    assert said(adopt=True, docker_unit="active", container_packages="docker-ce containerd.io") == []


@pytest.mark.parametrize(("value", "wanted"), [(True, True), ("yes", True), ("True", True), (False, False), (None, False), ("no", False)])
def test_the_variable(value: Any, wanted: bool) -> None:
    assert is_wanted(value) is wanted


def test_facts_of_a_real_answer() -> None:
    facts = parse('ours=yes\ndocker_unit=active\ndocker_settings={"a": "b=c"}\ndocker_containers=web=bridge db=host \ndone=yes\n')
    assert facts.text("docker_settings") == '{"a": "b=c"}'
    assert facts.text("docker_containers") == "web=bridge db=host"
