"""The cluster's zone: what a name inside the cluster domain resolves to (Kubernetes DNS specification 1.1.0)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from provisioner.kube.api._generated import core_v1, discovery_v1

SPEC_VERSION = "1.1.0"


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record. `data` is an address, a target name, a text, or for SRV (priority, weight, port, target)."""

    name: str
    type: str
    data: str | tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """`exists` False is NXDOMAIN; True with no records is a name that has none of the type asked for."""

    exists: bool
    records: tuple[Record, ...] = ()


NXDOMAIN = Answer(exists=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address behind a headless Service; `name` is its hostname, or its address with dashes."""

    name: str
    address: str
    ports: tuple[tuple[str, str, int], ...]  # (port name, protocol in lower case, number)


@dataclass(slots=True)
class Entry:
    """What is published for one Service."""

    cluster_ips: tuple[str, ...] = ()
    external_name: str | None = None
    ports: tuple[tuple[str, str, int], ...] = ()
    headless: bool = False
    endpoints: list[Endpoint] = field(default_factory=list)


def endpoint_name(endpoint: discovery_v1.Endpoint, address: str) -> str:
    """The label an endpoint is found under below its Service."""
    return endpoint.hostname or address.replace(".", "-").replace(":", "-")


def entry_of(service: core_v1.Service, slices: Iterable[discovery_v1.EndpointSlice]) -> Entry:
    """What is to be published for a Service and the EndpointSlices that carry its name."""
    spec = service.spec
    if spec.type == "ExternalName":
        return Entry(external_name=(spec.external_name or "").rstrip("."))
    ports = tuple((p.name or "", (p.protocol or "TCP").lower(), p.port or 0) for p in spec.ports or ())
    if spec.cluster_ip and spec.cluster_ip != "None":
        return Entry(cluster_ips=tuple(spec.cluster_ips or [spec.cluster_ip]), ports=ports)
    entry = Entry(headless=True)
    for piece in slices:
        numbers = tuple((p.name or "", (p.protocol or "TCP").lower(), p.port or 0) for p in piece.ports or ())
        for endpoint in piece.endpoints or ():
            ready = endpoint.conditions is None or endpoint.conditions.ready is not False
            if ready or spec.publish_not_ready_addresses:
                entry.endpoints.extend(Endpoint(endpoint_name(endpoint, a), a, numbers) for a in endpoint.addresses or ())
    return entry


class Zone:
    """All published names of one cluster domain. Lookups cost one or two dictionary reads, whatever the number of Services."""

    def __init__(self, domain: str) -> None:
        self.domain = domain.strip(".").lower()
        self._entries: dict[tuple[str, str], Entry] = {}
        # address -> services that give it a name -> that name; a pod may be behind several headless services
        self._reverse: dict[str, dict[tuple[str, str], str]] = {}
        self._namespaces: dict[str, int] = {}

    def put(self, namespace: str, name: str, entry: Entry) -> None:
        """Publish a Service, in place of what was published for it."""
        self.remove(namespace, name)
        self._entries[(namespace, name)] = entry
        self._namespaces[namespace] = self._namespaces.get(namespace, 0) + 1
        service = f"{name}.{namespace}.svc.{self.domain}"
        for address in entry.cluster_ips:
            self._reverse.setdefault(address, {})[(namespace, name)] = service
        for endpoint in entry.endpoints:
            self._reverse.setdefault(endpoint.address, {})[(namespace, name)] = f"{endpoint.name}.{service}"

    def remove(self, namespace: str, name: str) -> None:
        """Publish nothing for a Service any more; does nothing for one that is not published."""
        entry = self._entries.pop((namespace, name), None)
        if entry is None:
            return
        self._namespaces[namespace] -= 1
        if not self._namespaces[namespace]:
            del self._namespaces[namespace]
        for address in {*entry.cluster_ips, *(e.address for e in entry.endpoints)}:
            names = self._reverse[address]
            del names[(namespace, name)]
            if not names:
                del self._reverse[address]

    def covers(self, name: str) -> bool:
        """Whether a name is ours to answer: inside the cluster domain, or the reverse of a published address."""
        name = name.rstrip(".").lower()
        return name == self.domain or name.endswith("." + self.domain) or reverse_address(name) in self._reverse

    def answer(self, name: str, rtype: str) -> Answer:
        """Records of `rtype` (A, AAAA, SRV, CNAME, PTR, TXT, ANY) for a name that `covers` says is ours."""
        name = name.rstrip(".").lower()
        address = reverse_address(name)
        if address in self._reverse:
            return wanted([Record(name, "PTR", target) for target in self._reverse[address].values()], rtype)
        labels = name.removesuffix(self.domain).rstrip(".").split(".") if name != self.domain else []
        match labels:
            case []:
                return Answer(exists=True)
            case ["dns-version"]:
                return wanted([Record(name, "TXT", SPEC_VERSION)], rtype)
            case ["svc" | "pod"]:
                return Answer(exists=True)
            case [*_, namespace, "pod"]:
                return self._pod(name, labels[:-2], namespace, rtype)
            case [*below, service, namespace, "svc"]:
                return self._service(name, below, service, namespace, rtype)
            case [namespace, "svc"]:
                return Answer(exists=namespace in self._namespaces)
        return NXDOMAIN

    def _pod(self, name: str, labels: list[str], namespace: str, rtype: str) -> Answer:
        """`10-1-2-3.namespace.pod.domain`: the address is in the name itself."""
        if len(labels) != 1:
            return Answer(exists=not labels and namespace in self._namespaces)
        for candidate, kind in ((labels[0].replace("-", "."), "A"), (labels[0].replace("-", ":"), "AAAA")):
            try:
                return wanted([Record(name, kind, str(ipaddress.ip_address(candidate)))], rtype)
            except ValueError:
                continue
        return NXDOMAIN

    def _service(self, name: str, below: list[str], service: str, namespace: str, rtype: str) -> Answer:
        entry = self._entries.get((namespace, service))
        if entry is None:
            return NXDOMAIN
        full = f"{service}.{namespace}.svc.{self.domain}"
        if entry.external_name is not None:
            return wanted([Record(name, "CNAME", entry.external_name)], "CNAME") if not below else NXDOMAIN
        match below:
            case []:
                # Each once, though it may be in several slices: one for each set of ports.
                addresses = entry.cluster_ips or tuple(dict.fromkeys(e.address for e in entry.endpoints))
                if not addresses:
                    return NXDOMAIN  # a headless Service with no ready endpoint has no name yet
                records = [Record(name, kind_of(a), a) for a in addresses]
                return wanted(records + (self._srv(entry, full, name) if rtype in {"SRV", "ANY"} else []), rtype)
            case [hostname]:
                found = dict.fromkeys(e.address for e in entry.endpoints if e.name == hostname)
                records = [Record(name, kind_of(a), a) for a in found]
                return wanted(records, rtype) if records else NXDOMAIN
            case [port, protocol] if port.startswith("_") and protocol.startswith("_"):
                records = self._srv(entry, full, name, port[1:], protocol[1:])
                return wanted(records, rtype) if records else NXDOMAIN
        return NXDOMAIN

    @staticmethod
    def _srv(entry: Entry, full: str, name: str, port: str | None = None, protocol: str | None = None) -> list[Record]:
        """SRV records of a Service's named ports, or of one of them."""
        sources = [(e.ports, f"{e.name}.{full}") for e in entry.endpoints] if entry.headless else [(entry.ports, full)]
        return [
            Record(name, "SRV", (0, 100, number, target))
            for ports, target in sources
            for port_name, port_protocol, number in ports
            if port_name and port in (None, port_name) and protocol in (None, port_protocol)
        ]


def kind_of(address: str) -> str:
    """A for IPv4, AAAA for IPv6."""
    return "AAAA" if ":" in address else "A"


def wanted(records: list[Record], rtype: str) -> Answer:
    """A name that exists, with those of its records that were asked for. A CNAME answers every type."""
    return Answer(True, tuple(r for r in records if rtype in (r.type, "ANY") or r.type == "CNAME"))


def reverse_address(name: str) -> str:
    """`3.2.1.10.in-addr.arpa` -> `10.1.2.3`; the empty string for every other name."""
    if name.endswith(".in-addr.arpa"):
        return ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
    if name.endswith(".ip6.arpa"):
        digits = "".join(reversed(name.removesuffix(".ip6.arpa").split(".")))
        try:
            return str(ipaddress.IPv6Address(int(digits, 16))) if len(digits) == 32 else ""
        except ValueError:
            return ""
    return ""
