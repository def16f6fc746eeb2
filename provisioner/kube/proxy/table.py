"""Holds the kernel's table to the services: keeps a piece of state for each service, so that a change costs that service and no more."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from provisioner.kube.network.ip_batch import NetworkError, run_command
from provisioner.kube.proxy import flows, nftables
from provisioner.kube.proxy.nftables import State
from provisioner.kube.proxy.services import ServicePort

log = logging.getLogger(__name__)


class Pieces:
    """The wanted state, piece by piece.

    Two services may share an element: an endpoint's address, or an external address and port that both claim. It is the first one's, and
    goes on to the next when that lets go.
    """

    def __init__(self) -> None:
        self._pieces: dict[str, State] = {}
        self._ports: dict[str, list[ServicePort]] = {}
        # (map, element) -> services that have it, in the order they came, to the value that each would have there
        self._holders: dict[tuple[str, str], dict[str, str]] = {}

    def ports(self, keys: Iterable[str] | None = None) -> list[ServicePort]:
        """The ports of these services as last taken in; of all for None."""
        return [port for key in (self._ports if keys is None else keys) for port in self._ports.get(key, ())]

    def replace(self, changes: Mapping[str, Sequence[ServicePort]]) -> tuple[State, State]:
        """Take in changed services (no ports: the service is gone); what was in the table for them, and what is to be."""
        fresh = {key: nftables.state_of(ports) for key, ports in changes.items() if ports}
        earlier = {key: self._pieces[key] for key in changes if key in self._pieces}
        touched = {
            (name, element)
            for piece in (*earlier.values(), *fresh.values())
            for name, elements in piece.elements.items()
            for element in elements
        }
        old = self._state(earlier.values(), touched)
        for key, piece in earlier.items():
            self._let_go(key, piece, fresh.get(key, State()))
        for key, ports in changes.items():
            self._pieces.pop(key, None)
            self._ports.pop(key, None)
            if ports:
                self._ports[key] = list(ports)
                self._pieces[key] = fresh[key]
        for key, piece in fresh.items():
            for name, elements in piece.elements.items():
                for element, value in elements.items():
                    self._holders.setdefault((name, element), {})[key] = value
        return old, self._state(fresh.values(), touched)

    def whole(self) -> State:
        return self._state(self._pieces.values(), self._holders)

    def _let_go(self, key: str, piece: State, after: State) -> None:
        """The service has these elements no more; those that it keeps stay in their place."""
        for name, elements in piece.elements.items():
            for element in elements.keys() - after.elements.get(name, {}).keys():
                holders = self._holders[(name, element)]
                del holders[key]
                if not holders:
                    del self._holders[(name, element)]

    def _state(self, pieces: Iterable[State], touched: Iterable[tuple[str, str]]) -> State:
        chains: dict[str, tuple[str, ...]] = {}
        sets: dict[str, str] = {}
        elements: dict[str, dict[str, str]] = {}
        for piece in pieces:
            chains.update(piece.chains)
            sets.update(piece.sets)
        for name, element in touched:
            if holders := self._holders.get((name, element)):
                elements.setdefault(name, {})[element] = next(iter(holders.values()))
        return State(chains, sets, elements)


class Table:
    """The table `kube-proxy` in the kernel. Any failure to change it in part is answered by writing it whole."""

    def __init__(self, pod_cidr: str | None, node_port_addresses: Sequence[str] = ()) -> None:
        self._base = nftables.base(pod_cidr, node_port_addresses)
        self._pieces = Pieces()
        self._written = False
        self.failure: str | None = "not written yet"

    async def apply(self, changes: Mapping[str, Sequence[ServicePort]]) -> None:
        """Put changed services into the kernel. On failure `failure` says why, and the next call writes everything."""
        before = self._pieces.ports(changes) if self._written else []
        old, new = self._pieces.replace(changes)
        if self._written:
            script = nftables.difference(old, new)
            if not script or await self._run(script):
                await flows.forget(before, self._pieces.ports(changes))
                return
            log.warning("change refused services=%d: writing the whole table", len(changes))
        self._written = await self._run(self._base + nftables.difference(State(), self._pieces.whole()))
        await flows.forget(before, self._pieces.ports())

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
