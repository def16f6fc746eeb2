"""Proves which words iptables makes of a rule's options, and what it refuses. Rules in a kernel: tests/integration/modules_network."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.agent.arguments import checked
from provisioner.modules import iptables

RULES: list[tuple[dict[str, Any], str]] = [
    ({"protocol": "tcp", "destination_port": "22", "jump": "ACCEPT"}, "-p tcp -j ACCEPT --destination-port 22"),
    ({"source": "!8.8.4.4", "in_interface": "! eth0", "jump": "DROP"}, "! -s 8.8.4.4 -j DROP ! -i eth0"),
    ({"destination_ports": ["80", "81:83"], "jump": "ACCEPT"}, "-j ACCEPT -m multiport --dports 80,81:83"),
    ({"tcp_flags": {"flags": ["SYN", "ACK"], "flags_set": ["SYN"]}, "jump": "DROP"}, "--tcp-flags SYN,ACK SYN -j DROP"),
    ({"ctstate": ["NEW"], "jump": "ACCEPT"}, "-j ACCEPT -m conntrack --ctstate NEW"),
    ({"ctstate": ["NEW"], "match": ["state"], "jump": "ACCEPT"}, "-m state -j ACCEPT --state NEW"),
    ({"ctstate": ["NEW"], "match": ["conntrack"]}, "-m conntrack --ctstate NEW"),
    ({"limit": "2/second", "limit_burst": "20"}, "-m limit --limit 2/second --limit-burst 20"),
    ({"match": ["limit"], "limit": "2/second"}, "-m limit -m limit --limit 2/second"),
    ({"uid_owner": "!root", "gid_owner": "g"}, "-m owner ! --uid-owner root -m owner --gid-owner g"),
    ({"match_set": "blocked", "match_set_flags": "src", "jump": "DROP"}, "-j DROP -m set --match-set blocked src"),
    ({"src_range": "1.1.1.1-1.1.1.9"}, "-m iprange --src-range 1.1.1.1-1.1.1.9"),
    ({"syn": "match"}, "--syn"),
    ({"syn": "negate"}, "! --syn"),
    ({"jump": "TEE", "gateway": "1.2.3.4"}, "-j TEE --gateway 1.2.3.4"),
    ({"jump": "DNAT", "to_destination": "1.2.3.4:80"}, "-j DNAT --to-destination 1.2.3.4:80"),
    ({"jump": "REDIRECT", "to_ports": "8600"}, "-j REDIRECT --to-ports 8600"),
    ({"jump": "DSCP", "set_dscp_mark_class": "CS1"}, "-j DSCP --set-dscp-class CS1"),
    ({"icmp_type": "8", "comment": "!a b"}, "--icmp-type 8 -m comment --comment !a b"),
    ({"goto": "MINE"}, "-g MINE"),
]


@pytest.mark.parametrize(("args", "words"), RULES)
def test_rules(args: dict[str, Any], words: str) -> None:
    given = checked(iptables.ARGUMENTS, {"chain": "INPUT", **args}, "iptables")
    assert " ".join(iptables.rule_of(given, "ipv4")) == words


WRONG = [
    ({}, "flush is False but all of the following are missing: chain"),
    ({"flush": True, "policy": "DROP"}, "parameters are mutually exclusive: flush|policy"),
    ({"chain": "C", "log_prefix": "x", "jump": "ACCEPT"}, "Logging options can only be used with the LOG jump target."),
    ({"chain": "C", "set_dscp_mark": "1"}, "missing parameter(s) required by 'set_dscp_mark': jump"),
    ({"chain": "C", "jump": "TEE"}, "jump is TEE but all of the following are missing: gateway"),
    ({"chain": "C", "match_set": "x"}, "parameters are required together: match_set, match_set_flags"),
    ({"chain": "C", "tcp_flags": {"flags": ["SYN"]}}, "tcp_flags needs both flags and flags_set"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "msg"), WRONG)
def test_wrong_arguments(call: Any, args: dict[str, Any], msg: str) -> None:
    made = call("iptables", args)
    assert (made["failed"], made["msg"]) == (True, msg)


def test_a_policy_is_set_whatever_else_is_said(call: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "iptables").write_text(f"#!/bin/sh\necho $@ >>{tmp_path}/calls\necho 'Chain INPUT (policy ACCEPT)'\n")
    (tmp_path / "iptables").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert call("iptables", {"chain": "INPUT", "policy": "DROP", "protocol": "tcp"})["changed"] is True
    assert (tmp_path / "calls").read_text().splitlines() == ["-t filter -L INPUT", "-t filter -P INPUT DROP"]
