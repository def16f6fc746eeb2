"""What a cluster is now: hosts, units, versions wanted and running, certificates on disk and as served, etcd members, node readiness.

Every part that can't be had says why instead; nothing here raises for a broken cluster, and nothing is changed.
"""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from provisioner.cluster import verify
from provisioner.cluster.api import Api, ApiError
from provisioner.cluster.context import Context
from provisioner.cluster.errors import NotMadeError
from provisioner.cluster.hosts import Hosts
from provisioner.cluster.topology import API_PORT, Topology, api_endpoint
from provisioner.machines.provider import Power
from provisioner.pki import inspect

CONTROL_PLANE_UNITS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE_UNITS = ("docker", "kubelet", "kube-proxy")
SERVED = {"apiserver": API_PORT, "kubelet-server": 10250, "etcd/server": 2379}
CONNECT_TIMEOUT_S = 3.0

SCRIPT = r"""
for unit in UNITS; do
    printf 'unit=%s|%s|%s|' "$unit" "$(systemctl is-active "$unit" 2>/dev/null)" "$(systemctl is-enabled "$unit" 2>/dev/null)"
    pid=$(systemctl show -p MainPID --value "$unit")
    since=$(systemctl show -p ActiveEnterTimestamp --value "$unit")
    release=""; rss=""
    if [ "${pid:-0}" != 0 ]; then
        release=$(ls -l "/proc/$pid/fd" 2>/dev/null | sed -n 's|.*/opt/provision/releases/\([^/]*\)/release.json$|\1|p' | head -n 1)
        rss=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
    fi
    printf '%s|%s|%s|%s\n' "$pid" "$since" "$release" "$rss"
done
echo "current=$(readlink /opt/provision/current | sed 's|.*/||')"
echo "docker=$(docker --version 2>/dev/null | sed 's/.*version \([^,]*\).*/\1/')"
echo "etcd=$(etcd --version 2>/dev/null | sed -n 's/etcd Version: //p')"
echo "kernel=$(uname -r)"
echo "uptime=$(cut -d. -f1 /proc/uptime)"
cd /etc/kubernetes/pki 2>/dev/null && for file in *.crt etcd/*.crt; do
    [ -f "$file" ] && echo "certificate=$file|$(base64 -w0 <"$file")"
done
"""


@dataclass
class UnitStatus:
    """One unit. `release` is the one that the running process was started from; `rss_kib` its resident memory."""

    name: str
    active: str
    enabled: str
    pid: int
    since: str
    release: str
    rss_kib: int


@dataclass
class CertificateStatus:
    """One certificate of a host. `served` is None when nothing serves it, else whether the socket shows what lies on disk."""

    name: str
    days_left: int
    not_after: str
    served: bool | None = None
    note: str = ""


@dataclass
class HostStatus:
    """One host; `problem` says why the rest is empty. `wanted_release` is the one the last run installed on it."""

    name: str
    address: str
    roles: list[str]
    problem: str = ""
    release: str = ""
    wanted_release: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    units: list[UnitStatus] = field(default_factory=list)
    certificates: list[CertificateStatus] = field(default_factory=list)
    node: dict[str, Any] = field(default_factory=dict)


@dataclass
class ClusterStatus:
    """`wanted_release` is the one the last run installed; the names of several where hosts run different Debian releases."""

    cluster: str
    endpoint: str
    api: str
    wanted_release: str
    machines: dict[str, str]
    hosts: list[HostStatus]
    etcd: list[dict[str, Any]]

    @property
    def problems(self) -> list[str]:
        """What is not well, a sentence each; empty when all is."""
        found = [] if self.api == "ok" else [f"the API does not answer: {self.api}"]
        for host in self.hosts:
            found += [f"{host.name}: {text}" for text in _problems(host, registered=self.api == "ok")]
        return found + [
            f"etcd member {member['name']}: {member.get('problem', 'not healthy')}" for member in self.etcd if not member["healthy"]
        ]

    @property
    def healthy(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "healthy": self.healthy, "problems": self.problems}


def _problems(host: HostStatus, *, registered: bool) -> list[str]:
    """`registered`: whether its node is known to the API, if it has one."""
    if host.problem:
        return [host.problem]
    found = [f"{unit.name} is {unit.active}" for unit in host.units if unit.active != "active"]
    if host.node and not host.node.get("ready"):
        found.append(f"its node is not ready: {host.node.get('why', '')}")
    elif registered and not host.node and {"master", "worker"} & set(host.roles):
        found.append("its node is not registered")
    for unit in host.units:
        if unit.release and host.wanted_release and unit.release != host.wanted_release:
            found.append(f"{unit.name} runs {unit.release}, not {host.wanted_release}")
    for certificate in host.certificates:
        if certificate.days_left < 0:
            found.append(f"certificate {certificate.name}: {'it has expired' if certificate.not_after else certificate.note}")
        elif certificate.served is False:
            found.append(f"certificate {certificate.name}: {certificate.note}")
    return found


def status(context: Context, wanted: Mapping[str, str]) -> ClusterStatus:
    """Asks all hosts, the API and etcd at once. `wanted`: the release of each host by the last run."""
    topology = context.topology
    machines = {m.name: m.power.value for m in context.provider.list()}
    # Nobody is asked whose machine is off: somebody else may answer at its address.
    off = {name: f"its machine is {power}" for name, power in machines.items() if power != Power.ON.value}
    context.connect_vars()
    with Hosts(context) as hosts, ThreadPoolExecutor(max_workers=16, thread_name_prefix="status") as pool:
        api = pool.submit(_api, context, off)
        members = pool.submit(_members, context, off)
        found = list(pool.map(lambda name: _host(name, context, hosts, off), topology.hosts))
    said, nodes = api.result()
    for host in found:
        host.wanted_release = wanted.get(host.name, "")
        if host.name in nodes:
            host.node = asdict(nodes[host.name])
    endpoint, releases = api_endpoint(context.spec, topology), ", ".join(sorted({name for name in wanted.values() if name}))
    return ClusterStatus(context.spec.name, endpoint, said, releases, machines, found, members.result())


def units_of(name: str, topology: Topology, *, dns: bool) -> list[str]:
    units = ["etcd"] if name in topology.etcd else []
    if name in topology.masters:
        units += [*CONTROL_PLANE_UNITS, *(["kube-dns"] if dns else [])]
    return units + (list(NODE_UNITS) if name in topology.nodes else [])


def parse_host(output: str, host: HostStatus, *, now: datetime.datetime) -> dict[str, bytes]:
    """Fills `host` from the script's output; returns the certificates on its disk by name."""
    import base64

    disk: dict[str, bytes] = {}
    for line in output.splitlines():
        key, _, value = line.partition("=")
        if key == "unit":
            name, active, enabled, pid, since, release, rss = (value.split("|") + [""] * 7)[:7]
            host.units.append(UnitStatus(name, active or "unknown", enabled, int(pid or 0), since, release, int(rss or 0)))
        elif key == "certificate":
            path, _, encoded = value.partition("|")
            disk[path.removesuffix(".crt")] = base64.b64decode(encoded)
        elif key == "current":
            host.release = value
        elif value:
            host.versions[key] = value
    for path, data in disk.items():
        try:
            seen = inspect.report(inspect.load(data), now=now)
        except ValueError:
            host.certificates.append(CertificateStatus(path, -1, "", note="can't be read"))
            continue
        host.certificates.append(CertificateStatus(path, seen.days_left, f"{seen.not_after:%Y-%m-%d}"))
    return disk


def _host(name: str, context: Context, hosts: Hosts, off: Mapping[str, str]) -> HostStatus:
    topology = context.topology
    roles = [
        role for role, members in (("master", topology.masters), ("etcd", topology.etcd), ("worker", topology.workers)) if name in members
    ]
    host = HostStatus(name, topology.addresses[name], roles)
    if name in off:
        host.problem = f"{off[name]}; provision up {context.path} starts it"
        return host
    units = units_of(name, topology, dns=context.spec.dns.enabled)
    try:
        output = hosts.run(name, SCRIPT.replace("UNITS", " ".join(units))).stdout
    except hosts.errors as e:
        host.problem = str(e)
        return host
    disk = parse_host(output, host, now=datetime.datetime.now(datetime.UTC))
    for certificate in host.certificates:
        port = SERVED.get(certificate.name)
        if port is not None:
            certificate.served, certificate.note = _served(host.address, port, disk[certificate.name])
    return host


def _served(address: str, port: int, on_disk: bytes) -> tuple[bool | None, str]:
    """Whether the socket shows the certificate that lies on disk."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is looked at, not trusted
    try:
        with socket.create_connection((address, port), CONNECT_TIMEOUT_S) as raw, context.wrap_socket(raw) as tls:
            shown = tls.getpeercert(binary_form=True)
    except OSError as e:
        return None, f"port {port}: {e}"
    if shown is None:
        return None, f"port {port} shows none"
    served, disk = inspect.load(shown), inspect.load(on_disk)
    if served.serial_number == disk.serial_number:
        return True, ""
    return False, f"port {port} still serves the one that ends on {served.not_valid_after_utc:%Y-%m-%d}; restart the unit"


def _api(context: Context, off: Mapping[str, str]) -> tuple[str, Mapping[str, verify.NodeState]]:
    if off.keys() >= set(context.topology.masters):
        return "no master's machine is on", {}
    try:
        return "ok", verify.nodes(Api(api_endpoint(context.spec, context.topology), context.state.pki).get("/api/v1/nodes"))
    except (ApiError, NotMadeError) as e:
        return e.message, {}


def _members(context: Context, off: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each member's health and role, as etcd's own gateway tells it to a member's certificate."""
    found = []
    for name in context.topology.etcd:
        address = context.topology.addresses[name]
        entry: dict[str, Any] = {"name": name, "address": address, "healthy": False}
        found.append(entry)
        if name in off:
            entry["problem"] = off[name]
            continue
        try:
            api = Api(f"{address}:2379", context.state.pki, certificate=f"hosts/{name}/etcd/server", authority="etcd/ca")
            entry["healthy"] = api.get("/health").get("health") in ("true", True)
            told = api.post("/v3/maintenance/status", {})
            entry |= {"version": told.get("version"), "db_bytes": int(told.get("dbSize", 0))}
            entry["leader"] = told.get("leader") == told.get("header", {}).get("member_id")
            entry["members"] = len(api.post("/v3/cluster/member/list", {}).get("members", ()))
        except (ApiError, NotMadeError) as e:
            entry["problem"] = e.message
    return found
