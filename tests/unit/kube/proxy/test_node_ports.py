"""Proves which addresses node ports answer on, also where the node tells its own only after the proxy has begun."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import errors
from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.flags import FlagError
from provisioner.kube.proxy import node_ports


def node(*addresses: tuple[str, str]) -> core_v1.Node:
    told = [core_v1.NodeAddress(type=kind, address=address) for kind, address in addresses]
    return core_v1.Node(status=core_v1.NodeStatus(addresses=told))


class Nodes:
    """A client whose node appears and then has addresses."""

    def __init__(self, *answers: core_v1.Node | Exception) -> None:
        self.answers = list(answers)

    async def get(self, _: Any, name: str) -> core_v1.Node:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((("Hostname", "n"), ("InternalIP", "10.0.0.1"), ("ExternalIP", "192.0.2.1")), ("10.0.0.1",)),
        ((("ExternalIP", "192.0.2.1"), ("InternalIP", "10.0.0.1"), ("InternalIP", "fd00::1")), ("10.0.0.1", "fd00::1")),
        ((("ExternalIP", "192.0.2.1"),), ("192.0.2.1",)),
        ((("Hostname", "n"),), ()),
    ],
)
def test_a_nodes_own_addresses(told: tuple[tuple[str, str], ...], expected: tuple[str, ...]) -> None:
    assert node_ports.addresses(node(*told)) == expected
    assert node_ports.addresses(core_v1.Node()) == ()


async def test_primary_waits_for_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_ports, "ASK_S", 0.0)
    missing = errors.not_found("nodes", "n")
    client: Any = Nodes(missing, node(), node(("InternalIP", "10.0.0.1")))
    assert await node_ports.ranges(client, "n", ["primary"]) == ("10.0.0.1",)
    assert await node_ports.ranges(client, "n", ["10.0.0.0/8"]) == ("10.0.0.0/8",)
    monkeypatch.setattr(node_ports, "REGISTERED_S", 0.02)
    with pytest.raises(OSError, match="node n has told no address"):
        await node_ports.ranges(Nodes(missing), "n", ["primary"])  # type: ignore[arg-type]
    with pytest.raises(errors.StatusError):
        await node_ports.ranges(Nodes(errors.forbidden("nodes", "n", "no")), "n", ["primary"])  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", [["primary", "10.0.0.0/8"], ["nonsense"], ["10.0.0.0/33"]])
def test_what_is_no_choice(wanted: list[str]) -> None:
    with pytest.raises(FlagError, match="expected ranges"):
        node_ports.check(wanted)
    node_ports.check(["10.0.0.0/8", "fd00::/64"])
