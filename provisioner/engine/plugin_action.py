"""Runs people's own action plugins: what their ActionBase asks of a task, a connection and a host, in terms of an ActionCall.

The plugin's code runs in the thread of its host, each module or command that it wants is one message. Whatever it asks for that does not
exist here fails the task with the plugin's name and what it wanted.
"""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import GeneratorType, SimpleNamespace
from typing import Any

from provisioner.engine import actions
from provisioner.engine.actions.action_call import ActionCall, sha1, sha256
from provisioner.engine.errors import EngineError, TaskError
from provisioner.engine.exchange import Exchange, send
from provisioner.engine.sessions import ModuleCall
from provisioner.engine.targets import connection_become
from provisioner.engine.unreachable import connection_errors
from provisioner.templating import TemplateError
from provisioner.templating.plugin_tools import Loader, PluginScope, PluginTemplar
from provisioner.templating.values import final

# Modules that do the rest of an action of the same name: what they are given lies on the host already.
_OF_FILES = frozenset({"copy", "unarchive", "assemble"})
InBackground = Callable[[ActionCall, ModuleCall], dict[str, Any]]


def run_plugin(plugin: Any, call: ActionCall, background: InBackground) -> dict[str, Any]:
    """The result of an ActionBase subclass. `background` runs a module as the task's async says. Raises what connections raise, TaskError."""
    from ansible.errors import AnsibleAction, AnsibleActionSkip, AnsibleConnectionFailure
    from ansible.plugins import loader as loaders

    host = PluginHost(call, background)
    connection = _connection(call, host)
    loader = Loader(str(call.templar.scope.get("playbook_dir") or call.run.directory), call.templar)
    templar = PluginTemplar(call.templar, loader)
    made = plugin(_task(call), connection, _play_context(call), loader, templar, loaders)
    try:
        result = dict(made.run(task_vars=PluginScope(call.templar.scope)) or {})
    except AnsibleConnectionFailure as e:
        if isinstance(e.__cause__, connection_errors()):
            raise e.__cause__ from None
        raise TaskError(f"Task failed: {e}") from e
    except AnsibleActionSkip as e:
        return {**e.result, "skipped": True, "msg": str(e)}
    except AnsibleAction as e:
        failed = type(e).__name__ != "_AnsibleActionDone"
        result = {**e.result, **({"failed": True, "msg": str(e)} if failed else {})}
    except Exception as e:
        if isinstance(e, (EngineError, TemplateError, *connection_errors())):
            raise
        raise TaskError(f"Task failed: {str(e) or type(e).__name__}") from e
    finally:
        loader.cleanup_all_tmp_files()
        if connection._shell.tmpdir and not host.lost:
            host.remove(connection._shell.tmpdir)
    return result


class PluginHost:
    """The host's side of an action: modules, commands and files."""

    def __init__(self, call: ActionCall, background: InBackground) -> None:
        self._call = call
        self._background = background
        self.lost = False
        """Whether the connection has failed."""

    def _sent(self, request: ModuleCall) -> dict[str, Any]:
        from ansible.errors import AnsibleConnectionFailure

        try:
            return send([Exchange(self._call.session, self._call.become, request)])[0]
        except connection_errors() as e:
            self.lost = True
            raise AnsibleConnectionFailure(str(e)) from e

    def module(self, name: str, args: dict[str, Any], task: Any, background: bool = False) -> dict[str, Any]:
        """One module, ours or anybody's; what it needs from the controller is on the host already."""
        from provisioner.engine.executor import normalize

        call = replace(self._call, check=bool(task.check_mode), diff=bool(task.diff), invocation=True)
        with call.run.lock:
            known = call.run.content.module_for(name, call.task)
        if known == "command" and args.pop("_uses_shell", False):
            known = "shell"
        if known in _OF_FILES and args.get("src") is not None:
            args["remote_src"] = True
        if known is None or not (known in actions.module_names() or known in call.run.content.own_modules):
            raise TaskError(f"the action plugin of '{call.task.action}' wants the module '{name}', which does not exist here")
        request = call.request(known, {key: value for key, value in args.items() if not key.startswith("_ansible")})
        return final(normalize(self._background(call, request) if background else self._sent(request)))

    def action(self, name: str, task: Any) -> Any:
        """Another action, with what a copy of the task says."""
        with self._call.run.lock:
            known = self._call.run.content.module_for(name, self._call.task)
        return SimpleNamespace(run=lambda tmp=None, task_vars=None: self._other(known, task)) if known else None

    def _other(self, name: str, task: Any) -> dict[str, Any]:
        from provisioner.engine.executor import normalize

        args = dict(task.args)
        own = replace(self._call.task, action=name, args=args, async_s=0)
        call = replace(self._call, task=own, args=args, check=bool(task.check_mode), diff=bool(task.diff), invocation=True)
        plan = actions.planner(name)
        if plan is None:
            return self.module(name, args, task)
        try:
            made = plan(call)
            if not isinstance(made, GeneratorType):
                return final(normalize(made, streams=()))
            request = next(made)
            while True:
                request = made.send(self._sent(request))
        except StopIteration as e:
            return final(normalize(e.value))
        except TaskError as e:
            return final(normalize(dict(e.result)))

    def command(self, command: str, stdin: Any = None, become: bool = True) -> tuple[int, str, str]:
        """(exit code, output, error output) of a command of the host's shell."""
        from ansible.errors import AnsibleConnectionFailure

        user = connection_become(self._call.become) if become else None
        data = stdin.encode() if isinstance(stdin, str) else stdin
        try:
            done = self._call.session.raw(command, user, timeout_s=self._call.timeout_s, stdin=data)
        except connection_errors() as e:
            self.lost = True
            raise AnsibleConnectionFailure(str(e)) from e
        return done.rc, final(done.stdout), final(done.stderr)

    def put(self, data: bytes, path: str) -> None:
        args = {"dest": path, "mode": "0600", "_blob": sha256(data), "_checksum": sha1(data), "_original_basename": Path(path).name}
        done = self._sent(self._call.module("copy", args, {sha256(data): data}, check=False))
        if done.get("failed"):
            raise TaskError(f"failed to transfer file to {path}: {done.get('msg')}")

    def get(self, path: str) -> bytes:
        return self._call.session.fetch(path, connection_become(self._call.become))

    def temporary(self) -> str:
        """A new folder of the task's user."""
        made = self._sent(self._call.module("tempfile", {"state": "directory", "prefix": "ansible-tmp-"}, check=False))
        if made.get("failed"):
            raise TaskError(f"Failed to create temporary directory: {made.get('msg')}")
        return str(made["path"])

    def remove(self, path: str) -> None:
        self._sent(self._call.module("file", {"path": path, "state": "absent"}, check=False))

    def find(self, name: str, kind: str) -> str:
        """A file of the controller. Raises AnsibleFileNotFound."""
        from ansible.errors import AnsibleFileNotFound

        try:
            return str(self._call.find(name, kind))
        except TaskError as e:
            raise AnsibleFileNotFound(str(e)) from e


class _Named(SimpleNamespace):
    """An object of Ansible's, as far as public plugins look at it; anything else fails with its name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        from ansible.plugins.action import NotHere

        raise NotHere(f"the action plugin of '{self._plugin}' wants {self._what}.{name}, which does not exist here")


class _Task(_Named):
    def copy(self, *_: Any, **__: Any) -> _Task:
        made = copy.copy(self)
        made.args = dict(self.args)
        return made

    def get_name(self, *_: Any, **__: Any) -> str:
        return str(self.name or self.action)

    def get_search_path(self) -> list[str]:
        return list(self._search)


def _task(call: ActionCall) -> _Task:
    task = call.task
    role = task.role
    attributes = {name: task.attributes.get(name) for name in ("delegate_facts", "ignore_errors", "notify", "run_once", "throttle")}
    return _Task(
        _plugin=task.action,
        _what="the task",
        _search=[str(path) for path in call.run.variables.search(task)],
        _role=None
        if role is None
        else SimpleNamespace(_role_path=str(role.path), _role_name=role.own_name, get_name=lambda *_, **__: role.name),
        **attributes,
        action=task.action,
        resolved_action=task.action if "." in task.action else f"ansible.builtin.{task.action}",
        args=dict(call.args),
        async_val=int(call.templar.render(task.async_s) or 0),
        poll=15 if task.poll is None else int(call.templar.render(task.poll)),
        check_mode=call.check,
        diff=call.diff,
        collections=list(task.attributes.collections),
        delegate_to=call.target.name if call.delegated else None,
        environment=[dict(call.environment)],
        name=task.name,
        no_log=bool(task.attributes.get("no_log")),
        become=call.become is not None,
        become_user=call.become.user if call.become else None,
        loop=None,
        retries=None,
        tags=sorted(task.attributes.tags),
        vars=dict(task.attributes.vars),
        when=list(task.attributes.when),
    )


class _Shell(_Named):
    """How the host's shell is written."""

    @staticmethod
    def join_path(*parts: str) -> str:
        return "/".join([*(part.rstrip("/") for part in parts[:-1]), *parts[-1:]])

    @staticmethod
    def quote(text: str) -> str:
        return shlex.quote(text)

    @staticmethod
    def path_has_trailing_slash(path: str) -> bool:
        return path.endswith("/")

    @staticmethod
    def get_remote_filename(pathname: str) -> str:
        return pathname.strip().rsplit("/", 1)[-1]

    def get_option(self, name: str, *_: Any, **__: Any) -> Any:
        return {"remote_tmp": "~/.ansible/tmp", "admin_users": ["root", "toor"], "environment": [], "world_readable_temp": False}.get(name)


class _Connection(_Named):
    def exec_command(self, cmd: str, in_data: Any = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        code, out, err = self.host.command(cmd, in_data, bool(sudoable))
        return code, out.encode(), err.encode()

    def put_file(self, in_path: Any, out_path: Any) -> None:
        self.host.put(Path(_text(in_path)).read_bytes(), _text(out_path))

    def fetch_file(self, in_path: Any, out_path: Any) -> None:
        Path(_text(out_path)).write_bytes(self.host.get(_text(in_path)))

    def get_option(self, name: str, *_: Any, **__: Any) -> Any:
        return self._options.get(name)

    def set_option(self, name: str, value: Any) -> None:
        self._options[name] = value

    def get_options(self, *_: Any, **__: Any) -> dict[str, Any]:
        return dict(self._options)

    def _nothing(self, *_: Any, **__: Any) -> None:
        """Connections open by themselves, and stay."""

    _connect = close = set_options = _nothing


def _text(path: Any) -> str:
    return path.decode(errors="surrogateescape") if isinstance(path, bytes) else str(path)


def _connection(call: ActionCall, host: PluginHost) -> _Connection:
    names = _reached(call)
    transport = names.pop("connection")

    def reset() -> None:
        call.run.targets.forget(call.target)

    return _Connection(
        _plugin=call.task.action,
        _what="the connection",
        _options={**names, "host": names["remote_addr"], "persistent_command_timeout": 30},
        _shell=_Shell(
            _plugin=call.task.action,
            _what="the connection's shell",
            tmpdir=None,
            SHELL_FAMILY="sh",
            _IS_WINDOWS=False,
            executable="/bin/sh",
        ),
        _play_context=_play_context(call),
        _load_name=transport,
        _remote_is_local=transport == "local",
        become=None,
        connected=True,
        has_native_async=False,
        has_pipelining=True,
        always_pipeline_modules=False,
        host=host,
        reset=reset,
        socket_path=None,
        transport=transport,
    )


def _reached(call: ActionCall) -> dict[str, Any]:
    """How the host is reached, by the names that Ansible's connections have for it."""
    scope: Mapping[str, Any] = call.templar.scope
    target = call.run.variables.of_host(call.target.host, call.context).scope if call.delegated else scope
    keyword = call.task.attributes.get("connection")
    connection = target.get("ansible_connection") or keyword or call.run.options.connection or "ssh"
    return {
        "connection": str(connection).split(".")[-1],
        "remote_addr": target.get("ansible_host", call.target.name),
        "remote_user": target.get("ansible_user") or call.task.attributes.get("remote_user") or call.run.options.remote_user,
        "port": target.get("ansible_port"),
        "password": target.get("ansible_password"),
        "private_key_file": target.get("ansible_ssh_private_key_file"),
    }


def _play_context(call: ActionCall) -> _Named:
    return _Named(
        _plugin=call.task.action,
        _what="the play's context",
        **_reached(call),
        become=call.become is not None,
        become_user=call.become.user if call.become else None,
        become_method=call.become.method if call.become else "sudo",
        become_pass=call.become.password if call.become else None,
        check_mode=call.check,
        diff=call.diff,
        executable="/bin/sh",
        network_os=call.templar.scope.get("ansible_network_os"),
        no_log=bool(call.task.attributes.get("no_log")),
        shell=None,
        timeout=int(call.timeout_s or 10),
        verbosity=call.run.options.verbosity,
    )
