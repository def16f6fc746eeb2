"""Proves that what can't come up is told by Vagrant itself and by `provision`, in one error and before anything is made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.lab import Result, run
from tests.vm.conftest import ROOT
from tests.vm.scenario import PROVISION

INVENTORY = ROOT / "inventories" / "vagrant.yaml"
BOX = Path("boxes/provision-VAGRANTSLASH-bookworm/0/libvirt/metadata.json")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Vagrant's own folder, with a box of another architecture: none of these tests comes so far as to need its disk."""
    metadata = tmp_path / "home" / BOX
    metadata.parent.mkdir(parents=True)
    metadata.write_text(json.dumps({"provider": "libvirt", "format": "qcow2", "virtual_size": 4, "architecture": "sparc"}))
    return tmp_path / "home"


def settings(home: Path, **more: str) -> dict[str, str]:
    fixed = {"VAGRANT_HOME": str(home), "VAGRANT_CWD": str(ROOT / "vagrant"), "VAGRANT_DOTFILE_PATH": str(home / "dot")}
    return {**fixed, "VAGRANT_CHECKPOINT_DISABLE": "1", "NO_COLOR": "1", **more}


def vagrant_up(env: dict[str, str]) -> Result:
    return run(["vagrant", "up"], timeout_s=120, env=env)


def machines_of(home: Path) -> list[Path]:
    """What Vagrant would remember of machines that it made."""
    return list((home / "dot").glob("machines/*/*/id"))


@pytest.mark.parametrize(
    ("env", "said", "ours"),
    [
        ({}, "box provision/bookworm is for sparc, and this computer is", r"another architecture: .* for sparc.*vagrant/box"),
        (
            {"VAGRANT_NO_PLUGINS": "1"},
            "the plug-in vagrant-libvirt is missing",
            r"plug-in for libvirt is missing: .*apt-get install vagrant-lib",
        ),
        ({"PROVISION_BOX": "provision/trixie"}, "there is no box provision/trixie for libvirt", r"box is not there: .*vagrant/box"),
        ({"PROVISION_WORKERS": "many"}, 'workers must be a whole number of at least 0, not "many"', r'at least 0, not "many"'),
        ({"PROVISION_DRIVER": "xen"}, 'driver must be auto, kvm or qemu, not "xen"', r'not "xen"'),
        ({"PROVISION_NETWORK": "lots"}, 'network must be a range such as 10.93.0.0/24, not "lots"', r'not "lots"'),
    ],
)
def test_one_error_and_nothing_made(home: Path, env: dict[str, str], said: str, ours: str) -> None:
    """By `vagrant up`, and by `provision machines up`, which knows a way out."""
    given = settings(home, **env)
    plain = vagrant_up(given)
    assert plain.code == 1
    assert plain.output.count("\n") == 1, plain.output
    assert said in plain.output
    machines = run([PROVISION, "machines", "up", str(INVENTORY)], timeout_s=120, env=given)
    assert machines.code in (1, 2)  # 2 where the inventory already can't be read
    assert re.search(ours, machines.output, re.S), machines.output
    assert "Traceback" not in machines.output
    assert "VAGRANT_COMMA" not in machines.output
    assert machines_of(home) == []
