"""Bare lab hosts for benchmarks of the engine: made and removed, reached, and what CPU time they used."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from provisioner.machines import cgroups, packages, rootfs
from provisioner.machines.nspawn import NspawnProvider
from provisioner.machines.spec import HostSpec, LabSpec

# What a run leaves behind, ours and the peers': without it the next run is a first one.
LEFT_BEHIND = ("/srv/work", "/root/.cache/provision", "/root/.ansible", "/var/tmp/provision-0")

# Booting is work for the processors, and a host that does not answer in time is an error.
STARTED_TOGETHER = 6


class Hosts:
    """Some hosts that are up."""

    def __init__(self, lab: LabSpec) -> None:
        self.lab = lab

    @property
    def names(self) -> list[str]:
        return [host.name for host in self.lab.hosts]

    def inventory(self, ports: dict[str, int] | None = None) -> Path:
        """For ansible-playbook and for ours. `ports`: by host, of this computer on the lab's bridge, that lead to the host."""
        state = self.lab.state
        hosts = {
            host.name: {
                "ansible_host": str(self.lab.gateway if ports else host.address),
                "ansible_port": ports[host.name] if ports else 22,
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(state / "id_ed25519"),
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={state / 'known_hosts'} -o StrictHostKeyChecking=yes",
                "ansible_python_interpreter": "/usr/bin/python3",
            }
            for host in self.lab.hosts
        }
        if ports:
            known = [line.split(maxsplit=1) for line in (state / "known_hosts").read_text().splitlines() if line]
            keys = {name: key for names, key in known for name in names.split(",")}
            lines = [f"[{self.lab.gateway}]:{ports[host.name]} {keys[str(host.address)]}\n" for host in self.lab.hosts]
            (state / "known_hosts_by_port").write_text("".join(lines))
            for variables in hosts.values():
                variables["ansible_ssh_common_args"] = f"-o UserKnownHostsFile={state / 'known_hosts_by_port'} -o StrictHostKeyChecking=yes"
        self.lab.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        return self.lab.inventory

    def ssh(self, name: str, command: str) -> str:
        state = self.lab.state
        files = ["-i", str(state / "id_ed25519"), "-o", f"UserKnownHostsFile={state / 'known_hosts'}"]
        argv = ["ssh", "-F", "none", "-o", "BatchMode=yes", *files, f"root@{self.lab.host(name).address}", command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise SystemExit(f"{name}: {command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def forget(self) -> None:
        """Back to bare."""
        for name in self.names:
            self.ssh(name, f"rm -rf {' '.join(LEFT_BEHIND)}")

    def cpu_s(self) -> float:
        """What all hosts together have used since they were started, by their control groups."""
        total = 0.0
        for host in self.lab.hosts:
            total += _group_cpu_s(self.lab.machine_name(host))
        return total


def _group_cpu_s(machine: str) -> float:
    legacy = cgroups.ROOT / "cpuacct" / cgroups.GROUP / machine / "cpuacct.usage"
    if legacy.exists():
        return int(legacy.read_text()) / 1e9
    for group in (cgroups.ROOT / cgroups.GROUP / machine, cgroups.ROOT / "machine.slice" / f"provision-{machine}.scope"):
        if (group / "cpu.stat").exists():
            fields = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
            return int(fields["usage_usec"]) / 1e6
    raise SystemExit(f"no control group of {machine} was found under {cgroups.ROOT}")


@contextmanager
def hosts(count: int, folder: Path, *, memory_mib: int = 512, network: str = "10.199.254.0/24") -> Iterator[Hosts]:
    """So many bare hosts, removed at the end."""
    range_ = ipaddress.IPv4Network(network)
    specs = tuple(HostSpec(f"host-{i + 1}", range_[11 + i], memory_mib=memory_mib, cpus=2.0) for i in range(count))
    lab = LabSpec("engine", folder / "inventory.yaml", range_, specs)
    rootfs.ensure(specs[0].suite, packages.host_sources(specs[0].suite, lab).main)
    provider = NspawnProvider(lab)
    try:
        provider.create()
        for start in range(0, count, STARTED_TOGETHER):
            provider.start([spec.name for spec in specs[start : start + STARTED_TOGETHER]])
        yield Hosts(lab)
    finally:
        provider.destroy()
