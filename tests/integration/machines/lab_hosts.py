"""Hosts of a lab that `provision` is told of as if somebody else had made them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from provisioner.inventory import load
from provisioner.machines import provider_for
from provisioner.machines.nspawn import NspawnProvider


class LabHosts:
    """`hosts`: each one's own variables for the lab. They run after `start`."""

    def __init__(self, folder: Path, network: str, hosts: Mapping[str, dict[str, Any] | None], memory_mib: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        path = folder / "machines.yaml"
        machines = {"provider": "nspawn", "network": network, "memory_mib": memory_mib, "cpus": 2}
        path.write_text(yaml.safe_dump({"all": {"vars": {"machines": machines}, "hosts": dict(hosts)}}))
        made = provider_for(load([path]), path)
        assert isinstance(made, NspawnProvider)
        self.lab = made

    def start(self) -> None:
        self.lab.create()
        self.lab.start()

    def ssh(self, host: str, command: str, *, stdin: bytes = b"") -> str:
        """As root with the lab's own key, which opens the account until a test takes it away."""
        way = self.lab.connection_vars()[host]
        options = ["-F", "none", "-o", "BatchMode=yes", "-i", str(way["ansible_ssh_private_key_file"])]
        words = ["ssh", *options, *str(way["ansible_ssh_common_args"]).split(), f"root@{way['ansible_host']}", command]
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, f"{host}: {command}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout.decode()

    def provision(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("provision")
        return subprocess.run([program, *words], capture_output=True, text=True, timeout=800, check=False, env={"NO_COLOR": "1"})
