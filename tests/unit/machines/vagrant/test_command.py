"""Proves that what Vagrant prints is read right, and that its troubles become one error each, with a way out."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from provisioner.machines.errors import CommandError, MachineError, RequirementError
from provisioner.machines.vagrant.command import TOLD, Ssh, Vagrant, explained, parse_ssh_config, parse_states

STATUS = """==> vagrant: A new version of Vagrant is available
1700000000,master-1,metadata,provider,libvirt
1700000000,master-1,provider-name,libvirt
1700000000,master-1,state,running
1700000000,master-1,state-human-short,running
1700000000,worker-1,state,not_created
1700000000,,ui,info,Current machine states:\\n\\nworker-1 not created (libvirt)
"""
CONFIG = """Host master-1
  HostName 192.168.121.5
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/home/a person/.vagrant.d/insecure_private_key"
  IdentityFile /second
  IdentitiesOnly yes

Host worker-1
  HostName 127.0.0.1
  User root
  Port 2201
"""


def test_states_in_the_vagrantfiles_order() -> None:
    assert parse_states(STATUS) == {"master-1": "running", "worker-1": "not_created"}
    assert list(parse_states(STATUS)) == ["master-1", "worker-1"]


def test_ways_to_machines() -> None:
    assert parse_ssh_config(CONFIG) == {
        "master-1": Ssh("192.168.121.5", 22, "vagrant", ("/home/a person/.vagrant.d/insecure_private_key", "/second")),
        "worker-1": Ssh("127.0.0.1", 2201, "root"),
    }
    with pytest.raises(MachineError, match="no HostName for odd"):
        parse_ssh_config("Host odd\n  User a\n")


def test_in_the_midst_of_vagrant_up_nothing_is_asked_of_a_second_vagrant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))  # where there is no vagrant
    folder, told = tmp_path / "vagrant", tmp_path / "told"
    folder.mkdir()
    (folder / "Vagrantfile").write_text("")
    way = {"address": "192.168.121.5", "port": 22, "user": "vagrant", "keys": ["/key"]}
    machines = {"master-1": {"state": "running", **way}, "worker-1": {"state": "not_created"}}
    told.write_text(json.dumps({"folder": str(folder), "machines": machines}))
    monkeypatch.setenv(TOLD, str(told))
    assert Vagrant(folder).states() == {"master-1": "running", "worker-1": "not_created"}
    assert Vagrant(folder).ssh(["master-1"]) == {"master-1": Ssh("192.168.121.5", 22, "vagrant", ("/key",))}
    (tmp_path / "Vagrantfile").write_text("")
    with pytest.raises(RequirementError, match="vagrant is not installed"):
        Vagrant(tmp_path).states()  # another folder's machines are another Vagrant's
    told.write_text("{")
    with pytest.raises(MachineError, match=f"{TOLD} names .* can't be read"):
        Vagrant(folder).states()


@pytest.mark.parametrize(
    ("said", "meaning", "hint"),
    [
        (
            "The provider 'libvirt' could not be found, but was requested to\nback the machine",
            "plug-in for libvirt is missing",
            "vagrant-libvirt",
        ),
        ("vagrant/Vagrantfile: the plug-in vagrant-libvirt is missing: apt-get", "plug-in for libvirt is missing", "apt-get install"),
        ("vagrant/Vagrantfile: box a/b is for arm64, and this computer is amd64: remove", "another architecture", "vagrant/box"),
        ("The box 'provision/bookworm' could not be found or\ncould not be accessed", "box is not there", "vagrant/box"),
        ("Error while connecting to Libvirt: Error making a connection", "does not reach libvirt", "scripts/libvirt start"),
        ("Timed out while waiting for the machine to boot. This means", "did not boot in time", "console"),
        ("but another process is already executing an action on the machine", "another vagrant works", "run again"),
        ("Name `lab_master-1` of domain about to create is already taken.", "not ours", "rename"),
        ("internal error: Network is already in use by interface virbr1", "network collides", "lab.yaml"),
    ],
)
def test_troubles_are_told_with_a_way_out(said: str, meaning: str, hint: str) -> None:
    found = explained(CommandError(["vagrant", "up"], 1, f"Bringing machine up\n{said}\n"))
    assert isinstance(found, RequirementError)
    assert meaning in found.message
    assert hint in found.hint


def test_an_unknown_trouble_is_quoted() -> None:
    found = explained(CommandError(["vagrant", "up"], 1, "the moon is full"))
    assert isinstance(found, CommandError)
    assert str(found) == "`vagrant up` ended with 1\n  | the moon is full"


def test_what_is_for_programs_is_told_as_people_read_it() -> None:
    said = (
        "1700000000,,ui,error,The provider 'libvirt' could not be found%!(VAGRANT_COMMA) but was\\nrequested. Others: a%!(VAGRANT_COMMA) b"
    )
    found = explained(CommandError(["vagrant", "status"], 1, said))
    assert found.message == "vagrant: Vagrant's plug-in for libvirt is missing: The provider 'libvirt' could not be found, but was"
    unknown = explained(CommandError(["vagrant", "status"], 1, "1700000000,,ui,error,odd%!(VAGRANT_COMMA) very"))
    assert str(unknown) == "`vagrant status` ended with 1\n  | odd, very"


def test_no_vagrantfile_and_no_vagrant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MachineError, match=r"(?s)no Vagrantfile in .*give its folder"):
        Vagrant(tmp_path).states()
    (tmp_path / "Vagrantfile").write_text("")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RequirementError, match=r"(?s)vagrant is not installed.*apt-get install vagrant"):
        Vagrant(tmp_path).states()


def test_it_runs_in_its_folder_and_leaves_provisioning_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Vagrantfile").write_text("")
    program = tmp_path / "bin" / "vagrant"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$VAGRANT_CWD $@" >>{tmp_path}/calls\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    vagrant = Vagrant(tmp_path)
    vagrant.up(["a", "b"])
    vagrant.halt(["a"], hard=True)
    vagrant.destroy()
    assert vagrant.ssh([]) == {}
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"{tmp_path} up --no-provision a b", f"{tmp_path} halt --force a", f"{tmp_path} destroy --force"]
