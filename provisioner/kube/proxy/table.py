"""Holds the kernel's table to the services: keeps a piece of state for each service, so that a change costs that service and no more."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from provisioner.kube.network.ip_batch import NetworkError, run_command
from provisioner.kube.proxy import nftables
from provisioner.kube.proxy.nftables import State
from provisioner.kube.proxy.services import ServicePort

log = logging.getLogger(__name__)


class Pieces:
    """The wanted state, piece by piece. Two services may share an element (an endpoint's address): it stays until the last lets go."""

    def __init__(self) -> None:
        self._pieces: dict[str, State] = {}
        self._ports: dict[str, list[ServicePort]] = {}
        self._holders: Counter[tuple[str, str]] = Counter()

    def ports(self, keys: Iterable[str]) -> list[ServicePort]:
        """The ports of these services as last taken in."""
        return [port for key in keys for port in self._ports.get(key, ())]

    def replace(self, changes: Mapping[str, Sequence[ServicePort]]) -> tuple[State, State]:
        """Take in changed services (no ports: the service is gone); what was in the table for them, and what is to be."""
        old = self._merge(changes)
        for key, ports in changes.items():
            for name, elements in self._pieces.pop(key, State()).elements.items():
                self._holders.subtract((name, element) for element in elements)
            self._ports.pop(key, None)
            if ports:
                self._ports[key] = list(ports)
                self._pieces[key] = piece = nftables.state_of(ports)
                for name, elements in piece.elements.items():
                    self._holders.update((name, element) for element in elements)
        new = self._merge(changes)
        shared = {
            (name, element)
            for name, elements in [*old.elements.items(), *new.elements.items()]
            for element in elements
            if self._holders[(name, element)] > self._held_by(changes, name, element)
        }
        return _without(old, shared), _without(new, shared)

    def whole(self) -> State:
        return self._merge(self._pieces)

    def _held_by(self, keys: Mapping[str, object], name: str, element: str) -> int:
        return sum(element in self._pieces[key].elements.get(name, ()) for key in keys if key in self._pieces)

    def _merge(self, keys: Mapping[str, object]) -> State:
        chains: dict[str, tuple[str, ...]] = {}
        sets: dict[str, str] = {}
        elements: dict[str, dict[str, str]] = {}
        for key in keys:
            piece = self._pieces.get(key)
            if piece is not None:
                chains.update(piece.chains)
                sets.update(piece.sets)
                for name, found in piece.elements.items():
                    elements.setdefault(name, {}).update(found)
        return State(chains, sets, elements)


def _without(state: State, shared: set[tuple[str, str]]) -> State:
    elements = {name: {k: v for k, v in found.items() if (name, k) not in shared} for name, found in state.elements.items()}
    return State(state.chains, state.sets, elements)


class Table:
    """The table `kube-proxy` in the kernel. Any failure to change it in part is answered by writing it whole."""

    def __init__(self, pod_cidr: str | None) -> None:
        self._pod_cidr = pod_cidr
        self._pieces = Pieces()
        self._written = False
        self.failure: str | None = "not written yet"

    async def apply(self, changes: Mapping[str, Sequence[ServicePort]]) -> None:
        """Put changed services into the kernel. On failure `failure` says why, and the next call writes everything."""
        before = self._pieces.ports(changes)
        old, new = self._pieces.replace(changes)
        if self._written:
            script = nftables.difference(old, new)
            if not script or await self._run(script):
                await _forget_udp(before, self._pieces.ports(changes))
                return
            log.warning("change refused services=%d: writing the whole table", len(changes))
        self._written = await self._run(nftables.base(self._pod_cidr) + nftables.difference(State(), self._pieces.whole()))
        await _forget_udp(before, self._pieces.ports(changes))

    async def check(self) -> None:
        """Write the table again where somebody has flushed it, or the last change failed."""
        if self._written and self.failure is None:
            try:
                await run_command(["nft", "list", "chain", "ip", "kube-proxy", "services"])
                return
            except NetworkError:
                log.warning("the table was gone: writing it again")
        self._written = False
        await self.apply({})

    async def _run(self, script: str) -> bool:
        try:
            await run_command(["nft", "-f", "-"], script)
        except NetworkError as error:
            self.failure = str(error)[-500:]
            log.error("nft failed: %s", self.failure)
            return False
        self.failure = None
        return True


async def _forget_udp(before: Sequence[ServicePort], after: Sequence[ServicePort]) -> None:
    for address, endpoint in nftables.lost_udp_endpoints(before, after):
        way = ["--orig-port-dst", address[1:]] if address.startswith(":") else ["--orig-dst", address]
        try:
            await run_command(["conntrack", "-D", "-p", "udp", *way, "--dst-nat", endpoint], ok_codes=(0, 1))
        except (NetworkError, FileNotFoundError) as error:
            log.warning("old UDP flows not forgotten service=%s endpoint=%s: %s", address, endpoint, error)
