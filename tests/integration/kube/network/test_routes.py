"""Proves on real namespaces that packets between pods of different hosts find their way: by routes on one segment, by VXLAN across segments.

The test runs itself under `unshare --net` as a router with two segments; three more namespaces are hosts, each with one pod's address.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provisioner.kube.kubelet.server.port_forward import socket_in
from provisioner.kube.network.ip_batch import run_command
from provisioner.kube.network.routes import PROTOCOL, VXLAN_DEVICE, NodeNetwork, Plan, RouteTable, attached_segments, decide

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

HOSTS = {"one": "10.61.1.2", "two": "10.61.1.3", "far": "10.61.2.2"}
NODES = [NodeNetwork(name, address, f"10.62.{number}.0/24") for number, (name, address) in enumerate(HOSTS.items(), 1)]
PODS = {node.name: node.pod_cidr.replace(".0/24", ".9") for node in NODES}


def test_ways_between_hosts() -> None:
    done = subprocess.run(["unshare", "--net", "--mount", sys.executable, __file__, "scenario"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["routes", "tunnels", "repaired", "unchanged", "removed"]


def run(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True)


@contextmanager
def hosts() -> Iterator[dict[str, list[str]]]:
    """Hosts by name to the command that enters them: one and two on a bridge, far behind the router."""
    run("ip link set lo up", "sysctl -qw net.ipv4.ip_forward=1", "ip link add near type bridge", "ip link set near up")
    run("ip addr add 10.61.1.1/24 dev near")
    holders = {}
    for name, address in HOSTS.items():
        holder = holders[name] = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "60"])
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
            pass
        enter = f"nsenter -t {holder.pid} -n -m"
        run(f"ip link add v{name} type veth peer name eth0 netns {holder.pid}", f"ip link set v{name} up")
        run("ip addr add 10.61.2.1/24 dev vfar" if name == "far" else f"ip link set v{name} master near")
        run(f"{enter} ip link set lo up", f"{enter} ip addr add {address}/24 dev eth0", f"{enter} ip link set eth0 up")
        gateway = address.rpartition(".")[0] + ".1"
        run(f"{enter} ip route add default via {gateway}", f"{enter} ip addr add {PODS[name]}/32 dev lo")
        run(f"{enter} sysctl -qw net.ipv4.ip_forward=1", f"{enter} mount -t sysfs sysfs /sys")
    try:
        yield {name: ["nsenter", "-t", str(holder.pid), "-n", "-m"] for name, holder in holders.items()}
    finally:
        for holder in holders.values():
            holder.kill()
            holder.wait()


def sync(enter: list[str], name: str, *without: str) -> int:
    """Run this host's part of kube-proxy once; the number of changes."""
    done = subprocess.run([*enter, sys.executable, __file__, "host", name, *without], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def reaches(enter: dict[str, list[str]], one: str, other: str) -> bool:
    """Whether a datagram between the pods of two hosts comes back."""
    with (
        socket_in(pid(enter[one]), socket.AF_INET, socket.SOCK_DGRAM) as here,
        socket_in(pid(enter[other]), socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        here.bind((PODS[one], 0))
        there.bind((PODS[other], 7))
        try:
            for sock in (here, there):
                sock.settimeout(1.0)
            here.sendto(b"hello", (PODS[other], 7))
            data, sender = there.recvfrom(100)
            there.sendto(data, sender)
            return here.recv(100) == b"hello"
        except OSError:
            return False


def pid(enter: list[str]) -> int:
    return int(enter[enter.index("-t") + 1])


def scenario() -> None:
    with hosts() as enter:
        for name in HOSTS:
            assert sync(enter[name], name) > 0
        assert reaches(enter, "one", "two")
        routes = subprocess.run([*enter["one"], "ip", "route"], capture_output=True, text=True, check=True).stdout
        assert f"10.62.2.0/24 via {HOSTS['two']}" in routes
        print("routes")
        for one, other in (("one", "far"), ("far", "two")):
            assert reaches(enter, one, other), (one, other)
        assert f"10.62.3.0/24 via 10.62.3.0 dev {VXLAN_DEVICE}" in routes
        print("tunnels")
        run(f"{' '.join(enter['one'])} ip route flush proto {PROTOCOL}")
        assert not reaches(enter, "one", "far")
        assert sync(enter["one"], "one") > 0
        assert reaches(enter, "one", "far") and reaches(enter, "one", "two")
        print("repaired")
        assert asyncio_result(enter["one"]) == "0"
        print("unchanged")
        sync(enter["one"], "one", "far")
        assert "10.62.3.0/24" not in subprocess.run([*enter["one"], "ip", "route"], capture_output=True, text=True, check=True).stdout
        print("removed")


def asyncio_result(enter: list[str]) -> str:
    """Changes of a second look by one process that has just looked."""
    done = subprocess.run([*enter, sys.executable, __file__, "twice", "one"], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.split()[-1]


async def as_host(name: str, without: list[str], times: int) -> None:
    table = RouteTable()
    for _ in range(times):
        plan: Plan = decide([node for node in NODES if node.name not in without], name, await attached_segments())
        changed = await table.apply(plan)
    assert await run_command(["ip", "-json", "route"])
    print(changed)


if __name__ == "__main__":
    if sys.argv[1] == "scenario":
        scenario()
    else:
        asyncio.run(as_host(sys.argv[2], sys.argv[3:], 2 if sys.argv[1] == "twice" else 1))
