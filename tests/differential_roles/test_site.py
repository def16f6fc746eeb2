"""Proves that roles/site.yaml does the same by real ansible-playbook and by `provision play`: on a bare host, and on its twin of the same name,
address and certificates, the same files, owners, modes, units, packages and images, and the same recap of the first and of the second run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.differential.reference import ansible_playbook

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTS = ROOT / "molecule" / "hosts.py"
SNAPSHOT = Path(__file__).with_name("snapshot.py")
SITE = ROOT / "roles" / "site.yaml"
RECAP = re.compile(r"^node-1 +: (.*)$", re.MULTILINE)
SHOWN = 40
Recap = dict[str, int]


@dataclass
class Twin:
    folder: Path
    network: str

    def hosts(self, verb: str) -> None:
        run([sys.executable, str(HOSTS), verb, str(self.folder), "--network", self.network])

    def keep_release(self) -> None:
        """The archives that variables name come into the folder: the cache they lie in forgets old ones, and this takes a while."""
        variables = self.folder / "vars.json"
        text = variables.read_text()
        for path in {Path(found) for found in re.findall(r'"(/[^"]+\.tar\.gz)"', text)}:
            shutil.copy(path, self.folder / path.name)
            text = text.replace(str(path), str(self.folder / path.name))
        variables.write_text(text)

    def play(self, program: list[str], **environment: str) -> Recap:
        words = [*program, "-i", str(self.folder / "hosts.yaml"), "-e", f"@{self.folder / 'vars.json'}", str(SITE)]
        said = run(words, {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_ROLES_PATH": str(ROOT / "roles"), **environment})
        found = RECAP.search(said)
        assert found, said[-3000:]
        return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", found[1])}

    def snapshot(self) -> dict[str, Any]:
        (instance,) = __import__("yaml").safe_load((self.folder / "instance_config.yml").read_text())
        way = ["-i", instance["identity_file"], "-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}"]
        words = ["ssh", "-F", "none", "-o", "BatchMode=yes", *way, f"{instance['user']}@{instance['address']}", "python3", "-"]
        taken: dict[str, Any] = json.loads(run(words, stdin=SNAPSHOT.read_text()))
        return taken


def run(words: list[str], environment: dict[str, str] | None = None, stdin: str | None = None) -> str:
    done = subprocess.run(words, env={**os.environ, **(environment or {})}, input=stdin, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def twin(labs_folder: Path, free_network: Callable[[], str]) -> Iterator[Twin]:
    made = Twin(labs_folder / "differential-roles", free_network())
    made.hosts("create")
    made.keep_release()
    yield made
    made.hosts("destroy")


def differences(ansible: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for kind, left in ansible.items():
        right = ours[kind]
        if isinstance(left, dict):
            names = sorted(name for name in {*left, *right} if left.get(name) != right.get(name))
            found += [f"{kind}: {name}: {left.get(name)} by Ansible, {right.get(name)} by us" for name in names]
        elif left != right:
            found.append(f"{kind}: only by Ansible {sorted(set(left) - set(right))}, only by us {sorted(set(right) - set(left))}")
    return found


@pytest.mark.timeout(3000)
def test_site_does_the_same_by_either_program(twin: Twin) -> None:
    programs = ([str(ansible_playbook())], [str(Path(sys.executable).with_name("provision")), "play"])
    recaps: list[tuple[Recap, Recap]] = []
    snapshots: list[dict[str, Any]] = []
    for number, program in enumerate(programs):
        if number:
            twin.hosts("renew")
        environment = {
            "ANSIBLE_SSH_ARGS": f"-o ControlPersist=60s -o ControlMaster=auto -o UserKnownHostsFile={twin.folder / 'known_hosts'}"
        }
        recaps.append((twin.play(program, **environment), twin.play(program, **environment)))
        snapshots.append(twin.snapshot())
    assert len(snapshots[0]["files"]) > 500, "the snapshot has seen next to nothing"
    found = differences(*snapshots)
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:SHOWN])
    assert recaps[0] == recaps[1]
    assert recaps[0][0]["changed"] > 50 and recaps[0][1]["changed"] == 0
