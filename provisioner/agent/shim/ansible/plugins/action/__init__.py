"""ActionBase for people's own action plugins, which run on the controller.

What an action does on its host goes through the connection's `host` (the engine's PluginHost). What is not here fails with the name of the
plugin and of what it wanted.
"""

import json
import os
import shlex
from typing import Any, Dict, Iterable, List, Optional, Tuple

from ansible.errors import AnsibleActionFail, AnsibleActionSkip, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.errors import UnsupportedError
from ansible.utils.display import Display

# Larger files are not shown in differences (Ansible's MAX_FILE_SIZE_FOR_DIFF).
_MAX_DIFF_BYTES = 104448


class NotHere(AnsibleActionFail, AttributeError):  # type: ignore[misc]
    """An action plugin wants a part of Ansible that does not exist here; `hasattr` says so too."""


class ActionBase:
    """What own actions inherit; `run(tmp, task_vars)` is theirs and answers the task's result."""

    _VALID_ARGS: Any = frozenset()
    BYPASS_HOST_LOOP = False
    TRANSFERS_FILES = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def __init__(self, task: Any, connection: Any, play_context: Any, loader: Any, templar: Any, shared_loader_obj: Any = None) -> None:
        self._task, self._connection, self._play_context = task, connection, play_context
        self._loader, self._templar, self._shared_loader_obj = loader, templar, shared_loader_obj
        self._display = Display()
        self._cleanup_remote_tmp = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotHere("the action plugin of '%s' wants ActionBase.%s, which does not exist here" % (self.__dict__["_task"].action, name))

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """What every action begins with: is it asked for what it can do?"""
        task = self._task
        if task.async_val and not self._supports_async:
            raise AnsibleActionFail("This action (%s) does not support async." % task.action)
        if task.check_mode and not self._supports_check_mode:
            raise AnsibleActionSkip("This action (%s) does not support check mode." % task.action)
        unknown = set(task.args) - self._VALID_ARGS if self._VALID_ARGS else ()
        if unknown:
            raise AnsibleActionFail("Invalid options for %s: %s" % (task.action, ",".join(sorted(unknown))))
        if self.TRANSFERS_FILES and self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        return {}

    def cleanup(self, force: bool = False) -> None:
        self._remove_tmp_path(self._connection._shell.tmpdir, force=force)

    def validate_argument_spec(self, argument_spec: Any = None, **rules: Any) -> Tuple[ValidationResult, Dict[str, Any]]:
        """Checks the task's arguments; they come back with defaults and types. Raises AnsibleActionFail."""
        given = dict(self._task.args)
        result = ArgumentSpecValidator(argument_spec or {}, **rules).validate(given)
        for error in result.errors.errors[:1]:
            about = "Unsupported parameters for (%s) module: " % self._task.action if isinstance(error, UnsupportedError) else ""
            raise AnsibleActionFail(about + error.msg)
        return result, dict(given, **result.validated_parameters)

    # Modules and commands

    def _execute_module(
        self, module_name: Optional[str] = None, module_args: Any = None, tmp: Any = None, task_vars: Any = None,
        persist_files: bool = False, delete_remote_tmp: Any = None, wrap_async: bool = False, ignore_unknown_opts: bool = False,
    ) -> Dict[str, Any]:  # fmt: skip
        """Runs a module on the host with these arguments, else with the task's own."""
        args = self._task.args if module_args is None else module_args
        return dict(self._connection.host.module(module_name or self._task.action, dict(args), self._task, wrap_async))

    def _low_level_execute_command(
        self, cmd: str, sudoable: bool = True, in_data: Any = None, executable: Any = None, encoding_errors: Any = None, chdir: Any = None
    ) -> Dict[str, Any]:  # fmt: skip
        """A command of the host's shell, without Python."""
        if executable:
            cmd = "%s -c %s" % (executable, shlex.quote(cmd))
        if chdir:
            cmd = "cd %s && %s" % (shlex.quote(chdir), cmd)
        rc, out, err = self._connection.host.command(cmd, in_data, bool(sudoable))
        # What must not be taken for a template, must not line by line.
        lines, errors = ([type(text)(line) for line in text.splitlines()] for text in (out, err))
        return {"rc": rc, "stdout": out, "stdout_lines": lines, "stderr": err, "stderr_lines": errors}

    # Files of the host

    def _make_tmp_path(self, remote_user: Any = None) -> Any:
        self._connection._shell.tmpdir = self._connection.host.temporary()
        self._cleanup_remote_tmp = True
        return self._connection._shell.tmpdir

    def _remove_tmp_path(self, tmp_path: Optional[str], force: bool = False) -> None:
        """Only of what `_make_tmp_path` made."""
        if tmp_path and (force or self._cleanup_remote_tmp) and tmp_path == self._connection._shell.tmpdir:
            self._connection.host.remove(tmp_path)
            self._connection._shell.tmpdir = None

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        self._connection.put_file(local_path, remote_path)
        return remote_path

    def _transfer_data(self, remote_path: str, data: Any) -> str:
        if isinstance(data, (dict, list)):
            data = json.dumps(data)
        self._connection.host.put(data.encode("utf-8") if isinstance(data, str) else data, remote_path)
        return remote_path

    def _fixup_perms2(self, remote_paths: Iterable[str], remote_user: Any = None, execute: bool = True) -> List[str]:
        """What was sent belongs to the task's user already; what is to be run is made so."""
        paths = list(remote_paths)
        if execute and paths:
            self._remote_chmod(paths, "u+x", sudoable=True)
        return paths

    def _remote_chmod(self, paths: Iterable[str], mode: str, sudoable: bool = False) -> Dict[str, Any]:
        return self._low_level_execute_command("chmod %s %s" % (mode, " ".join(map(shlex.quote, paths))), sudoable=sudoable)

    def _remote_chown(self, paths: Iterable[str], user: str, sudoable: bool = False) -> Dict[str, Any]:
        return self._low_level_execute_command("chown %s %s" % (shlex.quote(user), " ".join(map(shlex.quote, paths))), sudoable=sudoable)

    def _remote_file_exists(self, path: str) -> bool:
        return bool(self._low_level_execute_command("test -e %s" % shlex.quote(path))["rc"] == 0)

    def _remote_expand_user(self, path: str, sudoable: bool = True, pathsep: Any = None) -> str:
        """`~` is the home of the task's user."""
        if not path.startswith("~"):
            return path
        home, _, rest = path.partition("/")
        found = self._low_level_execute_command("echo %s" % home, sudoable=sudoable)["stdout"].strip()
        return os.path.join(found or home, rest) if rest else found or home

    def _execute_remote_stat(self, path: str, all_vars: Any = None, follow: bool = False, tmp: Any = None, checksum: bool = True) -> Any:
        """The `stat` of a file of the host. Raises AnsibleError."""
        options = {"path": path, "follow": follow, "get_checksum": checksum, "get_mime": False, "get_attributes": False}
        result = self._execute_module("ansible.legacy.stat", dict(options, checksum_algorithm="sha1"), task_vars=all_vars)
        if result.get("failed"):
            raise AnsibleError("Failed to get information on remote file (%s): %s" % (path, result.get("msg", "")))
        found = dict(result["stat"])
        if not found.get("exists"):
            found.update(exists=False, checksum="1")
        elif found.get("isdir"):
            found.setdefault("checksum", "3")
        return found

    def _remote_checksum(self, path: str, all_vars: Any = None, follow: bool = False) -> Any:
        return self._execute_remote_stat(path, all_vars, follow)["checksum"]

    # Files of the controller

    def _find_needle(self, dirname: str, needle: str) -> Any:
        """A file of a role's or playbook's folder `dirname`. Raises AnsibleFileNotFound."""
        return self._connection.host.find(needle, dirname)

    def _get_diff_data(
        self, destination: str, source: Any, task_vars: Any = None, content: Any = None, source_file: bool = True
    ) -> Dict[str, Any]:
        """What would change in a file of the host; `source` is a file of the controller, or its content."""
        diff = {"before": ""}  # type: Dict[str, Any]
        there = self._execute_remote_stat(destination, task_vars, follow=True, checksum=False)
        if there.get("exists") and there.get("size", 0) > _MAX_DIFF_BYTES:
            diff["dst_larger"] = _MAX_DIFF_BYTES
        elif there.get("exists"):
            diff.update(before_header=destination, before=self._connection.host.get(destination).decode("utf-8", "replace"))
        if source_file:
            with open(source, "rb") as file:
                raw = file.read(_MAX_DIFF_BYTES + 1)
            if len(raw) > _MAX_DIFF_BYTES:
                diff["src_larger"] = _MAX_DIFF_BYTES
            else:
                diff.update(after_header=source, after=raw.decode("utf-8", "replace"))
        else:
            diff.update(after_header="dynamically generated", after=source)
        if self._task.no_log:
            diff.update(before="", after=" [[ Diff output has been hidden because 'no_log: true' was specified for this result ]]\n")
        return diff

    # What a task knows of itself

    def _ensure_invocation(self, result: Dict[str, Any]) -> Dict[str, Any]:
        if "invocation" not in result:
            result["invocation"] = "CENSORED: no_log is set" if self._task.no_log else {"module_args": dict(self._task.args)}
        return result

    def _get_remote_user(self) -> Any:
        return self._play_context.remote_user

    def _get_remote_addr(self, tvars: Any) -> Any:
        return self._play_context.remote_addr

    def _get_admin_users(self) -> List[str]:
        return ["root", "toor"]

    def _is_become_unprivileged(self) -> bool:
        return bool(self._play_context.become) and self._play_context.become_user not in self._get_admin_users()

    def get_plugin_option(self, plugin: Any, option: str, default: Any = None) -> Any:
        try:
            return plugin.get_option(option)
        except (AttributeError, KeyError):
            return default

    def get_become_option(self, option: str, default: Any = None) -> Any:
        return getattr(self._play_context, option, default) if option.startswith("become_") else default

    def get_connection_option(self, option: str, default: Any = None) -> Any:
        return self.get_plugin_option(self._connection, option, default)

    def get_shell_option(self, option: str, default: Any = None) -> Any:
        return self.get_plugin_option(self._connection._shell, option, default)


def builtin(name: str) -> Any:
    """The class of an action of Ansible's own, for plugins that build on it: `run` does what the action does here, with the task's arguments."""

    class ActionModule(ActionBase):
        _supports_async = True

        def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
            result = super().run(tmp, task_vars)
            result.update(self._connection.host.action("ansible.builtin." + name, self._task).run(task_vars=task_vars))
            return result

    return ActionModule
