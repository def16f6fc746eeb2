"""Proves how an inventory becomes a lab: sizes, overrides, addresses, and whose package proxy is whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.inventory import InventoryError, load
from provisioner.machines import provider_for
from provisioner.machines.inventory import lab_spec
from provisioner.machines.nspawn import NspawnProvider
from provisioner.machines.spec import LabSpec
from provisioner.machines.static import StaticProvider

TEXT = """
all:
  vars:
    cluster: {name: blue, packages: {proxy: "http://PROXY:13142"}}
    machines: {provider: nspawn, network: 10.91.0.0/24, memory_mib: 1536, cpus: 2}
  children:
    masters: {hosts: {m1: {machine: {memory_mib: 4096}}}}
    workers: {hosts: {w1: {ansible_host: 10.91.0.50}, w2: {machine: {suite: trixie}}}}
    etcd: {hosts: {m1: {}}}
"""


def spec(tmp_path: Path, proxy: str = "192.0.2.9") -> LabSpec:
    path = tmp_path / "blue.yaml"
    path.write_text(TEXT.replace("PROXY", proxy))
    return lab_spec(load([path]), path)


def test_sizes_and_addresses(tmp_path: Path) -> None:
    lab = spec(tmp_path)
    seen = {host.name: (str(host.address), host.memory_mib, host.cpus, host.suite) for host in lab.hosts}
    assert seen == {
        "m1": ("10.91.0.11", 4096, 2.0, "bookworm"),
        "w1": ("10.91.0.50", 1536, 2.0, "bookworm"),
        "w2": ("10.91.0.12", 1536, 2.0, "trixie"),
    }
    assert lab.cluster == "blue"
    assert lab.state == tmp_path / ".provision" / "blue"


def test_the_labs_own_cache_is_not_behind_itself(tmp_path: Path) -> None:
    assert spec(tmp_path).proxy == "http://192.0.2.9:13142"
    assert spec(tmp_path, "10.91.0.1").proxy is None


def test_the_provider_is_the_one_the_inventory_names(tmp_path: Path) -> None:
    path = tmp_path / "blue.yaml"
    path.write_text(TEXT)
    assert isinstance(provider_for(load([path]), path), NspawnProvider)
    path.write_text(TEXT.replace("    machines: {provider: nspawn, network: 10.91.0.0/24, memory_mib: 1536, cpus: 2}\n", ""))
    provider = provider_for(load([path]), path)
    assert isinstance(provider, StaticProvider)
    assert provider.addresses()["w1"] == "10.91.0.50"


def test_a_provider_that_is_not_built_in_is_named(tmp_path: Path) -> None:
    path = tmp_path / "blue.yaml"
    path.write_text(TEXT.replace("nspawn", "moonbase"))
    with pytest.raises(InventoryError, match=r"blue.yaml:5:26: machines.provider: no provider 'moonbase' is installed"):
        load([path])
