"""Proves that agent and modules run on every Python from 3.7 on: by their source, and on real interpreters, which answer as this one does."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from other_pythons import SOURCES, python
from private_host import PrivateHost

from provisioner.transport import ConnectionSettings, HostSession, ModuleCall
from provisioner.transport.launch import PACKAGE

Make = Callable[[ConnectionSettings], HostSession]
CONTENT = b"[one]\nkey = value\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
IMPORTS = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import provisioner.agent, provisioner.modules
names = [m.name for p in (provisioner.agent, provisioner.modules) for m in pkgutil.walk_packages(p.__path__, p.__name__ + ".")]
for name in names:
    if ".shim." not in name:
        importlib.import_module(name)
print(len(names))
"""
# Facts and times differ from one moment to the next.
VOLATILE = {"version", "atime", "mtime", "ctime", "start", "end", "delta", "inode", "uuid", "diff", "backup"}


def calls(folder: str) -> list[ModuleCall]:
    path = f"{folder}/file.ini"
    return [
        ModuleCall("ping", {}),
        ModuleCall("file", {"path": folder, "state": "directory", "mode": "0750"}),
        ModuleCall("copy", {"dest": path, "_blob": DIGEST, "_checksum": hashlib.sha1(CONTENT).hexdigest()}, blobs={DIGEST: CONTENT}),
        ModuleCall("lineinfile", {"path": path, "regexp": "^key", "line": "key = other", "backup": True}, diff=True),
        ModuleCall("replace", {"path": path, "regexp": "other", "replace": "more"}),
        ModuleCall("blockinfile", {"path": path, "block": "a\nb"}),
        ModuleCall("ini_file", {"path": path, "section": "two", "option": "x", "value": "1"}),
        ModuleCall("command", {"argv": ["printf", "ünï\\n%s", "two words"], "chdir": folder}),
        ModuleCall("shell", {"_raw_params": "echo out; echo error >&2; exit 0"}),
        ModuleCall("stat", {"path": path}),
        ModuleCall("find", {"paths": folder, "patterns": "*.ini"}),
        ModuleCall("slurp", {"src": path}),
        ModuleCall("getent", {"database": "passwd", "key": "root"}),
        ModuleCall("file", {"path": folder, "state": "absent"}),
        ModuleCall("file", {"path": folder, "state": "no such state"}),
    ]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in VOLATILE}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_the_source_asks_for_no_newer_python() -> None:
    words = ["--quiet", "--target=3.7-", "--violations", str(PACKAGE / "agent"), str(PACKAGE / "modules")]
    done = subprocess.run([Path(sys.executable).with_name("vermin"), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", SOURCES)
def test_a_real_one_answers_as_ours_does(host: PrivateHost, session: Make, version: str) -> None:
    wrapper = str(python(version))
    other = session(host.settings(python_interpreter=wrapper))
    assert other.call([ModuleCall("setup", {"gather_subset": ["!all"]})])[0]["ansible_facts"]["ansible_python"]["version"]["minor"] == int(
        version.split(".")[1]
    )
    own = session(host.settings()).call(calls("/home/root/versions"))
    assert [result.get("failed", False) for result in own] == [False] * 14 + [True]
    assert plain(other.call(calls("/home/root/versions"))) == plain(own)
    said = other.raw(f"for agent in /home/root/.cache/provision/agent-*; do {wrapper} -I -S -c {shlex.quote(IMPORTS)} $agent || exit; done")
    assert said.rc == 0 and int(said.stdout.split()[0]) > 50, said.stderr


def test_facts_of_a_real_one_are_complete(host: PrivateHost, session: Make) -> None:
    """On the oldest: what the newest gathers, it does too."""
    (own,) = session(host.settings()).call([ModuleCall("setup", {})])
    (other,) = session(host.settings(python_interpreter=str(python(min(SOURCES, key=lambda text: int(text[2:])))))).call(
        [ModuleCall("setup", {})]
    )
    assert other["ansible_facts"].keys() == own["ansible_facts"].keys() and len(own["ansible_facts"]) > 60
