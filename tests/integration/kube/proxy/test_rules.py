"""Proves the rules on a real kernel: packets to services reach endpoints, are refused, dropped or masqueraded as they should.

The test runs itself again under `unshare --net`: that namespace is the node, two more are its pods and one is a host outside.
"""

from __future__ import annotations

import asyncio
import collections
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from provisioner.kube.kubelet.server.port_forward import socket_in
from provisioner.kube.proxy.services import Endpoint, ServicePort
from provisioner.kube.proxy.table import Table

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

PODS = ("10.77.0.2", "10.77.0.3")
NODE, OUTSIDE, VIP = "192.0.2.1", "192.0.2.50", "10.96.0.7"
A, B = Endpoint(PODS[0], 8080), Endpoint(PODS[1], 8080)
WEB = ServicePort("default/web", "tcp", 80, (VIP,), (), (), 30080, (A, B), (A, B), everywhere=(A, B))
REFUSED, SILENT, LOST = "refused", "silent", "unreachable"


def test_services_on_a_node_of_their_own() -> None:
    done = subprocess.run(["unshare", "--net", "--mount", sys.executable, __file__], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == [case.__name__ for case in CASES]
    assert "writing the whole table" not in done.stderr


class Node:
    """Namespaces by name to a process that holds each; every endpoint answers with its own name and the address it was asked from."""

    def __init__(self) -> None:
        self.table = Table("10.77.0.0/16")
        self.holders: dict[str, subprocess.Popen[bytes]] = {}
        self.servers: list[asyncio.Server] = []

    async def start(self) -> None:
        run("mount -t sysfs sysfs /sys", "ip link set lo up", "sysctl -qw net.ipv4.ip_forward=1")
        # As the pod network has it: redirects would use up what the kernel allows of refusals.
        run("sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0")
        for name, address, gateway in (("a", PODS[0], "10.77.255.1"), ("b", PODS[1], "10.77.255.1"), ("out", OUTSIDE, NODE)):
            holder = self.holders[name] = subprocess.Popen(["unshare", "--net", "sleep", "60"])
            own = os.readlink("/proc/self/ns/net")
            while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
                await asyncio.sleep(0.005)
            inside = f"nsenter -t {holder.pid} -n"
            run(
                f"ip link add v{name} type veth peer name eth0 netns {holder.pid}",
                f"ip addr add {gateway}/32 dev v{name}",
                f"ip link set v{name} up",
                f"ip route add {address}/32 dev v{name} src {gateway}",
                f"{inside} ip link set lo up",
                f"{inside} ip addr add {address}/32 dev eth0",
                f"{inside} ip link set eth0 up",
                f"{inside} ip route add {gateway}/32 dev eth0",
                f"{inside} ip route add default via {gateway}",
            )
        run(f"ip route add default via {OUTSIDE} dev vout onlink src {NODE}")
        for name in ("a", "b"):
            await self.serve(name, 8080)

    async def serve(self, name: str, port: int) -> None:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"{name} {writer.get_extra_info('peername')[0]}".encode())
            writer.close()

        sock = self.socket(name)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", port))
        self.servers.append(await asyncio.start_server(answer, sock=sock))

    def socket(self, name: str) -> socket.socket:
        return socket_in(self.holders[name].pid if name != "node" else os.getpid(), socket.AF_INET)

    async def ask(self, who: str, address: str, port: int) -> str:
        """`endpoint client-address`, or how it failed."""
        sock = self.socket(who)
        try:
            async with asyncio.timeout(0.4):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
                return (await asyncio.get_running_loop().sock_recv(sock, 100)).decode()
        except ConnectionRefusedError:
            return REFUSED
        except TimeoutError:
            return SILENT
        except OSError:
            return LOST
        finally:
            sock.close()

    async def asked(self, who: str, address: str, port: int, times: int = 20) -> collections.Counter[str]:
        return collections.Counter([await self.ask(who, address, port) for _ in range(times)])

    async def put(self, *ports: ServicePort) -> None:
        await self.table.apply({"default/web": list(ports)})
        assert self.table.failure is None

    def stop(self) -> None:
        for server in self.servers:
            server.close()
        for holder in self.holders.values():
            holder.kill()
            holder.wait()


def run(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True)


async def cluster_ip_balances(node: Node) -> None:
    await node.put(WEB)
    for who in ("node", "a", "b"):
        found = await node.asked(who, VIP, 80)
        assert {answer.split()[0] for answer in found} == {"a", "b"}, found


async def pods_keep_their_address_and_reach_themselves(node: Node) -> None:
    found = await node.asked("a", VIP, 80)
    # From pod a to pod b its own address shows; to itself it comes back by way of the node.
    assert set(found) == {f"b {PODS[0]}", "a 10.77.255.1"}, found


async def node_port_answers_outside_with_the_nodes_address(node: Node) -> None:
    found = await node.asked("out", NODE, 30080)
    assert {answer.split()[0] for answer in found} == {"a", "b"}, found
    assert OUTSIDE not in " ".join(found)
    assert await node.ask("a", NODE, 30080) != REFUSED


async def local_policy_keeps_the_clients_address(node: Node) -> None:
    await node.put(replace(WEB, external=(A,), external_local=True))
    assert set(await node.asked("out", NODE, 30080)) == {f"a {OUTSIDE}"}
    assert {answer.split()[0] for answer in await node.asked("b", NODE, 30080)} == {"a", "b"}


async def local_policy_without_endpoints_here_is_silent_outside_and_open_inside(node: Node) -> None:
    await node.put(replace(WEB, external=(), external_local=True))
    assert await node.ask("out", NODE, 30080) == SILENT
    assert {answer.split()[0] for answer in await node.asked("node", NODE, 30080)} == {"a", "b"}
    await node.put(replace(WEB, endpoints=()))
    assert await node.ask("a", VIP, 80) == SILENT


async def no_endpoints_is_refused(node: Node) -> None:
    await node.put(replace(WEB, endpoints=(), external=(), everywhere=()))
    answers = {who: await node.ask(who, *where) for who, where in {"node": (VIP, 80), "a": (VIP, 80), "out": (NODE, 30080)}.items()}
    assert set(answers.values()) == {REFUSED}, answers


async def another_port_of_a_cluster_ip_is_refused(node: Node) -> None:
    await node.put(WEB)
    assert await node.ask("a", VIP, 81) == REFUSED


async def affinity_sticks_to_one_endpoint_for_each_client(node: Node) -> None:
    await node.put(replace(WEB, affinity_s=60))
    for who in ("out", "node"):
        address, port = (NODE, 30080) if who == "out" else (VIP, 80)
        assert len({answer.split()[0] for answer in await node.asked(who, address, port)}) == 1
    await node.put(replace(WEB, affinity_s=60, endpoints=(B,), external=(B,)))
    assert {answer.split()[0] for answer in await node.asked("out", NODE, 30080)} == {"b"}


async def source_ranges_shut_others_out(node: Node) -> None:
    await node.put(replace(WEB, balancer_ips=("203.0.113.9",), source_ranges=("198.51.100.0/24",)))
    assert await node.ask("out", "203.0.113.9", 80) == SILENT
    await node.put(replace(WEB, balancer_ips=("203.0.113.9",), source_ranges=("192.0.2.0/24",)))
    assert (await node.ask("out", "203.0.113.9", 80)).split()[0] in "ab"


async def an_address_that_two_services_claim_is_the_first_ones(node: Node) -> None:
    other = replace(
        WEB, name="default/other", cluster_ips=("10.96.0.8",), node_port=0, endpoints=(B,), external=(B,), external_ips=("203.0.113.8",)
    )
    await node.put(replace(WEB, endpoints=(A,), external=(A,), external_ips=("203.0.113.8",)))
    await node.table.apply({"default/other": [other]})
    assert node.table.failure is None
    assert (await node.ask("out", "203.0.113.8", 80))[0] == "a"
    assert (await node.ask("b", "10.96.0.8", 80))[0] == "b"
    await node.put(WEB)
    assert (await node.ask("out", "203.0.113.8", 80))[0] == "b"
    await node.table.apply({"default/other": []})


async def pods_leave_with_the_nodes_address(node: Node) -> None:
    await node.serve("out", 9090)
    assert await node.ask("a", OUTSIDE, 9090) == f"out {NODE}"


async def a_flushed_table_comes_back(node: Node) -> None:
    await node.put(WEB)
    run("nft flush ruleset")
    assert await node.ask("a", VIP, 80) in (LOST, SILENT)
    await node.table.check()
    assert {answer.split()[0] for answer in await node.asked("b", VIP, 80)} == {"a", "b"}


async def a_service_that_goes_leaves_nothing(node: Node) -> None:
    await node.put()
    listed = subprocess.run(["nft", "list", "table", "ip", "kube-proxy"], capture_output=True, text=True, check=True).stdout
    assert VIP not in listed and "default-web" not in listed


CASES = (
    cluster_ip_balances,
    pods_keep_their_address_and_reach_themselves,
    node_port_answers_outside_with_the_nodes_address,
    local_policy_keeps_the_clients_address,
    local_policy_without_endpoints_here_is_silent_outside_and_open_inside,
    no_endpoints_is_refused,
    another_port_of_a_cluster_ip_is_refused,
    affinity_sticks_to_one_endpoint_for_each_client,
    source_ranges_shut_others_out,
    an_address_that_two_services_claim_is_the_first_ones,
    pods_leave_with_the_nodes_address,
    a_flushed_table_comes_back,
    a_service_that_goes_leaves_nothing,
)


async def scenario() -> None:
    node = Node()
    try:
        await node.start()
        for case in CASES:
            await case(node)
            print(case.__name__, flush=True)
    finally:
        node.stop()


if __name__ == "__main__":
    asyncio.run(scenario())
