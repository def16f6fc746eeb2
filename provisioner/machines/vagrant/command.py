"""Runs `vagrant` in the folder of a Vagrantfile, reads what it prints, and turns its troubles into errors that say what to do."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.machines.commands import run
from provisioner.machines.errors import CommandError, MachineError, RequirementError

ASK_TIMEOUT_S = 120.0
# A lab's machines boot side by side; emulated on two busy cores the last of three was there after 3 minutes. Fifteen times that.
UP_TIMEOUT_S = 2700.0
DOWN_TIMEOUT_S = 600.0
# Names a file in which the `vagrant up` that started us says what is asked here of Vagrant: it has the machines locked.
TOLD = "PROVISION_VAGRANT_TOLD"
# What Vagrant's words mean, and what helps. The first that fits counts.
_CAUSES = (
    (
        r"plug-in vagrant-libvirt is missing|provider '[^']*' could not be found|Could not find .*vagrant-libvirt",
        "Vagrant's plug-in for libvirt is missing",
        "apt-get install vagrant-libvirt, or: vagrant plugin install vagrant-libvirt",
    ),
    (r"box \S+ is for (\w+), and", "the box is for another architecture", "remove it, and make one here with vagrant/box"),
    (
        r"there is no box|box '[^']*' could not be found|Box '[^']*' could not be found",
        "the box is not there",
        "make and add it: vagrant/box",
    ),
    (
        r"(?i)error while connecting to Libvirt|failed to connect to (socket|the hypervisor)",
        "Vagrant does not reach libvirt",
        "systemctl start libvirtd virtlogd; without systemd: scripts/libvirt start",
    ),
    (r"(?i)timed out while waiting for the machine to boot", "a machine did not boot in time", "see its console with: virsh console"),
    (
        r"(?i)another process is already executing an action|another Vagrant process is currently",
        "another vagrant works on these machines",
        "let it end, then run again",
    ),
    (r"(?i)Name `[^`]*` of domain about to create is already taken", "a machine that is not ours has the name", "remove or rename it"),
    (
        r"(?i)address .*(already in use|conflict|overlap)|already in use by interface",
        "the network collides with one that is there",
        "change network in lab.yaml",
    ),
    (
        r"(?i)Vagrantfile.*(missing|required)|Vagrant environment or target machine is required",
        "there is no Vagrantfile",
        "set the folder in the inventory",
    ),
)


@dataclass(frozen=True)
class Ssh:
    """How one machine is reached, as `vagrant ssh-config` says."""

    address: str
    port: int
    user: str
    keys: tuple[str, ...] = ()


class Vagrant:
    """The command, in one folder. Its errors are MachineErrors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def states(self) -> dict[str, str]:
        """State by machine, in the Vagrantfile's order: running, shutoff, poweroff, not_created…"""
        if (told := self._told()) is not None:
            return {name: said["state"] for name, said in told.items()}
        return parse_states(self._run("status", "--machine-readable", timeout_s=ASK_TIMEOUT_S))

    def ssh(self, names: Sequence[str]) -> dict[str, Ssh]:
        """The way to those machines, all of which must run."""
        if (told := self._told()) is not None:
            return {
                name: Ssh(said["address"], said["port"], said["user"], tuple(said["keys"])) for name, said in told.items() if name in names
            }
        return parse_ssh_config(self._run("ssh-config", *names, timeout_s=ASK_TIMEOUT_S)) if names else {}

    def up(self, names: Sequence[str]) -> None:
        """Makes and starts machines, bare: what its Vagrantfile would run on them is left out."""
        self._run("up", "--no-provision", *names, timeout_s=UP_TIMEOUT_S)

    def halt(self, names: Sequence[str], *, hard: bool = False) -> None:
        self._run("halt", *(["--force"] if hard else []), *names, timeout_s=DOWN_TIMEOUT_S)

    def destroy(self) -> None:
        self._run("destroy", "--force", timeout_s=DOWN_TIMEOUT_S)

    def _told(self) -> dict[str, dict[str, Any]] | None:
        """What the Vagrant of this folder, in whose midst we run, said; None outside of one."""
        path = os.environ.get(TOLD)
        if not path:
            return None
        try:
            told = json.loads(Path(path).read_text())
            machines: dict[str, dict[str, Any]] = told["machines"]
            return machines if Path(told["folder"]).resolve() == self.folder.resolve() else None
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise MachineError(f"{TOLD} names {path}, which can't be read: {e}", hint=f"unset {TOLD}: only the Vagrantfile sets it") from e

    def _run(self, *words: str, timeout_s: float) -> str:
        if not (self.folder / "Vagrantfile").is_file():
            raise MachineError(f"there is no Vagrantfile in {self.folder}", hint="give its folder, relative to the inventory")
        # It would ask its makers for a newer version; and a machine has no terminal to ask a person.
        quiet = {"VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_CWD": str(self.folder), "VAGRANT_NO_COLOR": "1"}
        try:
            return run(["vagrant", *words], timeout_s=timeout_s, env=quiet).stdout
        except RequirementError as e:
            raise RequirementError("vagrant is not installed", hint="apt-get install vagrant vagrant-libvirt") from e
        except CommandError as e:
            raise explained(e) from e


def explained(error: CommandError) -> MachineError:
    """What Vagrant said, with its meaning and a way out where they are known."""
    tail = readable(error.tail)
    for pattern, meaning, hint in _CAUSES:
        if re.search(pattern, tail):
            said = next((line.strip() for line in tail.splitlines() if re.search(pattern, line)), "")
            return RequirementError(f"vagrant: {meaning}: {said}" if said else f"vagrant: {meaning}", hint=hint)
    return CommandError(error.argv, error.code, tail, hint=error.hint)


def readable(output: str) -> str:
    """What `--machine-readable` prints for people (`timestamp,machine,ui,kind,text`), as people read it; other lines as they are."""
    lines = []
    for line in output.splitlines():
        told = re.fullmatch(r"\d+,[^,]*,ui,[^,]*,(.*)", line)
        lines.append(told[1].replace("\\n", "\n").replace("%!(VAGRANT_COMMA)", ",") if told else line)
    return "\n".join(lines)


def parse_states(output: str) -> dict[str, str]:
    """Lines of `timestamp,machine,type,data…`; other lines are a plug-in's chatter."""
    found = {}
    for line in output.splitlines():
        fields = line.split(",")
        if len(fields) >= 4 and fields[1] and fields[2] == "state":
            found[fields[1]] = fields[3]
    return found


def parse_ssh_config(output: str) -> dict[str, Ssh]:
    """ssh_config(5) as Vagrant prints it: `Host NAME`, and below it one keyword a line."""
    hosts: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in output.splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "Host":
            current = hosts.setdefault(rest.strip(), {})
        elif keyword and rest:
            current.setdefault(keyword, []).append(" ".join(shlex.split(rest)))
    return {name: _ssh(name, said) for name, said in hosts.items()}


def _ssh(name: str, said: Mapping[str, list[str]]) -> Ssh:
    if "HostName" not in said:
        raise MachineError(f"vagrant ssh-config says no HostName for {name}", hint=f"look at: vagrant ssh-config {name}")
    port = said.get("Port", ["22"])[0]
    return Ssh(said["HostName"][0], int(port), said.get("User", ["vagrant"])[0], tuple(said.get("IdentityFile", ())))
