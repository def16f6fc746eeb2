"""What end-to-end tests stand on: commands with deadlines, polling, and a cluster's ways in (command line, kubectl, SSH)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PROVISION = Path(sys.executable).with_name("provision")
HOSTS = ("master-1", "worker-1", "worker-2")
WORKERS = ("worker-1", "worker-2")
UP_TIMEOUT_S = 420.0
T = TypeVar("T")


def eventually(check: Callable[[], T], timeout_s: float, what: str, every_s: float = 0.25) -> T:
    """The first true result of `check`; an assertion that fails in it counts as not yet, and is shown when time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        last: object = None
        try:
            last = result = check()
            if result:
                return result
        except AssertionError as e:
            last = e
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}; last seen: {last}")
        time.sleep(every_s)


@dataclass
class Result:
    """What a command said, and how long it took."""

    argv: Sequence[str]
    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def ok(self) -> Result:
        assert self.code == 0, f"{' '.join(self.argv)} ended with {self.code}\n{self.stdout[-3000:]}\n{self.stderr[-3000:]}"
        return self


def run(argv: Sequence[str | Path], *, timeout_s: float = 60, env: dict[str, str] | None = None, stdin: str | None = None) -> Result:
    words = [str(word) for word in argv]
    began = time.monotonic()
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env={**os.environ, **(env or {})},
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        texts = [t.decode(errors="replace") if isinstance(t, bytes) else (t or "") for t in (e.stdout, e.stderr)]
        raise AssertionError(f"{' '.join(words)} did not end within {timeout_s} s\n{texts[0][-3000:]}\n{texts[1][-3000:]}") from e
    return Result(words, done.returncode, done.stdout, done.stderr, time.monotonic() - began)


@dataclass
class Cluster:
    """A lab's inventory, and the ways in: the command line, kubectl and SSH."""

    inventory: Path
    name: str
    kubectl_binary: Path
    first_up: Result | None = None
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.inventory.parent / ".provision" / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    def provision(self, *words: str, timeout_s: float = UP_TIMEOUT_S) -> Result:
        """`provision VERB INVENTORY …`"""
        verb, *rest = words
        return run([PROVISION, verb, self.inventory, *rest], timeout_s=timeout_s, env={"NO_COLOR": "1"})

    def kubectl(self, *words: str, stdin: str | None = None, timeout_s: float = 60, binary: Path | None = None) -> Result:
        argv = [binary or self.kubectl_binary, "--kubeconfig", self.kubeconfig, *words]
        return run(argv, timeout_s=timeout_s, stdin=stdin, env={"HOME": str(self.state)})

    def json(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl(*words, "-o", "json").ok().stdout)
        return found

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects)).ok()

    def ssh(self, host: str, command: str, *, timeout_s: float = 60) -> Result:
        """As root, with the lab's key and the pinned host key."""
        options = ["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10"]
        files = ["-i", self.state / "id_ed25519", "-o", f"UserKnownHostsFile={self.state / 'known_hosts'}"]
        return run(["ssh", *options, *files, f"root@{self.addresses[host]}", command], timeout_s=timeout_s)

    def machine(self, verb: str, *hosts: str) -> Result:
        """`plug` and `unplug` of hosts, as a hand at the cable would."""
        return run([sys.executable, "-m", "provisioner.machines", verb, self.inventory, *hosts], timeout_s=120).ok()

    def ready(self) -> dict[str, bool]:
        """By node, whether it is Ready."""
        found = {}
        for node in self.json("get", "nodes")["items"]:
            conditions = {c["type"]: c["status"] for c in node["status"].get("conditions", [])}
            found[node["metadata"]["name"]] = conditions.get("Ready") == "True"
        return found

    def pods(self, selector: str, namespace: str = "default") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.json("get", "pods", "-n", namespace, "-l", selector)["items"]
        return items

    def ready_pods(self, selector: str, namespace: str = "default") -> list[dict[str, Any]]:
        def is_ready(pod: dict[str, Any]) -> bool:
            conditions = {c["type"]: c["status"] for c in pod["status"].get("conditions", [])}
            return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]

        return [pod for pod in self.pods(selector, namespace) if is_ready(pod)]

    def all_ready(self, timeout_s: float = 120) -> None:
        eventually(lambda: self.ready() == dict.fromkeys(HOSTS, True), timeout_s, "all nodes Ready")


def find_kubectl(folder: Path) -> Path:
    """The one that KUBECTL names, else the one on PATH, else Debian's, unpacked without installing it. KUBECTL=debian asks for Debian's."""
    wanted = os.environ.get("KUBECTL", "")
    found = None if wanted == "debian" else wanted or shutil.which("kubectl")
    return Path(found) if found else debian_kubectl(folder)


def debian_kubectl(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-q", "kubernetes-client"], cwd=folder, check=True, capture_output=True, timeout=300)
    package = next(folder.glob("kubernetes-client_*.deb"))
    subprocess.run(["dpkg-deb", "--extract", package, folder], check=True, timeout=60)
    return folder / "usr/bin/kubectl"


def write_inventory(folder: Path, network: str, name: str) -> Path:
    """The lab that users get, under another name and with addresses of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = yaml.safe_load((ROOT / "inventories" / "lab.yaml").read_text())
    tree["all"]["vars"]["cluster"]["name"] = name
    tree["all"]["vars"]["machines"]["network"] = network
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def changed(inventory: str, change: dict[str, object]) -> str:
    """An inventory's text with other values at these places; None takes the place out."""
    tree = yaml.safe_load(inventory)
    for path, value in change.items():
        *folders, last = path.split("/")
        place = tree
        for folder in folders:
            place = place[folder]
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return yaml.safe_dump(tree, sort_keys=False)


@contextmanager
def changed_inventory(cluster: Cluster, change: dict[str, object]) -> Iterator[None]:
    """The cluster's own inventory says otherwise for a while."""
    right = cluster.inventory.read_text()
    cluster.inventory.write_text(changed(right, change))
    try:
        yield
    finally:
        cluster.inventory.write_text(right)


def new_cluster(folder: Path, network: str, name: str) -> Cluster:
    cluster = Cluster(write_inventory(folder, network, name), name, find_kubectl(folder / "kubectl"))
    cluster.addresses = _addresses(network)
    return cluster


def existing_cluster(inventory: Path, folder: Path) -> Cluster:
    tree = yaml.safe_load(inventory.read_text())["all"]["vars"]
    cluster = Cluster(inventory, tree["cluster"]["name"], find_kubectl(folder))
    cluster.addresses = _addresses(tree["machines"]["network"])
    return cluster


def _addresses(network: str) -> dict[str, str]:
    """As the lab numbers its hosts."""
    prefix = network.partition("/")[0].rpartition(".")[0]
    return {host: f"{prefix}.{11 + index}" for index, host in enumerate(HOSTS)}
