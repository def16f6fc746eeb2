"""Proves setup: which subsets are gathered, filters, local facts, and that facts have the names and shapes that playbooks read."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.context import ModuleFailed
from provisioner.modules.setup import EVERYTHING, MINIMAL, chosen
from tests.module_calls import Call


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["all"], EVERYTHING),
        (["min"], MINIMAL),
        (["!all"], MINIMAL),
        (["!all", "!min"], set()),
        (["!all", "!min", "dns"], {"dns"}),
        (["!all", "!min", "default_ipv4"], {"network", "platform", "distribution"}),
        (["!all", "!min", "pkg_mgr"], {"pkg_mgr", "distribution"}),
        (["network"], MINIMAL | {"network"}),
        (["!hardware"], MINIMAL),
        (["!min"], set()),
        (["!nonsense"], MINIMAL),
        ([], EVERYTHING),
        (["all", "!interfaces"], EVERYTHING),
        (["!all", "network", "!interfaces"], MINIMAL | {"network"}),
        (["!network", "network"], MINIMAL | {"network"}),
        (["all", "!network", "!virtual"], EVERYTHING - {"network", "virtual"}),
        (["!all", "processor"], MINIMAL | {"hardware"}),
    ],
)
def test_subsets(wanted: list[str], found: set[str]) -> None:
    assert chosen(wanted) == set(found)


def test_an_unknown_subset_is_named() -> None:
    with pytest.raises(ModuleFailed, match=r"^Bad subset 'hardwear' given to Ansible\. gather_subset options allowed: all, all_ipv4"):
        chosen(["hardwear"])


def test_everything_has_ansibles_names_and_is_json(call: Call) -> None:
    result = call("setup", {})
    facts = result["ansible_facts"]
    json.dumps(result)
    told = os.uname()
    assert result["changed"] is False and facts["gather_subset"] == ["all"] and facts["module_setup"] is True
    assert (facts["ansible_system"], facts["ansible_kernel"], facts["ansible_nodename"]) == ("Linux", told.release, told.nodename)
    assert facts["ansible_python_version"] == platform.python_version() == ".".join(map(str, facts["ansible_python"]["version_info"][:3]))
    for name, kind in {
        "distribution": str, "distribution_major_version": str, "os_family": str, "hostname": str, "fqdn": str, "domain": str,
        "architecture": str, "interfaces": list, "default_ipv4": dict, "default_ipv6": dict, "all_ipv4_addresses": list, "lo": dict,
        "mounts": list, "memtotal_mb": int, "memory_mb": dict, "processor": list, "processor_vcpus": int, "processor_nproc": int,
        "processor_cores": int, "processor_count": int, "service_mgr": str, "pkg_mgr": str, "user_id": str, "user_uid": int, "env": dict,
        "date_time": dict, "local": dict, "dns": dict, "lsb": dict, "selinux": dict, "apparmor": dict, "cmdline": dict,
        "virtualization_type": str, "virtualization_role": str, "uptime_seconds": int, "devices": dict, "is_chroot": bool,
        "product_name": str, "fips": bool,
    }.items():  # fmt: skip
        assert isinstance(facts["ansible_" + name], kind), name
    assert facts["ansible_lo"]["ipv4"] == {
        "address": "127.0.0.1", "broadcast": facts["ansible_lo"]["ipv4"]["broadcast"], "netmask": "255.0.0.0", "network": "127.0.0.0",
        "prefix": "8",
    }  # fmt: skip
    assert facts["ansible_memtotal_mb"] == facts["ansible_memory_mb"]["real"]["total"] > 0


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["ansible_user_uid"], {"ansible_user_uid"}),
        (["user_*id"], {"ansible_user_id", "ansible_user_uid", "ansible_user_gid"}),
        ("kernel,nodename", {"ansible_kernel", "ansible_nodename"}),
        (["no_such_fact"], set()),
    ],
)
def test_filter(call: Call, patterns: Any, names: set[str]) -> None:
    assert set(call("setup", {"filter": patterns, "gather_subset": ["min"]})["ansible_facts"]) == names


def test_local_facts(call: Call, tmp_path: Path) -> None:
    def fact(name: str, text: str, mode: int = 0o644) -> None:
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)

    fact("j.fact", '{"a": [1, "ü"]}')
    fact("ini.fact", "[part]\nKey = some value\n")
    fact("run me.fact", '#!/bin/sh\necho \'{"from": "program"}\'\n', 0o755)
    fact("bad.fact", "neither")
    fact("exit.fact", "#!/bin/sh\necho no >&2\nexit 3\n", 0o755)
    fact("other.txt", "{}")
    result = call("setup", {"gather_subset": ["!all", "!min", "local"], "fact_path": str(tmp_path)})
    bad = f"error loading facts as JSON or ini - please check content: {tmp_path}/bad.fact"
    failed = f"Failure executing fact script ({tmp_path}/exit.fact), rc: 3, err: no\n"
    assert result["ansible_facts"]["ansible_local"] == {
        "j": {"a": [1, "ü"]}, "ini": {"part": {"key": "some value"}}, "run me": {"from": "program"}, "bad": bad, "exit": failed,
    }  # fmt: skip
    assert sorted(result["warnings"]) == sorted([bad, failed])


def test_missing_fact_folder_and_wrong_arguments(call: Call, tmp_path: Path) -> None:
    gathered = call("setup", {"gather_subset": "!all,!min,local", "fact_path": str(tmp_path / "none")})
    assert gathered["ansible_facts"]["ansible_local"] == {}
    assert "Unsupported parameters for (setup) module: subset." in call("setup", {"subset": "all"})["msg"]
