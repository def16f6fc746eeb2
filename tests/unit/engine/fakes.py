"""A session that carries out a handful of modules in memory, for tests of the language alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from provisioner.engine import Runner, RunOptions, RunResult, actions
from provisioner.engine.events import Callback, Event, HostDone
from provisioner.inventory import load

MODULES = frozenset({"apt", "package", "command", "copy", "file", "ping", "setup", "shell"})


class FakeSession:
    """`log` holds (module, args) of every call; `batches` how many calls each message had."""

    def __init__(self, name: str, *, down: bool = False) -> None:
        self.name = name
        self.down = down
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.batches: list[int] = []
        self.environments: list[dict[str, str]] = []
        self.checks: list[bool] = []
        self.invocations: list[bool] = []
        self.becomes: list[Any] = []
        self.files: dict[str, bytes] = {}
        self.counter = 0
        self.settings = SimpleNamespace(connection="ssh", address=name)

    def call(self, calls: Sequence[Any], become: Any = None) -> list[dict[str, Any]]:
        if self.down:
            raise ConnectionError(f"{self.name} is down")
        self.batches.append(len(calls))
        self.becomes.append(become)
        results = []
        for call in calls:
            self.invocations.append(call.invocation)
            results.append(self._one(call))
            if call.invocation:
                results[-1]["invocation"] = {"module_args": dict(call.args)}
            if results[-1].get("failed"):
                break
        return results

    def _one(self, call: Any) -> dict[str, Any]:
        self.log.append((call.module, call.args))
        self.environments.append(dict(call.environment))
        self.checks.append(call.check)
        match call.module:
            case "setup":
                return {"changed": False, "ansible_facts": {"ansible_distribution": "Debian", "ansible_hostname": self.name}}
            case "command" | "shell":
                return self._command(str(call.args.get("_raw_params", call.args.get("cmd"))))
            case "copy":
                data = call.blobs[call.args["_blob"]]
                dest = call.args["dest"]
                dest += call.args["_original_basename"] if dest.endswith("/") else ""
                changed = self.files.get(dest) != data
                if not call.check:
                    self.files[dest] = data
                return {"changed": changed, "dest": dest}
            case "file":
                if "missing" in str(call.args.get("path")):
                    return {"failed": True, "changed": False, "msg": "there is none"}
                return {"changed": True, "path": call.args.get("path")}
            case "tempfile":
                return {"changed": True, "path": "/tmp/made"}
            case "ping":
                return {"changed": False, "ping": call.args.get("data", "pong")}
        raise AssertionError(f"the fake has no module {call.module}")

    def _command(self, text: str) -> dict[str, Any]:
        self.counter += 1
        if text.startswith("fail"):
            return {"changed": True, "rc": 1, "stdout": "", "stderr": "no", "failed": True, "msg": "non-zero return code"}
        out = str(self.counter) if text == "count" else text.removeprefix("echo ")
        return {"changed": True, "rc": 0, "stdout": out, "stderr": ""}

    def raw(self, command: str, become: Any = None, timeout_s: float | None = None, stdin: bytes | None = None) -> Any:
        self.log.append(("raw", {"command": command, "stdin": stdin}))
        return SimpleNamespace(rc=3 if command.startswith("fail") else 0, stdout=f"{command}\n", stderr="said")

    def fetch(self, path: str, become: Any = None) -> bytes:
        return self.files[path]

    def close(self) -> None:
        self.down = False


class FakePool:
    def __init__(self, down: Sequence[str] = ()) -> None:
        self.sessions: dict[str, FakeSession] = {}
        self.down = down
        self.targets: list[Any] = []

    def session(self, host: Any) -> FakeSession:
        self.targets.append(host)
        if host.name not in self.sessions:
            self.sessions[host.name] = FakeSession(host.name, down=host.name in self.down)
        return self.sessions[host.name]


class Played:
    """One run of a playbook and all it said."""

    def __init__(self, result: RunResult, events: list[Event], pool: FakePool) -> None:
        self.result = result
        self.events = events
        self.pool = pool

    def stats(self, host: str = "h1") -> dict[str, int]:
        return {key: value for key, value in vars(self.result.stats[host]).items() if value}

    def done(self, host: str | None = None) -> list[str]:
        """'name=status' of every task that ended."""
        return [f"{e.task}={e.status.value}" for e in self.events if isinstance(e, HostDone) and host in (None, e.host)]

    def results(self, task: str, host: str = "h1") -> list[dict[str, Any]]:
        return [dict(e.result) for e in self.events if isinstance(e, HostDone) and e.task == task and e.host == host]

    def messages(self, host: str = "h1") -> list[Any]:
        """What debug tasks said."""
        return [e.result.get("msg") for e in self.events if isinstance(e, HostDone) and e.action == "debug" and e.host == host]


def play(
    tmp_path: Path,
    text: str,
    *,
    inventory: str = "h1,",
    files: dict[str, str] | None = None,
    down: Sequence[str] = (),
    callbacks: Sequence[Callback] = (),
    **options: Any,
) -> Played:
    """Writes files and the playbook (without facts unless it asks for them), and runs it."""
    for name, content in (files or {}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "play.yml").write_text(text)
    events: list[Event] = []
    pool = FakePool(down)
    source: Any = inventory
    if "\n" in inventory:
        source = tmp_path / "inventory.yml"
        source.write_text(inventory)
    runner = Runner(load([source]), options=RunOptions(**options), sessions=pool, callbacks=[events.append, *callbacks])
    with patch.object(actions, "module_names", lambda: MODULES):
        return Played(runner.run([tmp_path / "play.yml"]), events, pool)


def tasks(text: str, **play_keys: Any) -> str:
    """A playbook of one play with these tasks."""
    keys = {"hosts": "all", "gather_facts": False, **play_keys}
    lines = [f"{key}: {json.dumps(value)}" for key, value in keys.items()]
    body = "\n".join("    " + line for line in text.strip("\n").splitlines())
    return "- " + "\n  ".join(lines) + "\n  tasks:\n" + body + "\n"
