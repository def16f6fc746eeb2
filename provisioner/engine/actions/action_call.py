"""What an action gets to work with."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.engine.errors import TaskError
from provisioner.engine.own_programs import interpreter_of
from provisioner.engine.playbook import Task
from provisioner.engine.sessions import ModuleCall, Session
from provisioner.engine.state import HostState
from provisioner.engine.task_settings import hides
from provisioner.engine.variables import VERSION
from provisioner.templating import Templar
from provisioner.templating.filters.text import to_bool
from provisioner.templating.lookups.call import find_file

if TYPE_CHECKING:
    from provisioner.engine.run_context import Run
    from provisioner.engine.targets import BecomeRequest
    from provisioner.engine.variables import PlayContext

Plan = Generator[ModuleCall, dict[str, Any], dict[str, Any]]


def not_found(name: str, search: Sequence[Path], kind: str) -> str:
    """What is said of a file that is not on the controller, with the places looked at unless it names its own."""
    places = [] if Path(name).is_absolute() else [str(folder / part / name) for folder in search for part in (kind, ".")]
    looked = "\nSearched in:\n\t" + "\n\t".join(places) if places else ""
    return (
        f"Could not find or access '{name}'{looked} on the Ansible Controller.\n"
        "If you are using a module and expect the file to exist on the remote, see the remote_src option"
    )


@dataclass
class ActionCall:
    """One action on one host (and one item of a loop), with arguments rendered."""

    run: Run
    context: PlayContext
    task: Task
    state: HostState
    """The host the task belongs to: its variables are set."""
    target: HostState
    """The host the work is done on; another one when delegated."""
    args: dict[str, Any]
    templar: Templar
    check: bool = False
    diff: bool = False
    become: BecomeRequest | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    invocation: bool = False

    @property
    def delegated(self) -> bool:
        return self.target is not self.state

    @property
    def session(self) -> Session:
        return self.run.targets.session(self.target, self.context, self.task, self.templar, delegated=self.delegated)

    def module(self, name: str, args: Mapping[str, Any], blobs: Mapping[str, bytes | Path] | None = None, **changes: Any) -> ModuleCall:
        return ModuleCall(
            name,
            dict(args),
            check=changes.get("check", self.check),
            diff=self.diff,
            environment=self.environment,
            timeout_s=changes.get("timeout_s", self.timeout_s),
            blobs=blobs or {},
            invocation=self.invocation,
        )

    def request(self, name: str, args: Mapping[str, Any]) -> ModuleCall:
        """The call of a plain module, or of one that came with the playbook."""
        own = self.run.content.own_modules
        if name not in own:
            return self.module(name, args)
        if (program := own.program(name)) is not None:
            return self._own_program(name, *program, args)
        digest, data = own.packed(name)
        return self.module("own_module", {"_name": name, "_args": dict(args), "_blob": digest, "_entry": own.entry(name)}, {digest: data})

    def _own_program(self, name: str, style: str, digest: str, source: bytes, args: Mapping[str, Any]) -> ModuleCall:
        internal = {
            "_ansible_no_log": hides(self.task, self.templar),
            "_ansible_debug": False,
            "_ansible_verbosity": self.run.options.verbosity,
            "_ansible_version": VERSION["full"],
            "_ansible_module_name": name,
            "_ansible_selinux_special_fs": [],
            "_ansible_syslog_facility": "LOG_USER",
        }
        sent = {
            "_name": name,
            "_args": {**args, **internal},
            "_blob": digest,
            "_style": style,
            "_interpreter": interpreter_of(name, source, self.templar.scope),
        }
        return self.module("own_program", sent, {digest: source})

    def find(self, name: str, kind: str) -> Path:
        """A file beside the role or playbook. Raises TaskError with the places looked at."""
        search = self.run.variables.search(self.task)
        found = find_file(name, search, kind)
        if found is None:
            raise TaskError(not_found(name, search, kind))
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.args.get(name)
        return default if value is None else bool(to_bool(value))

    def known(self, *names: str) -> None:
        """Refuses arguments that the action does not have."""
        unknown = sorted(str(name) for name in self.args if name not in names)
        if unknown:
            raise TaskError(f"Invalid options for {self.task.action}: {','.join(unknown)}")

    def required(self, name: str, *aliases: str) -> Any:
        for key in (name, *aliases):
            if self.args.get(key) is not None:
                return self.args[key]
        raise TaskError(f"missing required arguments: {name}")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha1(data: bytes) -> str:
    """The checksum that Ansible's results carry."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
