"""Proves on real network namespaces that pods get addresses, reach each other and their host, and leave nothing behind.

The test runs itself again under `unshare --net --mount`: the namespace is the node, so nothing of the machine's own network is touched.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.kube.network.podnet import HostPort, PodNetwork, interface_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def test_pods_in_a_node_of_their_own(tmp_path: Path) -> None:
    command = ["unshare", "--net", "--mount", sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["pods", "hostport", "again", "gone"]


async def scenario(state: Path) -> None:
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pods = [subprocess.Popen(["unshare", "--net", "sleep", "60"]) for _ in range(2)]
    own = os.readlink("/proc/self/ns/net")
    while any(os.readlink(f"/proc/{pod.pid}/ns/net") == own for pod in pods):
        await asyncio.sleep(0.01)
    try:
        network = PodNetwork(state)
        await network.configure("10.77.3.0/24")
        first = await network.setup("uid-1", pods[0].pid, [HostPort("TCP", 8088, 80)])
        second = await network.setup("uid-2", pods[1].pid)
        assert (first.ip, second.ip) == ("10.77.3.2", "10.77.3.3")
        assert await network.setup("uid-1", pods[0].pid) == first
        subprocess.run(["ip", "address", "add", "10.9.9.9/32", "dev", "lo"], check=True)
        for address in (first.ip, "10.9.9.9"):
            inside = ["nsenter", "-t", str(pods[1].pid), "-n"]
            server = subprocess.Popen(
                [*(["nsenter", "-t", str(pods[0].pid), "-n"] if address == first.ip else []), sys.executable, "-c", SERVER, address]
            )
            asked = subprocess.run([*inside, sys.executable, "-c", CLIENT, address, "80"], capture_output=True, text=True, timeout=10)
            assert asked.stdout == "hello", asked.stderr
            server.wait(5)
        print("pods")
        await network.setup("uid-1", pods[0].pid, [HostPort("TCP", 8088, 80)])
        server = subprocess.Popen(["nsenter", "-t", str(pods[0].pid), "-n", sys.executable, "-c", SERVER, first.ip])
        asked = subprocess.run([sys.executable, "-c", CLIENT, "10.9.9.9", "8088"], capture_output=True, text=True, timeout=10)
        assert asked.stdout == "hello", asked.stderr
        server.wait(5)
        print("hostport")
        later = PodNetwork(state)
        await later.configure("10.77.3.0/24")
        assert later.addresses() == {"uid-1": first.ip, "uid-2": second.ip}
        print("again")
        await later.keep_only(set())
        assert not Path(f"/sys/class/net/{interface_of('uid-1')}").exists()
        assert later.addresses() == {}
        assert "10.77.3.2" not in subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
        print("gone")
    finally:
        for pod in pods:
            pod.kill()
            pod.wait()


SERVER = """
import socket, sys
with socket.create_server((sys.argv[1], 80)) as s:
    s.settimeout(5)
    c, _ = s.accept()
    c.sendall(b"hello"); c.close()
"""
CLIENT = """
import socket, sys, time
deadline = time.monotonic() + 5
while True:
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as s:
            sys.stdout.write(s.recv(10).decode())
        break
    except ConnectionRefusedError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.02)
"""

if __name__ == "__main__":
    asyncio.run(scenario(Path(sys.argv[1])))
