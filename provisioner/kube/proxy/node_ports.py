"""On which of this host's addresses node ports answer (KubeProxyConfiguration nodePortAddresses)."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Sequence

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import Client
from provisioner.kube.client.flags import FlagError

log = logging.getLogger(__name__)

# Stands for the node's own addresses, as its Node object tells them.
PRIMARY = "primary"
# A node that has never been there is registered within this time of its proxy's start, or the start has failed.
REGISTERED_S = 60.0
ASK_S = 2.0


def check(wanted: Sequence[str]) -> None:
    """Raises FlagError."""
    for text in wanted:
        if text == PRIMARY and len(wanted) == 1:
            return
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise FlagError(f"nodePortAddresses: {text}: expected ranges like 10.0.0.0/8, or {PRIMARY} alone") from None


async def ranges(client: Client, node: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """`wanted` with the node's addresses in place of PRIMARY. Raises OSError where the node isn't registered in time."""
    if tuple(wanted) != (PRIMARY,):
        return tuple(wanted)
    try:
        async with asyncio.timeout(REGISTERED_S):
            while True:
                try:
                    found = addresses(await client.get(core_v1.Node, node))
                except StatusError as error:
                    if error.code != 404:
                        raise
                    found = ()
                if found:
                    return found
                log.info("waiting for the node's addresses node=%s", node)
                await asyncio.sleep(ASK_S)
    except TimeoutError:
        raise OSError(f"nodePortAddresses is {PRIMARY}, and node {node} has told no address in {REGISTERED_S:.0f} s") from None


def addresses(node: core_v1.Node) -> tuple[str, ...]:
    """Internal ones; external ones where there is none."""
    known = (node.status.addresses if node.status is not None else None) or []
    for kind in ("InternalIP", "ExternalIP"):
        if found := tuple(address.address for address in known if address.type == kind and address.address):
            return found
    return ()
