"""A libvirt in memory (its own `test:///default` driver), and a lab on it. That driver has no volumes' contents: uploads are noted instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest
import yaml

from provisioner.inventory import load
from provisioner.machines import packages
from provisioner.machines.libvirt import boot, storage
from provisioner.machines.libvirt.connection import connect
from provisioner.machines.libvirt.provider import LibvirtProvider
from provisioner.machines.libvirt.spec import VmLab, vm_lab

GIB = 1 << 30
MakeLab = Callable[..., VmLab]


def qcow2(virtual_bytes: int = 2 * GIB) -> bytes:
    """What begins a qcow2 image."""
    return b"QFI\xfb" + bytes(20) + virtual_bytes.to_bytes(8, "big") + bytes(72)


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What was uploaded, by the volume's name."""
    found: dict[str, bytes] = {}
    monkeypatch.setattr(storage, "upload", lambda volume, file, size: found.update({volume.name(): file.read()}))
    return found


@pytest.fixture
def connection() -> Iterator[Any]:
    """Everything in it ends with the last connection."""
    opened = connect("test:///default")
    yield opened
    opened.close()


@pytest.fixture
def make_lab(tmp_path: Path) -> MakeLab:
    """A lab of the inventory's `machines:` (with an image that is there) and its workers' variables."""

    def make(*, name: str = "vms", workers: dict[str, Any] | None = None, **machines: Any) -> VmLab:
        (tmp_path / "image.qcow2").write_bytes(qcow2())
        chosen = {"provider": "libvirt", "uri": "test:///default", "acceleration": "none", "image": {"path": "image.qcow2"}, **machines}
        tree = {
            "all": {
                "vars": {"machines": chosen, "cluster": {"name": name}},
                "children": {"masters": {"hosts": {"m": None}}, "workers": {"hosts": workers or {"w": None}}},
            }
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(tree))
        return vm_lab(load([path]), path)

    return make


@pytest.fixture
def make_provider(
    connection: Any, make_lab: MakeLab, uploads: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., LibvirtProvider]:
    """Its machines answer SSH at once; what it tells is in `said`."""
    monkeypatch.setattr(boot, "answers", lambda address, port=22: True)
    monkeypatch.setattr(packages, "host_sources", lambda suite, lab: packages.Sources(packages.DEBIAN, None, None))  # asking apt takes long

    def make(**settings: Any) -> LibvirtProvider:
        said: list[str] = []
        made = LibvirtProvider(make_lab(**settings), progress=said.append, opened=lambda uri: connection, store=tmp_path / "store")
        made.said = said  # type: ignore[attr-defined]
        return made

    return make


def everything(connection: Any) -> dict[str, set[str]]:
    """Names of all there is, to compare before and after."""
    pools = connection.listAllStoragePools()
    return {
        "domains": {domain.name() for domain in connection.listAllDomains()},
        "networks": {network.name() for network in connection.listAllNetworks()},
        "pools": {pool.name() for pool in pools},
        "volumes": {volume.name() for pool in pools if pool.isActive() for volume in pool.listAllVolumes()},
    }


def error(text: str, code: int = libvirt.VIR_ERR_INTERNAL_ERROR) -> libvirt.libvirtError:
    """libvirt's error, as its C library would have raised it."""
    made = libvirt.libvirtError(text)
    made.args = (text,)  # it would rather say what the library said last
    made.err = (code, 0, text, libvirt.VIR_ERR_ERROR, None, None, None, -1, -1)
    return made
