"""The cluster that end-to-end tests share: three bare lab hosts, provisioned through the command line as a newcomer would.

Modules run in the order of `ORDER`: what reads first, what breaks things later, what removes everything last.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import Cluster, existing_cluster, new_cluster, run

ORDER = [
    "test_up",
    "test_kubectl",
    "test_workloads",
    "test_services",
    "test_behaviour",
    "test_python_client",
    "test_upkeep",
    "test_registry",
    "test_power",
    "test_bad_days",
    "test_destroy",
]

# While working on one part: the inventory of a lab that is up already. It is used as it is, and left standing.
EXISTING = "PROVISION_E2E_INVENTORY"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.stem
        return ORDER.index(name) if item.path.parent == Path(__file__).parent and name in ORDER else -1

    items.sort(key=place)
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def bare(labs_folder: Path, free_network: Callable[[], str]) -> Iterator[Cluster]:
    """The inventory, nothing started yet; everything is removed at the end, whatever happened."""
    if existing := os.environ.get(EXISTING):
        yield existing_cluster(Path(existing), labs_folder / "kubectl")
        return
    cluster = new_cluster(labs_folder / "e2e", free_network(), "e2e")
    yield cluster
    run([sys.executable, "-m", "provisioner.machines", "destroy", cluster.inventory], timeout_s=120)


@pytest.fixture(scope="session")
def cluster(bare: Cluster) -> Cluster:
    """A working cluster: one `provision up`."""
    if EXISTING not in os.environ:
        bare.first_up = bare.provision("up").ok()
    bare.all_ready(60)
    return bare


@pytest.fixture
def whole(cluster: Cluster) -> Iterator[Cluster]:
    """For tests that unplug hosts: whatever they leave, all nodes are Ready afterwards."""
    cluster.all_ready()
    yield cluster
    cluster.machine("plug")
    cluster.all_ready()
