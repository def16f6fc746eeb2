"""The way to a lab's hosts for benchmarks: `provision`, kubectl and SSH as a user has them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROVISION = Path(sys.executable).with_name("provision")


@dataclass(frozen=True)
class Lab:
    """A cluster of lab hosts that is up, by its inventory."""

    inventory: Path

    @property
    def state(self) -> Path:
        name = yaml.safe_load(self.inventory.read_text())["all"]["vars"]["cluster"]["name"]
        return self.inventory.resolve().parent / ".provision" / name

    def provision(self, *words: str) -> str:
        return run([PROVISION, words[0], self.inventory, *words[1:]])

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return run(["kubectl", "--kubeconfig", self.state / "kubeconfig", *words], stdin=stdin)

    def nodes(self) -> dict[str, str]:
        """Names and addresses."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        return {n["metadata"]["name"]: next(a["address"] for a in n["status"]["addresses"] if a["type"] == "InternalIP") for n in items}

    def ssh(self, address: str, command: str) -> str:
        files = ["-i", self.state / "id_ed25519", "-o", f"UserKnownHostsFile={self.state / 'known_hosts'}"]
        return run(["ssh", "-F", "none", "-o", "BatchMode=yes", *files, f"root@{address}", command])


def run(argv: list[Any], stdin: str | None = None) -> str:
    done = subprocess.run([str(word) for word in argv], input=stdin, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, argv))} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
