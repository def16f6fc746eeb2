"""AnsibleModule for people's own modules: arguments in, one JSON object out, and the tools that such modules use on the way.

It stands in for the class of that name; what it lacks fails by name rather than silently.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple, Union

from ansible.module_utils.common import warnings as said
from ansible.module_utils.common.file import FILE_ATTRIBUTES, is_executable
from ansible.module_utils.common.locale import get_best_parsable_locale
from ansible.module_utils.common.parameters import (
    HIDDEN,
    AnsibleFallbackNotFound,
    check,
    env_fallback,
    no_log_values,
    remove_values,
    sanitize_keys,
)
from ansible.module_utils.common.process import get_bin_path
from ansible.module_utils.common.sys_info import (
    get_all_subclasses,
    get_distribution,
    get_distribution_version,
    get_platform_subclass,
)
from ansible.module_utils.common.text.converters import container_to_bytes as json_dict_unicode_to_bytes
from ansible.module_utils.common.text.converters import container_to_text as json_dict_bytes_to_unicode
from ansible.module_utils.common.text.converters import jsonify, to_bytes, to_native, to_text
from ansible.module_utils.common.text.formatters import SIZE_RANGES, bytes_to_human, human_to_bytes, lenient_lowercase
from ansible.module_utils.common.validation import safe_eval
from ansible.module_utils.parsing.convert_bool import BOOLEANS, BOOLEANS_FALSE, BOOLEANS_TRUE, boolean
from ansible.module_utils.six import PY2, PY3, binary_type, integer_types, iteritems, string_types, text_type
from provisioner.agent import attributes, contents, file_flags
from provisioner.agent.arguments import ArgumentError
from provisioner.agent.context import Context, ModuleFailed

SEQUENCETYPE = (list, tuple)

__all__ = [
    "BOOLEANS", "BOOLEANS_FALSE", "BOOLEANS_TRUE", "FILE_ATTRIBUTES", "FILE_COMMON_ARGUMENTS", "PY2", "PY3", "SEQUENCETYPE", "SIZE_RANGES",
    "AnsibleFallbackNotFound", "AnsibleModule", "HIDDEN", "_load_params", "binary_type", "boolean", "bytes_to_human", "env_fallback", "get_all_subclasses",
    "get_best_parsable_locale", "get_bin_path", "get_distribution", "get_distribution_version", "get_platform", "get_platform_subclass",
    "heuristic_log_sanitize", "human_to_bytes", "integer_types", "is_executable", "iteritems", "json", "json_dict_bytes_to_unicode",
    "json_dict_unicode_to_bytes", "jsonify", "lenient_lowercase", "load_platform_subclass", "missing_required_lib", "os", "re", "remove_values",
    "request_text", "sanitize_keys", "shlex", "string_types", "subprocess", "sys", "text_type", "time", "to_bytes", "to_native", "to_text", "traceback",
]  # fmt: skip

FILE_COMMON_ARGUMENTS = attributes.FILE_ARGUMENTS
PASSWORD_MATCH = re.compile(r"^(?!no_log)(?:.+[-_\s])?pass(?:[-_\s]?(?:word|phrase|wrd|wd)?)(?:[-_\s].+)?$", re.I)
_request: List[str] = []


def request_text() -> str:
    """What this module was asked, as it came on standard input."""
    if not _request:
        _request.append(sys.stdin.read() or "{}")
    return _request[0]


def _load_params() -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(request_text()).get("args") or {}
    return found


def missing_required_lib(library: str, reason: Optional[str] = None, url: Optional[str] = None) -> str:
    text = "Failed to import the required Python library (%s) on %s's Python %s." % (library, os.uname()[1], sys.executable)
    if reason:
        text += " This is required %s." % reason
    if url:
        text += " See %s for more info." % url
    return text + (
        " Please read the module documentation and install it in the appropriate location."
        " If the required library is installed, but Ansible is using the wrong Python interpreter,"
        " please consult the documentation on ansible_python_interpreter"
    )


def get_platform() -> str:
    import platform

    return platform.system()


def load_platform_subclass(cls: Any, *args: Any, **options: Any) -> Any:
    return super(cls, get_platform_subclass(cls)).__new__(get_platform_subclass(cls))


def heuristic_log_sanitize(data: str, hidden: Optional[Set[str]] = None) -> str:
    """A text without passwords in addresses."""
    return str(remove_values(re.sub(r"(://[^:/@\s]*:)[^@\s]*@", r"\1********@", to_text(data)), hidden or ()))


class _Files:
    """What modules do with files; mixed into AnsibleModule."""

    _context: Context

    def fail_json(self, msg: Any, **result: Any) -> None:
        raise NotImplementedError("AnsibleModule ends")

    def digest_from_file(self, filename: str, algorithm: str) -> Optional[str]:
        if not os.path.exists(filename):
            return None
        if os.path.isdir(filename):
            self.fail_json(msg="attempted to take checksum of directory: %s" % filename)
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

    def atomic_move(self, src: Any, dest: Any, unsafe_writes: bool = False, keep_dest_attrs: bool = True) -> None:
        source = os.fsdecode(src)
        try:
            contents.move_into_place(source, os.fsdecode(dest))
            if os.path.exists(source):
                os.unlink(source)
        except OSError as error:
            self.fail_json(msg="Could not replace file: %s to %s: %s" % (source, os.fsdecode(dest), error))

    def backup_local(self, fn: str) -> str:
        return contents.backup(fn) if os.path.exists(fn) else ""

    def cleanup(self, tmpfile: str) -> None:
        if os.path.exists(tmpfile):
            os.unlink(tmpfile)

    def preserved_copy(self, src: str, dest: str) -> None:
        shutil.copy2(src, dest)
        found = os.stat(src)
        os.chown(dest, found.st_uid, found.st_gid)

    def append_to_file(self, filename: str, text: str) -> None:
        with open(os.path.expanduser(os.path.expandvars(filename)), "a") as file:
            file.write(text)

    def is_executable(self, path: str) -> int:
        return int(is_executable(path))

    def add_path_info(self, result: Dict[str, Any]) -> Dict[str, Any]:
        attributes.add_to(result)
        return result

    def load_file_common_arguments(self, params: Dict[str, Any], path: Optional[str] = None) -> Dict[str, Any]:
        found = path or params.get("path") or params.get("dest")
        if not found:
            return {}
        target = attributes.followed(os.path.expanduser(os.path.expandvars(found)), params)
        return dict({key: params.get(key) for key in FILE_COMMON_ARGUMENTS}, path=target)

    def set_fs_attributes_if_different(self, file_args: Dict[str, Any], changed: bool, diff: Any = None, expand: bool = True) -> bool:
        if not file_args.get("path"):
            return changed
        try:
            return attributes.apply(os.fsdecode(file_args["path"]), file_args, self._context, diff) or changed
        except ModuleFailed as error:
            self.fail_json(msg=error.msg, **error.more)
            return changed

    set_file_attributes_if_different = set_fs_attributes_if_different
    set_directory_attributes_if_different = set_fs_attributes_if_different

    def _one_attribute(self, path: Any, changed: bool, diff: Any, **wanted: Any) -> bool:
        return self.set_fs_attributes_if_different(dict(dict.fromkeys(FILE_COMMON_ARGUMENTS), path=path, **wanted), changed, diff)

    def set_mode_if_different(self, path: Any, mode: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        return self._one_attribute(path, changed, diff, mode=mode)

    def set_owner_if_different(self, path: Any, owner: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        return self._one_attribute(path, changed, diff, owner=owner)

    def set_group_if_different(self, path: Any, group: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        return self._one_attribute(path, changed, diff, group=group)

    set_attributes_if_different = set_fs_attributes_if_different

    def get_file_attributes(self, path: Any, include_version: bool = True) -> Dict[str, Any]:
        found = file_flags.flags(os.fsdecode(path), os.lstat(path).st_mode)
        return found if include_version else {key: value for key, value in found.items() if key != "version"}

    def user_and_group(self, path: Any, expand: bool = True) -> Tuple[int, int]:
        found = os.lstat(os.path.expanduser(os.path.expandvars(path)) if expand else path)
        return found.st_uid, found.st_gid

    def find_mount_point(self, path: Any) -> str:
        found = os.path.realpath(os.path.expanduser(os.path.expandvars(os.fsdecode(path))))
        while not os.path.ismount(found):
            found = os.path.dirname(found)
        return found

    def check_file_absent_if_check_mode(self, file_path: Any) -> bool:
        return self._context.check and not os.path.exists(file_path)

    @classmethod
    def _symbolic_mode_to_octal(cls, path_stat: os.stat_result, symbolic_mode: str) -> int:
        try:
            return attributes.mode_of(symbolic_mode, stat.S_IMODE(path_stat.st_mode), stat.S_ISDIR(path_stat.st_mode))
        except ModuleFailed as error:
            raise ValueError(error.more.get("details", error.msg)) from None

    # SELinux is off wherever our hosts are

    def is_special_selinux_path(self, path: Any) -> Tuple[bool, Any]:
        return False, None

    def selinux_initial_context(self) -> List[Optional[str]]:
        return [None, None, None]

    def selinux_enabled(self) -> bool:
        return False

    selinux_mls_enabled = selinux_enabled

    def selinux_context(self, path: Any) -> List[Optional[str]]:
        return [None, None, None]

    selinux_default_context = selinux_context

    def set_context_if_different(self, path: Any, context: Any, changed: bool, diff: Any = None) -> bool:
        return changed

    def set_default_selinux_context(self, path: Any, changed: bool) -> bool:
        return changed


class AnsibleModule(_Files):
    """One run of one module; exit_json or fail_json ends it."""

    def __init__(
        self, argument_spec: Dict[str, Any], bypass_checks: bool = False, no_log: bool = False, mutually_exclusive: Any = None,
        required_together: Any = None, required_one_of: Any = None, add_file_common_args: bool = False, supports_check_mode: bool = False,
        required_if: Any = None, required_by: Any = None,
    ) -> None:  # fmt: skip
        request = json.loads(request_text())
        self._name = request.get("name", "module")
        self.check_mode = bool(request.get("check"))
        self._diff = bool(request.get("diff"))
        self._debug = False
        self._verbosity = 0
        self._socket_path: Optional[str] = None
        self._clean: Dict[str, Any] = {}
        self.supports_check_mode = supports_check_mode
        self.argument_spec = dict(argument_spec, **(FILE_COMMON_ARGUMENTS if add_file_common_args else {}))
        self.no_log = no_log
        self.no_log_values: Set[str] = set()
        self.ansible_version = "2.19.0"
        self.run_command_environ_update: Dict[str, str] = {}
        self._warnings: List[str] = []
        self._deprecations: List[Dict[str, Any]] = []
        self._tmpdir: Optional[str] = None
        self.cleanup_files: List[str] = []
        self._context = Context(check=self.check_mode, diff=self._diff)
        given = dict(request.get("args") or {})
        rules = {
            "mutually_exclusive": mutually_exclusive, "required_together": required_together, "required_one_of": required_one_of,
            "required_if": required_if, "required_by": required_by,
        }  # fmt: skip
        vars(self).update(rules)
        self.params = given
        self.no_log_values = no_log_values(self.argument_spec, given)
        try:
            self.params = check(self.argument_spec, given, self._name, rules, self._deprecations)
        except ArgumentError as error:
            self.fail_json(msg=str(error))
        self.no_log_values |= no_log_values(self.argument_spec, {key: value for key, value in self.params.items() if key not in given})
        if self.check_mode and not supports_check_mode:
            self.exit_json(skipped=True, msg="remote module (%s) does not support check mode" % self._name)

    # Ends

    def exit_json(self, **result: Any) -> None:
        result.setdefault("changed", False)
        self._end(result, 0)

    def fail_json(self, msg: Any, **result: Any) -> None:
        result.update(failed=True, msg=msg)
        result.setdefault("changed", False)
        self._end(result, 1)

    def fail_on_missing_params(self, required_params: Optional[Sequence[str]] = None) -> None:
        absent = [name for name in required_params or () if not self.params.get(name)]
        if absent:
            self.fail_json(msg="missing required arguments: " + ", ".join(absent))

    def _end(self, result: Dict[str, Any], code: int) -> None:
        warnings = [*(result.get("warnings") or []), *self._warnings, *said.get_warning_messages()]
        if warnings:
            result["warnings"] = warnings
        deprecations = [*(result.get("deprecations") or []), *self._deprecations, *said.get_deprecation_messages()]
        if deprecations:
            result["deprecations"] = deprecations
        result.setdefault("invocation", {"module_args": self.params})
        self.do_cleanup_files()
        if self._tmpdir:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
        sys.stdout.write("\n" + jsonify(remove_values(result, self.no_log_values)) + "\n")
        sys.stdout.flush()
        sys.exit(code)

    def add_cleanup_file(self, path: str) -> None:
        """It goes when the module ends."""
        if path not in self.cleanup_files:
            self.cleanup_files.append(path)

    def do_cleanup_files(self) -> None:
        for path in self.cleanup_files:
            self.cleanup(path)

    def warn(self, warning: Any) -> None:
        self._warnings.append(str(warning))

    def deprecate(self, msg: str, version: Any = None, date: Any = None, collection_name: Any = None, **_: Any) -> None:
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

    def boolean(self, value: Any) -> Any:
        """None for None, as a parameter that nobody gave."""
        if value is None:
            return None
        try:
            return boolean(value)
        except TypeError as e:
            self.fail_json(msg=str(e))

    def jsonify(self, data: Any) -> str:
        return str(jsonify(data))

    def from_json(self, data: Any) -> Any:
        return json.loads(data)

    def human_to_bytes(self, number: Any, isbits: bool = False) -> int:
        return int(human_to_bytes(number, isbits=isbits))

    def bytes_to_human(self, size: float) -> str:
        return str(bytes_to_human(size))

    def safe_eval(self, value: Any, locals: Any = None, include_exceptions: bool = False) -> Any:
        return safe_eval(value, locals, include_exceptions)

    def get_bin_path(self, arg: str, required: bool = False, opt_dirs: Optional[Sequence[str]] = None) -> Optional[str]:
        try:
            return str(get_bin_path(arg, opt_dirs))
        except ValueError as error:
            if required:
                self.fail_json(msg=str(error))
            return None

    def run_command(
        self, args: Union[str, Sequence[Any]], check_rc: bool = False, close_fds: bool = True, executable: Optional[str] = None,
        data: Any = None, binary_data: bool = False, path_prefix: Any = None, cwd: Any = None, use_unsafe_shell: bool = False,
        prompt_regex: Any = None, environ_update: Any = None, umask: Optional[int] = None, encoding: Optional[str] = "utf-8",
        errors: str = "surrogateescape", expand_user_and_vars: bool = True, pass_fds: Sequence[int] = (),
        before_communicate_callback: Any = None, ignore_invalid_cwd: bool = True, handle_exceptions: bool = True,
    ) -> Tuple[int, Any, Any]:  # fmt: skip
        """(exit code, output, errors)."""
        argv = self._argv(args, use_unsafe_shell, executable, expand_user_and_vars)
        environment = dict(os.environ, LANG="C.UTF-8", LC_ALL="C.UTF-8", LC_MESSAGES="C.UTF-8")
        for more in (self.run_command_environ_update, environ_update or {}):
            environment.update((key, str(value)) for key, value in more.items() if value is not None)
        if path_prefix:
            environment["PATH"] = "%s:%s" % (path_prefix, environment.get("PATH", ""))
        folder = os.path.abspath(os.path.expanduser(os.fsdecode(cwd))) if cwd else None
        if folder and not os.path.isdir(folder):
            if not ignore_invalid_cwd:
                self.fail_json(msg="Provided cwd is not a valid directory: %s" % folder)
            folder = None
        stdin = b"" if data is None else to_bytes(data)
        if data is not None and not binary_data:
            stdin += b"" if stdin.endswith(b"\n") else b"\n"
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment, pass_fds=pass_fds,
                preexec_fn=(lambda: None if umask is None else os.umask(umask) and None),
            )  # fmt: skip
            if before_communicate_callback:
                before_communicate_callback(process)
            out, err = self._communicate(process, stdin, prompt_regex)
        except OSError as error:
            if not handle_exceptions:
                raise
            self.fail_json(
                rc=error.errno, stdout="", stderr="", msg="Error executing command.", cmd=self._shown(argv), exception=str(error)
            )
        if process.returncode is None:  # it asks for what nobody answers
            return 257, out, "A prompt was encountered while running a command, but no input data was specified"
        texts = (out, err) if encoding is None else (out.decode(encoding, errors), err.decode(encoding, errors))
        if check_rc and process.returncode:
            message = heuristic_log_sanitize(to_text(texts[1]).rstrip(), self.no_log_values)
            self.fail_json(cmd=self._shown(argv), rc=process.returncode, stdout=texts[0], stderr=texts[1], msg=message)
        return (process.returncode, *texts)

    def _argv(self, args: Any, shell: bool, executable: Optional[str], expand: bool) -> List[str]:
        if not isinstance(args, (list, tuple, str, bytes)):
            self.fail_json(rc=257, cmd=str(args), msg="Argument 'args' to run_command must be list or string")
        if shell:
            line = to_text(args) if isinstance(args, (str, bytes)) else " ".join(shlex.quote(to_text(part)) for part in args)
            return [executable or "/bin/sh", "-c", line]
        parts = shlex.split(to_text(args)) if isinstance(args, (str, bytes)) else [to_text(part) for part in args if part is not None]
        return [os.path.expanduser(os.path.expandvars(part)) for part in parts] if expand else parts

    def _shown(self, argv: Sequence[str]) -> str:
        return heuristic_log_sanitize(" ".join(shlex.quote(part) for part in argv), self.no_log_values)

    @staticmethod
    def _communicate(process: "subprocess.Popen[bytes]", stdin: bytes, prompt_regex: Any) -> Tuple[bytes, bytes]:
        """What the command prints, to its end; with a pattern for a prompt, to that, the command's code being None then."""
        if not prompt_regex:
            return process.communicate(stdin)
        import selectors

        pattern = re.compile(to_bytes(prompt_regex), re.MULTILINE)
        assert process.stdin and process.stdout and process.stderr
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass
        found = {process.stdout: b"", process.stderr: b""}
        with selectors.DefaultSelector() as selector:
            for stream in found:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    stream = key.fileobj  # type: ignore[assignment]
                    chunk = os.read(key.fd, 65536)
                    found[stream] += chunk
                    if not chunk:
                        selector.unregister(stream)
                if not stdin and pattern.search(found[process.stdout]):
                    process.kill()
                    os.waitpid(process.pid, 0)
                    return found[process.stdout], found[process.stderr]
        process.wait()
        return found[process.stdout], found[process.stderr]
