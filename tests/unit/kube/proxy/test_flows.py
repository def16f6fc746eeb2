"""Proves which UDP flows are forgotten: those that lead to none of a service's endpoints, and no others."""

from __future__ import annotations

import pytest

from provisioner.kube.proxy import flows
from provisioner.kube.proxy.services import Endpoint, ServicePort

A, B = Endpoint("10.1.0.2", 53), Endpoint("10.1.1.2", 53)
DNS = ServicePort("ns/dns", "udp", 53, ("10.96.0.10",), ("192.0.2.1",), ("192.0.2.2",), 30053, (A,), (A,))
LISTING = """\
udp      17 28 src=10.1.1.9 dst={to} sport=40000 dport={port} src={answers} dst={back} sport=53 dport=40000 [ASSURED] mark=0 use=1
"""


@pytest.mark.parametrize(
    ("to", "port", "answers", "back", "gone"),
    [
        ("10.96.0.10", 53, "10.1.0.2", "10.1.1.9", False),
        ("10.96.0.10", 53, "10.1.1.2", "10.1.1.9", True),
        ("10.96.0.10", 54, "10.1.1.2", "10.1.1.9", False),
        ("192.0.2.1", 53, "10.1.1.2", "10.1.1.9", True),
        ("192.0.2.2", 53, "10.1.1.2", "10.1.1.9", True),
        ("192.0.2.50", 30053, "10.1.1.2", "192.0.2.50", True),
        ("192.0.2.50", 30053, "10.1.0.2", "192.0.2.50", False),
        # It began when nothing was behind the node port yet.
        ("192.0.2.50", 30053, "192.0.2.50", "10.1.1.9", True),
        # A pod's own question to a port of that number somewhere outside, masqueraded.
        ("198.51.100.1", 30053, "198.51.100.1", "192.0.2.50", False),
    ],
)
def test_a_flow(to: str, port: int, answers: str, back: str, gone: bool) -> None:
    listing = LISTING.format(to=to, port=port, answers=answers, back=back)
    assert flows.stale(flows.parse(listing), flows.ways([DNS])) == ({(to, port, answers)} if gone else set())


def test_lines_of_other_kinds_are_passed_over() -> None:
    assert not list(flows.parse("conntrack v1.4.7\ntcp 6 src=10.0.0.1 dst=10.0.0.2\n\n"))


def test_a_local_policys_flows_may_lead_to_any_node_where_insiders_began_them() -> None:
    local = ServicePort("ns/dns", "udp", 53, ("10.96.0.10",), (), (), 30053, (A, B), (A,), external_local=True, everywhere=(A, B))
    assert flows.ways([local])[("", 30053)] == {"10.1.0.2", "10.1.1.2"}


async def test_nothing_is_asked_of_the_kernel_for_services_without_udp(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, **__: object) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr(flows, "run_command", refused)
    web = ServicePort("ns/web", "tcp", 80, ("10.96.0.7",), endpoints=(A,))
    assert await flows.forget([web], []) == 0
    assert await flows.forget([DNS], [DNS]) == 0


async def test_each_kind_of_stale_flow_is_deleted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def answer(argv: list[str], *_: object, **__: object) -> str:
        asked.append(argv)
        return 3 * LISTING.format(to="10.96.0.10", port=53, answers="10.1.0.2", back="10.1.1.9")

    monkeypatch.setattr(flows, "run_command", answer)
    assert await flows.forget([DNS], []) == 1
    assert asked[1:] == [["conntrack", "-D", "-p", "udp", "--orig-dst", "10.96.0.10", "--orig-port-dst", "53", "--reply-src", "10.1.0.2"]]
