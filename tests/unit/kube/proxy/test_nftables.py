"""Proves the rules for a service port, and that a change touches that service's chains and elements alone."""

from __future__ import annotations

from provisioner.kube.proxy.nftables import State, balance, base, chain_name, difference, state_of
from provisioner.kube.proxy.services import Endpoint, ServicePort

A, B = Endpoint("10.1.0.2", 80), Endpoint("10.1.1.2", 8080)
WEB = ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 30080, (A, B), (A, B))
DNS = ServicePort("kube-system/dns:dns", "udp", 53, ("10.96.0.10",), (), (), 0, (A,), (A,))


def test_every_endpoint_is_as_likely() -> None:
    assert balance("tcp", (A,)) == "meta l4proto tcp dnat to 10.1.0.2:80"
    assert (
        balance("tcp", (A, B))
        == "meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.1.0.2 . 80, 1 : 10.1.1.2 . 8080 }"
    )


def test_a_port_has_one_element_in_each_map() -> None:
    state = state_of([WEB])
    assert state.elements["service-ips"] == {"10.96.0.7 . tcp . 80": f"goto {chain_name('service', WEB)}"}
    assert state.elements["service-nodeports"] == {"tcp . 30080": f"goto {chain_name('external', WEB)}"}
    assert state.chains[chain_name("external", WEB)] == ("jump mark-for-masquerade", f"goto {chain_name('service', WEB)}")


def test_no_endpoints_is_refused_at_once() -> None:
    state = state_of([ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 30080)])
    assert state.elements["no-endpoint-services"] == {"10.96.0.7 . tcp . 80": "goto reject-chain"}
    assert state.elements["no-endpoint-nodeports"] == {"tcp . 30080": "goto reject-chain"}
    assert not state.chains


def test_local_traffic_keeps_the_clients_address_and_insiders_reach_every_node() -> None:
    local = ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 30080, (A, B), (A,), external_local=True, everywhere=(A, B))
    chains = state_of([local]).chains
    *inner, last = chains[chain_name("external", local)]
    assert last == balance("tcp", (A,))
    assert inner == [
        f"ip saddr @pod-ranges goto {chain_name('cluster', local)}",
        "fib saddr type local jump mark-for-masquerade",
        f"fib saddr type local goto {chain_name('cluster', local)}",
    ]
    assert chains[chain_name("cluster", local)] == (balance("tcp", (A, B)),)


def test_a_local_policy_without_endpoints_here_drops_and_does_not_refuse() -> None:
    external = ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 30080, (B,), (), external_local=True, everywhere=(B,))
    assert state_of([external]).chains[chain_name("external", external)][-1] == "drop"
    internal = ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 0, (), (B,), everywhere=(B,))
    assert state_of([internal]).elements["no-endpoint-services"] == {"10.96.0.7 . tcp . 80": "goto drop-chain"}


def test_a_balancers_addresses_are_behind_their_firewall_and_others_are_not() -> None:
    port = ServicePort(
        "default/web", "tcp", 80, ("10.96.0.7",), ("192.0.2.1",), ("192.0.2.2",), 30080, (A,), (A,), source_ranges=("10.0.0.0/8",)
    )
    state = state_of([port])
    assert state.elements["service-ips"]["192.0.2.2 . tcp . 80"] == f"goto {chain_name('firewall', port)}"
    assert state.elements["service-ips"]["192.0.2.1 . tcp . 80"] == f"goto {chain_name('external', port)}"
    assert state.chains[chain_name("firewall", port)] == ("ip saddr != { 10.0.0.0/8 } drop", f"goto {chain_name('external', port)}")
    assert state.elements["service-nodeports"] == {"tcp . 30080": f"goto {chain_name('external', port)}"}


def test_names_of_chains_are_told_apart_and_fit() -> None:
    long = "n" * 63 + "/" + "s" * 63 + ":" + "p" * 15
    names = {chain_name("service", ServicePort(long, protocol, number)) for protocol in ("tcp", "udp") for number in (80, 81)}
    assert len(names) == 4
    assert max(map(len, names)) <= 120


def test_a_new_timeout_makes_the_affinity_set_anew() -> None:
    def sticky(seconds: int) -> ServicePort:
        return ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 0, (A, B), (A, B), affinity_s=seconds)

    script = difference(state_of([sticky(60)]), state_of([sticky(90)]))
    assert script.count("timeout 90s") == 2


def test_a_client_is_remembered_whichever_way_it_comes_and_though_there_is_one_endpoint() -> None:
    port = ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 30080, (A,), (A, B), affinity_s=60)
    state = state_of([port])
    assert len(state.sets) == 2
    [first] = [rule for rule in state.chains[chain_name("service", port)] if "goto endpoint-" in rule and "@" in rule]
    assert first in state.chains[chain_name("external", port)]


def test_affinity_remembers_each_client() -> None:
    state = state_of([ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 0, (A, B), (A, B), affinity_s=60)])
    assert len(state.sets) == 2
    assert all("timeout 60s" in declaration for declaration in state.sets.values())
    rules = state.chains[next(name for name in state.chains if name.startswith("service-"))]
    assert [rule.split()[0] for rule in rules] == ["ip", "ip", "numgen"]


def test_nothing_changed_is_no_script() -> None:
    assert difference(state_of([WEB, DNS]), state_of([DNS, WEB])) == ""


def test_one_endpoint_less_touches_one_chain() -> None:
    smaller = ServicePort("default/web", "tcp", 80, ("10.96.0.7",), (), (), 30080, (A,), (A,))
    assert difference(state_of([WEB, DNS]), state_of([smaller, DNS])).splitlines() == [
        f"flush chain ip kube-proxy {chain_name('service', WEB)}",
        f"add rule ip kube-proxy {chain_name('service', WEB)} meta l4proto tcp dnat to 10.1.0.2:80",
        "delete element ip kube-proxy endpoint-ips { 10.1.1.2 }",
        "delete element ip kube-proxy hairpins { 10.1.1.2 . 10.1.1.2 : goto hairpin }",
    ]


def test_a_service_that_goes_takes_its_chains_along_after_its_elements() -> None:
    lines = difference(state_of([WEB]), State()).splitlines()
    first_chain = next(i for i, line in enumerate(lines) if "chain" in line)
    assert all(line.startswith("delete element") for line in lines[:first_chain])
    assert lines[-1].startswith("delete chain")


def test_pods_to_the_outside_are_masqueraded() -> None:
    assert "ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16" in base("10.244.0.0/16")
    assert "10.244" not in base(None)


def test_node_ports_answer_on_the_addresses_that_were_chosen() -> None:
    assert base(None).count("ip daddr != 127.0.0.0/8 fib daddr type local") == 2
    assert base(None, ["10.0.0.0/8", "10.1.0.0/16", "fd00::/8"]).count("ip daddr { 10.0.0.0/8 } fib daddr type local") == 2
