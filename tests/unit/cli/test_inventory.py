"""The inventory as ansible-inventory prints it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from provisioner.cli.inventory import command, graph, listing
from provisioner.inventory import load

ROOT = Path(__file__).parents[3]


def test_listing_and_graph() -> None:
    loaded = load([ROOT / "inventories/lab.yaml"])
    told = listing(loaded)
    assert told["workers"] == {"hosts": ["worker-1", "worker-2"]}
    assert set(told["_meta"]["hostvars"]) == {"master-1", "worker-1", "worker-2"}
    assert "  |--@workers:" in graph(loaded)
    assert "  |  |--worker-1" in graph(loaded)


def test_unknown_host_names_those_there_are() -> None:
    result = CliRunner().invoke(command, [str(ROOT / "inventories/lab.yaml"), "--host", "nobody"])
    assert result.exit_code == 2
    assert "hosts: master-1, worker-1, worker-2" in result.output
