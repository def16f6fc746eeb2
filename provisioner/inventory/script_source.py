"""Executable inventories: run with `--list`, they print JSON groups and, under `_meta`, host variables."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from provisioner.inventory.errors import Problem
from provisioner.inventory.model import Inventory

_TIMEOUT_S = 120.0  # A guess: the slowest cloud listings answer in a minute.


class ScriptSource:
    """Adds what one program prints to an inventory; what is wrong goes to `problems`."""

    def __init__(self, inventory: Inventory, path: Path) -> None:
        self.inventory = inventory
        self.path = path
        self.problems: list[Problem] = []

    def add(self) -> None:
        listing = self._run("--list")
        if listing is None:
            return
        meta = listing.pop("_meta", None)
        for name, body in listing.items():
            self._group(name, body)
        hostvars = meta.get("hostvars", {}) if isinstance(meta, dict) else None
        for host in list(self.inventory.hosts):
            found = hostvars.get(host) if hostvars is not None else self._run("--host", host)
            if isinstance(found, dict):
                self.inventory.hosts[host].own_vars.update(found)

    def _group(self, name: str, body: Any) -> None:
        group = self.inventory.add_group(name)
        if isinstance(body, list):
            body = {"hosts": body}
        if not isinstance(body, dict):
            self._wrong(f"group {name!r} must be a list of hosts or a mapping")
            return
        for host in body.get("hosts", []):
            self.inventory.add_host(str(host), [name])
        for child in body.get("children", []):
            self.inventory.add_group(str(child), name)
        group.own_vars.update(body.get("vars", {}))

    def _run(self, *arguments: str) -> dict[str, Any] | None:
        try:
            done = subprocess.run([str(self.path.absolute()), *arguments], capture_output=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as e:
            self._wrong(f"cannot be run: {e}", "is its first line a valid #! line?")
            return None
        if done.returncode:
            self._wrong(f"ended with code {done.returncode}: {done.stderr.decode(errors='replace').strip()[-500:]}")
            return None
        try:
            value = json.loads(done.stdout or b"{}")
        except ValueError as e:
            self._wrong(f"did not print JSON for {' '.join(arguments)}: {e}")
            return None
        if not isinstance(value, dict):
            self._wrong("must print a JSON object of groups")
            return None
        return value

    def _wrong(self, message: str, hint: str = "") -> None:
        self.problems.append(Problem(str(self.path), 0, 0, message, hint))
