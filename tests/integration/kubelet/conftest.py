"""A node for the tests: a network and mount namespace of its own with a real dockerd and a real kubelet, and an API server in memory.

Nothing of the machine's own network or of its Docker is touched.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web

ROOT = Path(__file__).resolve().parents[3]
CLONE_NEWNET = 0x40000000
NAMESPACES = """
set -e
mount --make-rprivate /
mkdir -p {work}/cgroup && mount --rbind /sys/fs/cgroup {work}/cgroup
mount -t sysfs sysfs /sys && mount --rbind {work}/cgroup /sys/fs/cgroup
ip link set lo up && ip address add 10.99.0.1/32 dev lo scope global
touch {work}/up
exec sleep infinity
"""


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


fake_api = _load("fake_api")


def wait_for(condition: Callable[[], Any], timeout_s: float = 30.0, what: str = "") -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)


@dataclass
class Host:
    """The namespaces, and dockerd inside them."""

    work: Path
    pid: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def docker_socket(self) -> Path:
        return self.work / "docker.sock"

    def argv(self, *argv: str) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-n", "-m", *argv]

    def run(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run(self.argv(*argv), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def docker(self, *argv: str, check: bool = True) -> str:
        return self.run("docker", "-H", f"unix://{self.docker_socket}", *argv, check=check)

    def listening_socket(self) -> socket.socket:
        """A socket of this process inside the host's network."""
        made: list[socket.socket] = []

        def make() -> None:
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/proc/{self.pid}/ns/net") as namespace:
                assert libc.setns(namespace.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            sock = socket.socket()
            sock.bind(("127.0.0.1", 0))
            made.append(sock)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        return made[0]


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("needs root and Docker's daemon")
    work = Path(tempfile.mkdtemp(prefix="kubelet-test-"))
    holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", NAMESPACES.format(work=work)])
    host = Host(work, holder.pid)
    try:
        wait_for((work / "up").exists, what="namespaces")
        (work / "daemon.json").write_text('{"bridge": "none", "iptables": false, "ip-forward": false}')
        command = [
            "dockerd",
            "--config-file",
            f"{work}/daemon.json",
            "-H",
            f"unix://{host.docker_socket}",
            "--pidfile",
            f"{work}/docker.pid",
        ]
        with (work / "dockerd.log").open("wb") as log:
            dockerd = subprocess.Popen(
                host.argv(*command, "--data-root", f"{work}/data", "--exec-root", f"{work}/exec"), stdout=log, stderr=log
            )
        host.processes.append(dockerd)
        wait_for(host.docker_socket.exists, what=f"dockerd; see {work}/dockerd.log")
        subprocess.run(
            [sys.executable, "-m", "provisioner.images", "build", str(work / "images")], check=True, cwd=ROOT, capture_output=True
        )
        for archive in (work / "images").glob("*.tar"):
            host.docker("load", "-i", str(archive))
        yield host
        host.docker("ps", "-aq", check=False)
        for container in host.docker("ps", "-aq").split():
            host.docker("rm", "-f", container, check=False)
    finally:
        for process in host.processes:
            process.terminate()
            process.wait(30)
        holder.kill()
        holder.wait()
        shutil.rmtree(work, ignore_errors=True)


@dataclass
class Node:
    """One kubelet on the host, which can be stopped and started again."""

    host: Host
    api: Any
    argv: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.host.argv(*self.argv), cwd=ROOT, stdout=log, stderr=log)
        await self.api.until(self.ready)

    def ready(self) -> bool:
        node = self.api.objects.get(("nodes", "", "lab"))
        conditions = {c["type"]: c["status"] for c in (node or {}).get("status", {}).get("conditions", [])}
        return conditions.get("Ready") == "True"

    async def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, 30)


@pytest.fixture
async def node(host: Host, tmp_path: Path) -> AsyncIterator[Node]:
    api = fake_api.FakeApi()
    runner = web.AppRunner(api.app(), shutdown_timeout=0.2)
    await runner.setup()
    sock = host.listening_socket()
    await web.SockSite(runner, sock).start()
    api.put(
        "services",
        {
            "metadata": {"name": "kubernetes", "namespace": "default"},
            "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP"}]},
        },
    )
    kubeconfig = tmp_path / "kubeconfig"
    server = f"http://127.0.0.1:{sock.getsockname()[1]}"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
        f"clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    )
    argv = [sys.executable, "-m", "provisioner.kube.kubelet", "--kubeconfig", str(kubeconfig), "--hostname-override=lab", "--v=4"]
    argv += ["--node-ip=127.0.0.1", f"--root-dir={tmp_path}/kubelet", f"--container-runtime-endpoint=unix://{host.docker_socket}"]
    argv += ["--cluster-dns=10.96.0.10", "--node-labels=role=test", "--node-status-update-frequency=1s"]
    made = Node(host, api, argv, tmp_path / "kubelet.log")
    node_range = asyncio.get_running_loop().create_task(give_range(api))
    try:
        await made.start()
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            await made.stop()
        node_range.cancel()
        await runner.cleanup()
        for container in host.docker("ps", "-aq").split():
            host.docker("rm", "-f", container, check=False)
        host.run("sh", "-c", f"grep -o '{tmp_path}[^ ]*' /proc/mounts | xargs -r -n1 umount -l", check=False)
        print(*(f"{key}: {obj.get('status')}\n" for key, obj in api.objects.items() if key[0] == "pods"))
        print(made.log.read_text()[-6000:])


async def give_range(api: Any) -> None:
    """The controller-manager's part: a pod range for a new node."""
    found = await api.until(lambda: api.objects.get(("nodes", "", "lab")))
    found["spec"] = {**found.get("spec", {}), "podCIDR": "10.244.7.0/24"}
    api.put("nodes", found, "MODIFIED")
