"""AnsibleModule for people's own modules: arguments in, one JSON object out, and the tools that such modules use on the way.

It stands in for the class of that name; what it lacks fails by name rather than silently.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from ansible.module_utils.common.text.converters import jsonify, to_bytes, to_native, to_text
from ansible.module_utils.parsing.convert_bool import BOOLEANS, BOOLEANS_FALSE, BOOLEANS_TRUE, boolean
from provisioner.agent import attributes, contents
from provisioner.agent.arguments import ArgumentError, checked
from provisioner.agent.context import Context, ModuleFailed

__all__ = [
    "BOOLEANS", "BOOLEANS_FALSE", "BOOLEANS_TRUE", "AnsibleModule", "boolean", "env_fallback", "get_platform", "jsonify",
    "missing_required_lib", "to_bytes", "to_native", "to_text",
]  # fmt: skip

FILE_COMMON_ARGUMENTS = attributes.FILE_ARGUMENTS
_RULES = ("mutually_exclusive", "required_one_of", "required_together", "required_if")


def env_fallback(*names: str, **_: Any) -> Any:
    for name in names:
        if name in os.environ:
            return os.environ[name]
    raise KeyError(names)


def missing_required_lib(library: str, reason: Optional[str] = None, url: Optional[str] = None) -> str:
    text = "Failed to import the required Python library (%s) on %s's Python %s." % (library, os.uname()[1], sys.executable)
    return text + (" %s" % reason if reason else "") + (" See %s for more info." % url if url else "")


def get_platform() -> str:
    import platform

    return platform.system()


class AnsibleModule:
    """One run of one module; exit_json or fail_json ends it."""

    def __init__(
        self, argument_spec: Dict[str, Any], bypass_checks: bool = False, no_log: bool = False, add_file_common_args: bool = False,
        supports_check_mode: bool = False, required_by: Any = None, **rules: Any
    ) -> None:  # fmt: skip
        request = json.loads(sys.stdin.read() or "{}")
        self._name = request.get("name", "module")
        self.check_mode = bool(request.get("check"))
        self._diff = bool(request.get("diff"))
        self._debug = False
        self._verbosity = 0
        self.supports_check_mode = supports_check_mode
        self.argument_spec = dict(argument_spec, **(FILE_COMMON_ARGUMENTS if add_file_common_args else {}))
        self.no_log_values = set()  # type: ignore[var-annotated]
        self.ansible_version = "2.19.0"
        self._warnings: List[str] = []
        self._deprecations: List[Dict[str, Any]] = []
        self._tmpdir: Optional[str] = None
        self._context = Context(check=self.check_mode, diff=self._diff)
        given = dict(request.get("args") or {})
        if self.check_mode and not supports_check_mode:
            self.exit_json(skipped=True, msg="remote module (%s) does not support check mode" % self._name)
        try:
            self.params = _checked(self.argument_spec, given, self._name, {key: rules[key] for key in _RULES if rules.get(key)})
            for name, needed in (required_by or {}).items():
                absent = [n for n in ([needed] if isinstance(needed, str) else needed) if self.params.get(n) is None]
                if self.params.get(name) is not None and absent:
                    raise ArgumentError("missing parameter(s) required by '%s': %s" % (name, ", ".join(absent)))
        except ArgumentError as error:
            self.params = given
            self.fail_json(msg=str(error))

    # Ends

    def exit_json(self, **result: Any) -> None:
        result.setdefault("changed", False)
        self._end(result, 0)

    def fail_json(self, msg: Any, **result: Any) -> None:
        result.update(failed=True, msg=msg)
        result.setdefault("changed", False)
        self._end(result, 1)

    def _end(self, result: Dict[str, Any], code: int) -> None:
        if self._warnings:
            result["warnings"] = list(result.get("warnings") or []) + self._warnings
        if self._deprecations:
            result["deprecations"] = list(result.get("deprecations") or []) + self._deprecations
        if self._tmpdir:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
        sys.stdout.write("\n" + jsonify(result) + "\n")
        sys.stdout.flush()
        sys.exit(code)

    def warn(self, warning: Any) -> None:
        self._warnings.append(str(warning))

    def deprecate(self, msg: str, version: Any = None, date: Any = None, collection_name: Any = None) -> None:
        self._deprecations.append({"msg": msg, "version": version, "date": date})

    def log(self, msg: Any, log_args: Any = None) -> None:
        """Own modules' logs are not kept."""

    debug = log

    # Tools

    @property
    def tmpdir(self) -> str:
        if self._tmpdir is None:
            self._tmpdir = tempfile.mkdtemp(prefix="ansible-moduletmp-")
        return self._tmpdir

    def boolean(self, value: Any) -> bool:
        return bool(boolean(value))

    def jsonify(self, data: Any) -> str:
        return str(jsonify(data))

    def from_json(self, data: Any) -> Any:
        return json.loads(data)

    def get_bin_path(self, arg: str, required: bool = False, opt_dirs: Optional[Sequence[str]] = None) -> Optional[str]:
        for folder in [*(opt_dirs or []), *os.environ.get("PATH", "").split(":"), "/sbin", "/usr/sbin", "/usr/local/sbin"]:
            path = os.path.join(folder, arg)
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
        if required:
            self.fail_json(msg='Failed to find required executable "%s" in paths: %s' % (arg, os.environ.get("PATH")))
        return None

    def run_command(
        self, args: Union[str, Sequence[str]], check_rc: bool = False, data: Any = None, binary_data: bool = False, path_prefix: Any = None,
        cwd: Optional[str] = None, use_unsafe_shell: bool = False, environ_update: Any = None, encoding: Optional[str] = "utf-8",
        errors: str = "surrogateescape", executable: Optional[str] = None, **_: Any
    ) -> Tuple[int, Any, Any]:  # fmt: skip
        """(exit code, output, errors)."""
        import shlex

        if use_unsafe_shell:
            line = args if isinstance(args, str) else " ".join(shlex.quote(part) for part in args)
            argv = [executable or "/bin/sh", "-c", line]
        else:
            argv = shlex.split(args) if isinstance(args, str) else [str(part) for part in args]
        environment = dict(os.environ, LANG="C.UTF-8", LC_ALL="C.UTF-8", **{k: str(v) for k, v in (environ_update or {}).items()})
        if path_prefix:
            environment["PATH"] = "%s:%s" % (path_prefix, environment.get("PATH", ""))
        stdin = None if data is None else (data if binary_data else to_bytes(data) + (b"" if to_bytes(data).endswith(b"\n") else b"\n"))
        try:
            done = subprocess.run(
                argv, input=stdin if stdin is not None else b"", stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=environment
            )  # noqa: S603
        except OSError as error:
            self.fail_json(rc=error.errno, stdout="", stderr="", msg="Error executing command: %s" % error, cmd=argv)
        out, err = done.stdout, done.stderr
        texts = (out, err) if encoding is None else (out.decode(encoding, errors), err.decode(encoding, errors))
        if check_rc and done.returncode:
            self.fail_json(cmd=argv, rc=done.returncode, stdout=texts[0], stderr=texts[1], msg=texts[1].strip() or "command failed")
        return (done.returncode, *texts)

    # Files

    def digest_from_file(self, filename: str, algorithm: str) -> Optional[str]:
        if not os.path.exists(filename):
            return None
        found = hashlib.new(algorithm)
        with open(filename, "rb") as file:
            for chunk in iter(lambda: file.read(65536), b""):
                found.update(chunk)
        return found.hexdigest()

    def sha1(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "sha1")

    def sha256(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "sha256")

    def md5(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "md5")

    def atomic_move(self, src: str, dest: str, unsafe_writes: bool = False, keep_dest_attrs: bool = True) -> None:
        contents.move_into_place(src, dest)
        if os.path.exists(src):
            os.unlink(src)

    def backup_local(self, fn: str) -> str:
        return contents.backup(fn) if os.path.exists(fn) else ""

    def cleanup(self, tmpfile: str) -> None:
        if os.path.exists(tmpfile):
            os.unlink(tmpfile)

    def add_path_info(self, result: Dict[str, Any]) -> Dict[str, Any]:
        path = result.get("path", result.get("dest"))
        if path:
            result.update(attributes.describe(path))
        return result

    def load_file_common_arguments(self, params: Dict[str, Any], path: Optional[str] = None) -> Dict[str, Any]:
        found = path or params.get("path") or params.get("dest")
        return dict({key: params.get(key) for key in FILE_COMMON_ARGUMENTS}, path=found)

    def set_fs_attributes_if_different(self, file_args: Dict[str, Any], changed: bool, diff: Any = None, expand: bool = True) -> bool:
        try:
            return attributes.apply(file_args["path"], file_args, self._context, diff) or changed
        except ModuleFailed as error:
            self.fail_json(msg=error.msg, **error.more)
            return changed

    set_file_attributes_if_different = set_fs_attributes_if_different

    def set_mode_if_different(self, path: str, mode: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        wanted = {"path": path, "mode": mode, "owner": None, "group": None}
        return self.set_fs_attributes_if_different(wanted, changed, diff)


def _checked(spec: Dict[str, Any], given: Dict[str, Any], name: str, rules: Dict[str, Any]) -> Dict[str, Any]:
    """Arguments checked at every depth, with fallbacks for what is absent."""
    plain = {}  # type: Dict[str, Any]
    for key, option in spec.items():
        plain[key] = {
            field: option[field] for field in ("type", "required", "default", "choices", "aliases", "elements") if field in option
        }
        if plain[key].get("type") in ("jsonarg", "json", "bytes", "bits", "sid"):
            plain[key]["type"] = "raw"
        aliases = [key, *option.get("aliases", ())]
        fallback = option.get("fallback")
        if fallback and not any(given.get(alias) is not None for alias in aliases):
            try:
                given[key] = fallback[0](*fallback[1:])
            except KeyError:
                pass
    found = checked(dict(plain, _rules=rules), given, name)
    for key, option in spec.items():
        inner = option.get("options")
        if inner and found.get(key) is not None:
            inner_rules = {rule: option[rule] for rule in _RULES if option.get(rule)}
            if isinstance(found[key], list):
                found[key] = [_checked(inner, dict(item), name, inner_rules) for item in found[key]]
            else:
                found[key] = _checked(inner, dict(found[key]), name, inner_rules)
    return found
