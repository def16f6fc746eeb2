"""Who does what, and by which address it is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.cluster.topology import api_endpoint, cluster_of, dns_address, pki_plan, topology_of
from provisioner.inventory import Inventory, load

ROOT = Path(__file__).parents[3]


def inventory(tmp_path: Path, text: str) -> Inventory:
    path = tmp_path / "inventory.yaml"
    path.write_text(text)
    return load([path])


def test_lab_masters_are_etcd_members_and_nodes() -> None:
    loaded = load([ROOT / "inventories/lab.yaml"])
    found = topology_of(loaded, {"master-1": "10.0.0.1", "worker-1": "10.0.0.2", "worker-2": "10.0.0.3"})
    assert found.etcd == found.masters == ("master-1",)
    assert found.nodes == ("master-1", "worker-1", "worker-2")
    assert api_endpoint(cluster_of(loaded), found) == "10.0.0.1:6443"
    assert dns_address(cluster_of(loaded)) == "10.96.0.10"


def test_ha_has_three_members_and_its_own_endpoint() -> None:
    loaded = load([ROOT / "inventories/ha.yaml"])
    found = topology_of(loaded, {f"master-{n}": f"10.91.0.{n + 10}" for n in (1, 2, 3)})
    assert len(found.etcd) == 3
    plan = pki_plan(cluster_of(loaded), found)
    assert set(plan.api_names) == {"10.91.0.11", "api.ha.example"}
    assert [m.addresses for m in plan.masters] == [("10.91.0.11",), ("10.91.0.12",), ("10.91.0.13",)]


@pytest.mark.parametrize(
    ("variables", "address"),
    [("{ansible_host: 192.0.2.1}", "192.0.2.1"), ("{ansible_host: 192.0.2.1, node_address: 10.1.1.1}", "10.1.1.1"), ("", "only")],
)
def test_node_address_wins_over_the_way_in(tmp_path: Path, variables: str, address: str) -> None:
    text = f"all: {{children: {{masters: {{hosts: {{only: {variables}}}}}, workers: {{hosts: {{only: }}}}}}}}\n"
    assert topology_of(inventory(tmp_path, text), {}).addresses == {"only": address}
