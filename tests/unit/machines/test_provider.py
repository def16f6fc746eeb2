"""Proves that providers are plug-ins: the inventory's word finds an entry point, and what is wrong with one is told."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from typing import Any

import pytest

from provisioner.inventory import Inventory, InventoryError, load
from provisioner.machines import provider as interface
from provisioner.machines.errors import MachineError, RequirementError
from provisioner.machines.provider import Progress, provider_for, tell_connections
from provisioner.machines.static import StaticProvider

INVENTORY = """
all:
  vars:
    machines: {{provider: {provider}, options: {{zone: here}}}}
  hosts: {{a: }}
"""


class Cloud(StaticProvider):
    """Somebody else's provider."""


def cloud(inventory: Inventory, path: Path, progress: Progress | None) -> Cloud:
    assert inventory.machines
    return Cloud(dict.fromkeys(inventory.hosts, inventory.machines.options["zone"]))


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed plug-ins are a good one and one that stands on a missing library."""
    points = [
        EntryPoint(name, value, interface.PLUGINS) for name, value in {"cloud": f"{__name__}:cloud", "libvirt": "no_such_module:x"}.items()
    ]

    def found(**choice: Any) -> EntryPoints:
        return EntryPoints(points).select(**choice)

    monkeypatch.setattr(interface, "entry_points", found)
    monkeypatch.setattr("provisioner.inventory.machines_spec.entry_points", found)
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("types").SimpleNamespace(cloud=cloud))


def write(folder: Path, provider: str) -> Path:
    path = folder / "inventory.yaml"
    path.write_text(INVENTORY.format(provider=provider))
    return path


@pytest.mark.usefixtures("plugged")
def test_another_packages_provider_is_used(tmp_path: Path) -> None:
    path = write(tmp_path, "cloud")
    found = provider_for(load([path]), path)
    assert isinstance(found, Cloud)
    assert found.addresses() == {"a": "here"}


@pytest.mark.usefixtures("plugged")
def test_a_provider_without_its_library_says_what_to_install(tmp_path: Path) -> None:
    path = write(tmp_path, "libvirt")
    with pytest.raises(RequirementError, match=r"(?s)'libvirt' can't be loaded: No module named 'no_such_module'.*pip install"):
        provider_for(load([path]), path)


def test_an_unknown_provider_is_a_mistake_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, "libvrt")
    with pytest.raises(
        InventoryError, match=r"inventory.yaml:4:\d+: machines.provider: no provider 'libvrt' is installed; did you mean 'libvirt'"
    ):
        load([path])


def test_the_built_in_ones_are_installed_like_anybody_elses() -> None:
    assert {"libvirt", "nspawn", "static", "vagrant"} <= entry_points(group=interface.PLUGINS).names


@pytest.mark.usefixtures("plugged")
def test_a_provider_that_went_away_is_named(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("all: {hosts: {a: }}\n")
    with pytest.raises(MachineError, match=r"(?s)no provider 'static' is installed.*installed: cloud, libvirt"):
        provider_for(load([path]), path)


@pytest.mark.parametrize("name", ["libvirt", "nspawn", "static", "vagrant"])
def test_the_built_in_ones_are_found_again_and_again(name: str) -> None:
    """An entry point that has the name of a module beside it is a function only until that module is imported."""
    (point,) = entry_points(group=interface.PLUGINS, name=name)
    for _ in range(2):
        assert callable(point.load())
        import_module(f"{point.module}.provider" if name in ("libvirt", "vagrant") else point.module)


def test_how_machines_are_reached_is_told_and_the_inventorys_own_word_stays(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("all: {hosts: {a: , b: {ansible_user: me}}}")

    class Reached(StaticProvider):
        def connection_vars(self) -> dict[str, dict[str, object]]:
            return {name: {"ansible_host": f"at-{name}", "ansible_user": "root"} for name in ("a", "b")}

    inventory = load([path])
    tell_connections(inventory, Reached({}))
    assert [(host.connection.address, host.connection.user) for host in inventory.hosts.values()] == [("at-a", "root"), ("at-b", "me")]
