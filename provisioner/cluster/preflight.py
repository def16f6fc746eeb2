"""Is every host fit? All hosts are asked at once, every problem of every host is found, and nothing is changed.

`examine` decides, without I/O; `probe` asks the hosts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from provisioner.cluster import adoption, systems
from provisioner.cluster.errors import HostProblem
from provisioner.cluster.probe import SCRIPT, HostFacts, parse, ports_of
from provisioner.cluster.topology import Topology

# Certificates are dated ten minutes back; a tenth of that still leaves leases and tokens in order.
CLOCK_SKEW_LIMIT_S = 60
# Measured: the control plane and one node's daemons take about 500 MiB; a worker's daemons 200 MiB.
MEMORY_MASTER_KIB = 900 * 1024
MEMORY_NODE_KIB = 450 * 1024
# The bundle unpacked (200 MB) twice, Docker, images and logs.
DISK_KIB = 1536 * 1024
FEATURES = {
    "overlay": "the kernel has no overlay file system, which Docker stores images on",
    "cgroup-memory": "the memory control group is missing; boot with cgroup_enable=memory",
    "cgroup-cpu": "the cpu control group is missing",
    "cgroup-pids": "the pids control group is missing",
    "ip-forward": "/proc/sys/net/ipv4/ip_forward can't be written, so the host can't forward pods' packets",
}


@dataclass(frozen=True)
class Probed:
    """A host's facts, and by how many seconds its clock is at least ahead of ours (negative: behind)."""

    facts: HostFacts
    skew_s: float = 0.0


class Raw(Protocol):
    """What a command printed."""

    @property
    def rc(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


Run = Callable[[str, str], Raw]
"""(host, script) -> result, as root. Raises the transport's errors."""


def probe(
    topology: Topology, run: Run, describe: Callable[[str, Exception], HostProblem], expected: tuple[type[Exception], ...]
) -> tuple[dict[str, Probed], list[HostProblem]]:
    """Asks all hosts in parallel. Errors of the `expected` types become problems."""

    def one(host: str) -> Probed | HostProblem:
        before = time.clock_gettime(time.CLOCK_REALTIME)
        try:
            result = run(host, SCRIPT)
        except expected as e:
            return describe(host, e)
        after = time.clock_gettime(time.CLOCK_REALTIME)
        facts = parse(result.stdout)
        return Probed(facts, skew_s(facts.number("time"), before, after))

    with ThreadPoolExecutor(max_workers=min(32, len(topology.hosts)), thread_name_prefix="preflight") as pool:
        answers = dict(zip(topology.hosts, pool.map(one, topology.hosts), strict=True))
    found = {host: answer for host, answer in answers.items() if isinstance(answer, Probed)}
    return found, [answer for answer in answers.values() if isinstance(answer, HostProblem)]


def skew_s(theirs: int | None, before: float, after: float) -> float:
    """What can be said for certain of a clock that showed the whole second `theirs` somewhen between our `before` and `after`.

    Nobody knows when exactly it was looked at, since connecting and the way there took their time: within that it is taken to be right.
    """
    if theirs is None:
        return 0.0
    return max(theirs - after, 0.0) + min(theirs + 1 - before, 0.0)


def examine(
    topology: Topology,
    probed: Mapping[str, Probed],
    *,
    adopt: Collection[str] = (),
    docker: Mapping[str, Any] | None = None,
    ranges: Sequence[str] = (),
) -> list[HostProblem]:
    """Every reason why a host can't be used. `adopt`: hosts whose Docker or containerd is shared; `docker`: a node's daemon.json; `ranges`: of
    pods and services."""
    problems: list[HostProblem] = []
    for host, answer in probed.items():
        problems += _system(host, answer.facts)
        if not answer.facts.complete:
            continue
        problems += _resources(host, answer.facts, topology)
        problems += _ports(host, answer.facts, topology)
        problems += adoption.foreign(host, answer.facts, topology, adopt=host in adopt, docker=docker or {}, ranges=ranges)
        problems += _etcd_members(host, answer.facts, topology)
        if abs(answer.skew_s) > CLOCK_SKEW_LIMIT_S:
            way = "ahead of" if answer.skew_s > 0 else "behind"
            problems.append(
                HostProblem(
                    host,
                    "clock",
                    f"its clock is at least {abs(answer.skew_s):.0f} s {way} this computer's (limit {CLOCK_SKEW_LIMIT_S} s)",
                    "set both by NTP: certificates and leases depend on the time",
                )
            )
    return problems + _twins(probed)


def _system(host: str, facts: HostFacts) -> list[HostProblem]:
    if not facts.complete:
        return [HostProblem(host, "shell", "its answer was cut short", "log in and look whether sh, df and sed are there")]
    problems = []
    if facts.text("uid") != "0":
        problems.append(
            HostProblem(host, "sudo", f"commands run as uid {facts.text('uid')}, not as root", "give ansible_user the right to sudo")
        )
    problems += systems.problems(host, facts)
    if facts.text("init") != "systemd":
        problems.append(HostProblem(host, "system", f"its first process is {facts.text('init') or 'unknown'}, not systemd"))
    problems += [HostProblem(host, "kernel", text) for feature, text in FEATURES.items() if feature not in facts.features]
    return problems


def _resources(host: str, facts: HostFacts, topology: Topology) -> list[HostProblem]:
    problems = []
    master = host in topology.masters
    memory, wanted = _memory_kib(facts), MEMORY_MASTER_KIB if master else MEMORY_NODE_KIB
    if memory is not None and memory < wanted:
        text = f"it has {memory // 1024} MiB of memory; {'a master' if master else 'a worker'} needs {wanted // 1024}"
        problems.append(HostProblem(host, "memory", text, "give it more, or another host its part"))
    # A release that is unpacked already needs no second place: half is enough then.
    needed = DISK_KIB // 2 if facts.text("release") else DISK_KIB
    # Often disks of their own, and of no concern where nothing will be put on them.
    own = (("/var/lib/docker", topology.nodes), ("/var/lib/etcd", topology.etcd))
    unused = {folder for folder, members in own if host not in members}
    full = {folder: free for folder, free in facts.disk_free_kib.items() if free < needed and folder not in unused}
    if full:
        folder, free = min(full.items(), key=lambda item: item[1])
        text = f"{folder} has {free // 1024} MiB free; {needed // 1024} are needed"
        problems.append(HostProblem(host, "disk", text, f"make room: du -xh {folder} | sort -h | tail"))
    return problems


def _memory_kib(facts: HostFacts) -> int | None:
    """What the machine has, or what the host's control group lets it have of that."""
    sizes = [facts.number("memory_kib"), limit // 1024 if (limit := facts.number("memory_limit")) is not None else None]
    return min((size for size in sizes if size is not None), default=None)


def _ports(host: str, facts: HostFacts, topology: Topology) -> list[HostProblem]:
    roles = [
        role for role, members in (("masters", topology.masters), ("etcd", topology.etcd), ("nodes", topology.nodes)) if host in members
    ]
    problems = []
    for port, unit in sorted(ports_of(roles).items()):
        holder = facts.ports.get(port)
        if holder is not None and holder.unit != unit:
            who = f"{holder.process or 'a process'} (pid {holder.pid or 'unknown'}" + (f", {holder.unit}.service)" if holder.unit else ")")
            problems.append(
                HostProblem(host, "port", f"port {port}, which {unit} needs, is taken by {who}", f"see it with: ss -ltnp sport = :{port}")
            )
    return problems


def _etcd_members(host: str, facts: HostFacts, topology: Topology) -> list[HostProblem]:
    """Another list of members in its settings would not change a running etcd, and breaks the ones that are new."""
    made_with = sorted(part.partition("=")[0] for part in facts.text("etcd_members").split(",") if part)
    if not made_with or made_with == sorted(topology.etcd):
        return []
    text = f"its etcd was made with the members {', '.join(made_with)}; the inventory says {', '.join(sorted(topology.etcd))}"
    hint = "members of a running etcd can't be changed by the inventory yet: put those that it has into the group `etcd`"
    return [HostProblem(host, "etcd", text, hint)]


def _twins(probed: Mapping[str, Probed]) -> list[HostProblem]:
    first: dict[str, str] = {}
    problems = []
    for host, answer in probed.items():
        identity = answer.facts.text("machine_id")
        if not identity:
            continue
        if identity in first:
            problems.append(
                HostProblem(
                    host,
                    "machine-id",
                    f"it has the same machine-id as {first[identity]} ({identity}): a cloned disk, or one host under two names",
                    "run on the clone: rm /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup, then reboot it",
                )
            )
        else:
            first[identity] = host
    return problems
