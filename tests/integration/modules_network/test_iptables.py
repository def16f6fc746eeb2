"""Proves iptables in a network namespace of its own: first run, second run, check mode, order, policies, chains, flushing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
# (arguments, changed in check mode, changed, changed again)
STEPS: list[tuple[dict[str, Any], bool, bool, bool]] = [
    ({"chain": "INPUT", "protocol": "tcp", "destination_port": "22", "jump": "ACCEPT", "comment": "a b"}, True, True, False),
    ({"chain": "INPUT", "source": "9.9.9.9", "jump": "DROP", "action": "insert"}, True, True, False),
    ({"chain": "INPUT", "log_prefix": "x ", "action": "insert", "rule_num": "2"}, True, True, False),
    ({"chain": "FORWARD", "policy": "DROP"}, True, True, False),
    ({"chain": "MINE", "chain_management": True}, True, True, False),
    ({"chain": "OTHER", "chain_management": True, "source": "1.1.1.1", "jump": "ACCEPT"}, True, True, False),
    ({"chain": "INPUT", "source": "9.9.9.9", "jump": "DROP", "state": "absent"}, True, True, False),
    ({"chain": "MINE", "chain_management": True, "state": "absent"}, True, True, False),
    ({"chain": "OUTPUT", "protocol": "udp", "jump": "ACCEPT", "ip_version": "both"}, True, True, False),
    ({"chain": "INPUT", "flush": True}, True, True, True),
]
WANTED = """\
-P INPUT ACCEPT
-P FORWARD DROP
-P OUTPUT ACCEPT
-N OTHER
-A OUTPUT -p udp -j ACCEPT
-A OTHER -s 1.1.1.1/32 -j ACCEPT
"""
SCRIPT = """
import json, subprocess, sys
from provisioner.agent.arguments import checked
from provisioner.agent.context import Context
from provisioner.modules import iptables
done = []
for args, *_ in json.load(sys.stdin):
    runs = []
    for check in (True, False, False):
        runs.append(iptables.run(checked(iptables.ARGUMENTS, dict(args), "iptables"), Context(check=check))["changed"])
    done.append(runs)
print(json.dumps({"done": done, "rules": subprocess.run(["iptables", "-S"], capture_output=True, text=True).stdout}))
"""


def test_rules_in_a_kernel() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for a network namespace")
    command = ["unshare", "--net", sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, input=json.dumps(STEPS), capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    told = json.loads(ran.stdout)
    for (args, *wanted), got in zip(STEPS, told["done"], strict=True):
        assert got == wanted, args
    assert told["rules"] == WANTED
