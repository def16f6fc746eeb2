"""How a task reaches its host: connection variables, delegation and privilege escalation."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.engine.errors import TaskError
from provisioner.engine.keyword_types import as_flag
from provisioner.engine.options import RunOptions
from provisioner.engine.playbook import Task
from provisioner.engine.sessions import Session, SessionPool, Target
from provisioner.engine.state import HostState
from provisioner.engine.variables import HostVarsVars, PlayContext, Variables
from provisioner.inventory import Host, Inventory
from provisioner.templating import OMIT, Resolved, Templar, TemplateError
from provisioner.templating.values import final

_RELEVANT = (
    "ansible_host", "ansible_port", "ansible_user", "ansible_ssh_", "ansible_password", "ansible_connection", "ansible_private_key_file",
    "ansible_python_interpreter", "ansible_timeout", "ansible_remote_", "ansible_known_hosts", "ansible_pinned_", "ansible_gateway",
    "ansible_scp_", "ansible_sftp_", "ansible_control_path", "ansible_executable", "gateway", "pinned_host_key", "host_key_policy",
    "ansible_docker_", "ansible_podman_", "ansible_buildah_", "ansible_kubectl_", "ansible_oc_", "ansible_lxd_", "ansible_lxc_", "ansible_incus_",
    "ansible_chroot_",
)  # fmt: skip


# Settings that hold for hosts whose variables say nothing.
_OF_SETTINGS = {
    "DEFAULT_REMOTE_PORT": "ansible_port",
    "DEFAULT_TIMEOUT": "ansible_timeout",
    "DEFAULT_TRANSPORT": "ansible_connection",
    "HOST_KEY_CHECKING": "ansible_host_key_checking",
    "INTERPRETER_PYTHON": "ansible_python_interpreter",
}


@dataclass(frozen=True)
class BecomeRequest:
    """Privilege escalation as the task and the host's variables say it."""

    user: str
    method: str
    password: str | None = None
    exe: str = ""
    flags: str | None = None

    def __repr__(self) -> str:
        return f"BecomeRequest({self.user!r}, {self.method!r})"


class Targets:
    """Sessions and privilege escalation for tasks; one for a run."""

    def __init__(self, pool: SessionPool, variables: Variables, inventory: Inventory, options: RunOptions) -> None:
        self._pool = pool
        self._variables = variables
        self._inventory = inventory
        self._options = options
        self._sessions: dict[tuple[Any, ...], Session] = {}
        self._lock = threading.Lock()

    def delegate(self, name: str) -> HostState:
        """The host that a task is delegated to, which need not be in the inventory."""
        host = self._inventory.host(name)
        if host is None:
            host = Host(name, self._inventory)
            host.own_vars["ansible_host"] = final(name)
        return HostState(host, self._variables.store(name))

    def address(self, name: str) -> str:
        """Where a host is reached, as far as its inventory says so plainly."""
        host = self._inventory.host(name)
        said = host.vars.get("ansible_host") if host is not None else None
        return said if isinstance(said, str) and "{{" not in said else name

    def delegated_variables(self, state: HostState, context: PlayContext, templar: Templar) -> dict[str, Any]:
        """What a task knows of the host it is delegated to; that host's address too, where its own host has none."""
        view = self._variables.of_host(state.host, context)
        address = view.scope.get("ansible_host", state.name)
        known = {"ansible_host": address, "ansible_port": None, "ansible_user": None}
        missing = {name: value for name, value in known.items() if name not in view.scope}
        told: dict[str, Any] = {"ansible_delegated_vars": {state.name: HostVarsVars(view.with_local(missing))}}
        if isinstance(templar.scope.raw("ansible_host"), Resolved):
            told.update(ansible_host=address, ansible_ssh_host=address)
        if isinstance(templar.scope.raw("ansible_connection"), Resolved):  # no variable says it
            told["ansible_connection"] = view.scope.get("ansible_connection", "ssh")
        return told

    def session(self, state: HostState, context: PlayContext, task: Task, templar: Templar, *, delegated: bool) -> Session:
        """The session of the host a task works on; `templar` sees the variables of the host the task belongs to."""
        keywords = tuple(self._keyword(templar, task, name) for name in ("connection", "remote_user", "port"))
        own = tuple((name, str(templar.scope[name])) for name in relevant({**task.attributes.vars, **task.params}))
        key = (state.name, context.play.location, keywords, state.store.connection_version, delegated, own)
        found = self._sessions.get(key)
        if found is None:
            try:
                found = self._pool.session(self._target(state, context, templar, keywords, delegated))
            except ValueError as e:
                raise TaskError(f"Task failed: {e}") from e
            with self._lock:
                self._sessions[key] = found
        return found

    def forget(self, state: HostState) -> None:
        """Close the host's sessions; the next task connects anew."""
        with self._lock:
            gone = [key for key in self._sessions if key[0] == state.name]
            sessions = [self._sessions.pop(key) for key in gone]
        for session in sessions:
            session.close()

    def _keyword(self, templar: Templar, task: Task, name: str) -> Any:
        value = task.attributes.get(name)
        return templar.render(value) if isinstance(value, str) else value

    def _target(self, state: HostState, context: PlayContext, templar: Templar, keywords: tuple[Any, ...], delegated: bool) -> Target:
        source = self._variables.templar(state, context, None) if delegated else templar
        found: dict[str, Any] = {}
        for name in source.scope:
            if name.startswith(_RELEVANT):
                value = source.scope[name]
                if value is not None and value is not OMIT:
                    found[name] = value
        options = self._options
        connection, user, port = keywords
        fallbacks = {
            "ansible_connection": connection if not delegated or connection == "local" else None,
            "ansible_user": (user if not delegated else None) or options.remote_user,
            "ansible_port": port if not delegated else None,
            "ansible_ssh_private_key_file": str(options.private_key_file) if options.private_key_file else None,
            "ansible_ssh_extra_args": options.ssh_common_args,
            "ansible_password": options.connection_password,
        }
        for setting, name in _OF_SETTINGS.items():
            if setting in options.settings:
                fallbacks.setdefault(name, None)
                fallbacks[name] = options.settings[setting] if fallbacks[name] is None else fallbacks[name]
        if options.connection:
            found.setdefault("ansible_connection", connection or options.connection)
        for name, value in fallbacks.items():
            if value is not None and name not in found:
                found[name] = value
        if found.get("ansible_connection") == "local":
            found.setdefault("ansible_python_interpreter", sys.executable)
        found["inventory_hostname"] = state.name
        for name in ("inventory_dir", "playbook_dir"):
            if name in source.scope:
                found[name] = source.scope[name]
        return Target(state.name, found)

    def become(self, state: HostState, context: PlayContext, task: Task, templar: Templar, *, delegated: bool) -> BecomeRequest | None:
        """None when the task runs as the connection's user."""
        source = self._variables.templar(state, context, None) if delegated else templar
        wanted = self._become_value(source, templar, ["ansible_become"], task, "become", self._options.become)
        if wanted is None or wanted is OMIT or not as_flag("become", wanted):
            return None
        method = (
            self._become_value(source, templar, ["ansible_become_method"], task, "become_method", self._options.become_method) or "sudo"
        )
        method = str(method).split(".")[-1]
        if method not in ("sudo", "su"):
            raise TaskError(f"become_method {method!r} is not supported; sudo and su are")

        def value(part: str, default: Any) -> Any:
            return self._become_value(
                source, templar, [f"ansible_become_{part}", f"ansible_{method}_{part}"], task, f"become_{part}", default
            )

        settings = self._options.settings
        user = value("user", self._options.become_user) or "root"
        exe, flags = value("exe", settings.get("DEFAULT_BECOME_EXE")), value("flags", settings.get("DEFAULT_BECOME_FLAGS"))
        password: Any = self._options.become_password
        for name in ("ansible_become_password", "ansible_become_pass", f"ansible_{method}_pass", f"ansible_{method}_password"):
            if name in source.scope:
                password = source.scope[name]
                break
        return BecomeRequest(
            str(user), method, None if password is None else str(password), str(exe or ""), None if flags is None else str(flags)
        )

    def _become_value(self, source: Templar, templar: Templar, names: Sequence[str], task: Task, keyword: str, default: Any) -> Any:
        for name in names:
            if name in source.scope:
                return source.scope[name]
        value = task.attributes.get(keyword)
        if value is not None:
            return keyword_value(keyword, value, templar)
        return default


def keyword_value(name: str, value: Any, templar: Templar) -> Any:
    """A task's keyword rendered; an error names it. Raises TemplateError."""
    if not isinstance(value, str):
        return value
    try:
        return templar.render(value)
    except TemplateError as e:
        e.message = f"Error processing keyword '{name}': {e.message}"
        raise


def connection_become(request: BecomeRequest | None) -> Any:
    """The transport's own form of a request."""
    if request is None:
        return None
    from provisioner.transport.settings import Become, Secret

    secret = Secret(request.password) if request.password is not None else None
    return Become(request.user, request.method, secret, request.exe, request.flags)


def relevant(variables: Mapping[str, Any]) -> list[str]:
    """Names of variables that say how a host is reached."""
    return [name for name in variables if name.startswith(_RELEVANT)]
