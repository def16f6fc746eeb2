"""Proves that an inventory file with `plugin:` holds what its plug-in lists, with its variables, and that a plug-in's trouble has its place."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from provisioner.inventory import InventoryError, load, plugin_source
from provisioner.machines.errors import MachineError


def two_hosts(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    assert path.name == "hosts.yaml"
    return {
        "all": {"vars": dict(document["vars"])},
        "masters": {"hosts": ["m"]},
        "workers": ["w"],
        "_meta": {"hostvars": {"m": {"ansible_host": "192.0.2.1"}, "w": {"ansible_host": "192.0.2.2"}}},
    }


def fails(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    raise MachineError("the cloud is closed", hint="come back tomorrow")


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"two": f"{__name__}:two_hosts", "closed": f"{__name__}:fails", "broken": "no_such_module:x"}
    points = EntryPoints(EntryPoint(name, value, plugin_source.PLUGINS) for name, value in values.items())
    monkeypatch.setattr(plugin_source, "entry_points", lambda **wanted: points.select(**wanted))
    monkeypatch.setattr(EntryPoint, "load", _load)


def _load(point: EntryPoint) -> Any:
    module, _, name = point.value.partition(":")
    if module != __name__:
        raise ImportError(f"No module named {module!r}")
    return globals()[name]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hosts.yaml"
    path.write_text(text)
    return path


def test_what_is_listed_is_the_inventory(tmp_path: Path, plugged: None) -> None:
    path = written(tmp_path, "plugin: two\nvars: {cluster: {name: dyn}, colour: red}\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "workers.yaml").write_text("shape: round\n")
    inventory = load([path])
    assert {name: [*host.groups] for name, host in inventory.hosts.items()}.keys() == {"m", "w"}
    assert inventory.cluster and inventory.cluster.name == "dyn"
    assert inventory.hosts["m"].vars["colour"] == "red"
    assert inventory.hosts["w"].vars["shape"] == "round"
    assert inventory.hosts["w"].connection.address == "192.0.2.2"


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("closed", r"hosts.yaml:1:9: the cloud is closed \(come back tomorrow\)"),
        ("broken", r"hosts.yaml:1:9: the inventory plug-in 'broken' can't be loaded: No module named"),
        ("tow", r"hosts.yaml:1:9: no inventory plug-in 'tow' is installed \(did you mean 'two'\?\)"),
    ],
)
def test_trouble_is_one_problem_with_its_place(tmp_path: Path, plugged: None, name: str, pattern: str) -> None:
    with pytest.raises(InventoryError, match=pattern) as caught:
        load([written(tmp_path, f"plugin: {name}\n")])
    assert len(caught.value.problems) == 1
