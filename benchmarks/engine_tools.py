"""The tools that are compared, each as its users run it: ours, and peers from the package registry in environments of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine_hosts import Hosts
from engine_work import DEPLOY, PLAY

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "provision" / "benchmarks"
PROGRAM = str(Path(sys.executable).with_name("provision"))
ANSIBLE = ("ansible-core==2.19.*",)
# paramiko leaves Nagle's algorithm on, which holds each command up for 40 ms.
NODELAY = """
import socket, sys
from pyinfra_cli.main import main
import paramiko
start = paramiko.Transport.start_client
def with_nodelay(self, *args, **kwargs):
    self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return start(self, *args, **kwargs)
paramiko.Transport.start_client = with_nodelay
sys.argv[0] = "pyinfra"
sys.exit(main())
"""


@dataclass(frozen=True)
class Cost:
    """One run: seconds on the clock, of CPU here (the tool with all its children), and of CPU on all hosts together; the largest memory that
    the tool's own process had."""

    wall_s: float
    controller_s: float
    hosts_s: float
    memory_mib: float


@dataclass(frozen=True)
class Tool:
    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)

    def run(self, folder: Path, hosts: Hosts, *more: str) -> Cost:
        """Raises SystemExit where the tool does not end well: a broken run would look fast."""
        hosts_before = hosts.cpu_s()
        with tempfile.TemporaryFile("w+") as said:
            began = time.monotonic()
            process = subprocess.Popen(
                [*self.argv, *more], cwd=folder, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            _, status, used = os.wait4(process.pid, 0)
            wall_s = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                raise SystemExit(f"{self.name} ended with {process.returncode}\n{said.read()[-4000:]}")
        return Cost(wall_s, used.ru_utime + used.ru_stime, hosts.cpu_s() - hosts_before, used.ru_maxrss / 1024)


def ours(hosts: Hosts) -> Tool:
    return Tool("provision", (PROGRAM, "play", PLAY, "-i", str(hosts.inventory())))


def peers(hosts: Hosts, folder: Path) -> list[Tool]:
    """Installs what is missing; writes what they are configured by into `folder`."""
    ansible = _environment("ansible-core", ANSIBLE)
    mitogen = _environment("mitogen", (*ANSIBLE, "mitogen==0.3.*"))
    pyinfra = _environment("pyinfra", ("pyinfra==3.*",))
    inventory = str(hosts.inventory())
    shared = {
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": str(max(5, len(hosts.names))),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_CONFIG": str(_empty(folder / "ansible.cfg")),
    }
    strategy = next(mitogen.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy"))
    (folder / "pyinfra_hosts.py").write_text(_pyinfra_inventory(hosts))
    words = ("-y", "pyinfra_hosts.py", DEPLOY)
    return [
        Tool("ansible-core", (str(ansible / "bin/ansible-playbook"), "-i", inventory, PLAY), shared),
        Tool(
            "ansible-core + Mitogen",
            (str(mitogen / "bin/ansible-playbook"), "-i", inventory, PLAY),
            {**shared, "ANSIBLE_STRATEGY_PLUGINS": str(strategy), "ANSIBLE_STRATEGY": "mitogen_linear"},
        ),
        Tool("pyinfra", (str(pyinfra / "bin/pyinfra"), *words)),
        Tool("pyinfra + TCP_NODELAY", (str(pyinfra / "bin/python"), "-c", NODELAY, *words)),
    ]


def _empty(path: Path) -> Path:
    path.touch()
    return path


def _pyinfra_inventory(hosts: Hosts) -> str:
    state = hosts.lab.state
    entries = [
        (
            str(host.address),
            {
                "ssh_user": "root",
                "ssh_key": str(state / "id_ed25519"),
                "ssh_known_hosts_file": str(state / "known_hosts"),
                "ssh_strict_host_key_checking": "yes",
            },
        )
        for host in hosts.lab.hosts
    ]
    return f"hosts = {entries!r}\n"


def _environment(name: str, packages: Sequence[str]) -> Path:
    """A virtual environment under the user's cache folder; removed again when the installation does not come to its end."""
    folder = CACHE / name
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {' '.join(packages)} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-qq", "--disable-pip-version-check", *packages], check=True)
        (folder / "ready").touch()
    return folder
