"""UDP flows that the kernel goes on sending where a service leads no more: which they are, and how they're forgotten (conntrack(8)).

A flow's way is chosen by its first packet. A client that goes on sending from one port would never reach a new endpoint, neither where its
old one is gone nor where it began before there was any.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.kube.network.ip_batch import NetworkError, run_command
from provisioner.kube.proxy.services import ServicePort

log = logging.getLogger(__name__)

_FIELD = re.compile(r"\b(?:src|dst|sport|dport)=(\S+)")
# (address or empty for a node port, port) -> addresses of endpoints
Ways = dict[tuple[str, int], set[str]]


@dataclass(frozen=True, slots=True)
class Flow:
    """One entry of the kernel's table: who asked whom, and who answers to whom."""

    source: str
    destination: str
    port: int
    answers: str
    answered: str


def parse(listing: str) -> Iterator[Flow]:
    """The lines of `conntrack -L -p udp`."""
    for line in listing.splitlines():
        fields = _FIELD.findall(line)
        if len(fields) == 8 and fields[3].isdigit():
            yield Flow(fields[0], fields[1], int(fields[3]), fields[4], fields[5])


def ways(ports: Iterable[ServicePort]) -> Ways:
    """Where UDP packets to each address and port of these services may go."""
    found: Ways = {}
    for port in ports:
        if port.protocol != "udp":
            continue
        outer = {e.ip for e in (*port.external, *(port.everywhere if port.external_local else ()))}
        for address in port.cluster_ips:
            found.setdefault((address, port.port), set()).update(e.ip for e in port.endpoints)
        for address in (*port.external_ips, *port.balancer_ips):
            found.setdefault((address, port.port), set()).update(outer)
        if port.node_port:
            found.setdefault(("", port.node_port), set()).update(outer)
    return found


def stale(flows: Iterable[Flow], known: Ways) -> set[tuple[str, int, str]]:
    """(destination, port, who answers) of flows that lead to none of the endpoints they should.

    A flow to some other host's port of a node port's number is none of ours: nothing was translated but, on its way out, its source.
    """
    found = set()
    for flow in flows:
        ends = known.get((flow.destination, flow.port))
        if ends is None and not (flow.answers == flow.destination and flow.answered != flow.source):
            ends = known.get(("", flow.port))
        if ends is not None and flow.answers not in ends:
            found.add((flow.destination, flow.port, flow.answers))
    return found


async def forget(before: Iterable[ServicePort], after: Iterable[ServicePort]) -> int:
    """Forget the flows that a change from one state of services to another leaves stale; how many kinds of them there were."""
    old, new = ways(before), ways(after)
    changed = {key: new.get(key, set()) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    if not changed:
        return 0
    try:
        gone = stale(parse(await run_command(["conntrack", "-L", "-p", "udp"])), changed)
        for destination, port, answers in sorted(gone):
            which = ["--orig-dst", destination, "--orig-port-dst", str(port), "--reply-src", answers]
            await run_command(["conntrack", "-D", "-p", "udp", *which], ok_codes=(0, 1))
    except (NetworkError, FileNotFoundError) as error:
        log.warning("old UDP flows not forgotten: %s", error)
        return 0
    return len(gone)
