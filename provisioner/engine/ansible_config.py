"""Settings that Ansible's users keep in ansible.cfg and in $ANSIBLE_* variables, as far as they mean something here.

The file is $ANSIBLE_CONFIG, else ansible.cfg in the working directory, else ~/.ansible.cfg, else /etc/ansible/ansible.cfg. A variable wins
over the file, the command line over both. Settings of other programs' parts (callbacks, colours, ControlPersist) are read over.
"""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TRUE = frozenset({"yes", "on", "1", "true", "t", "y"})
_FALSE = frozenset({"no", "off", "0", "false", "f", "n"})


@dataclass(frozen=True)
class Setting:
    """Where one setting stands, and what it is: text, number, flag, path, paths (colons), sources (commas), words (commas)."""

    section: str
    key: str
    variable: str
    kind: str = "text"
    choices: tuple[str, ...] = ()


SETTINGS: dict[str, Setting] = {
    "DEFAULT_FORKS": Setting("defaults", "forks", "ANSIBLE_FORKS", "number"),
    "DEFAULT_HOST_LIST": Setting("defaults", "inventory", "ANSIBLE_INVENTORY", "sources"),
    "DEFAULT_REMOTE_USER": Setting("defaults", "remote_user", "ANSIBLE_REMOTE_USER"),
    "DEFAULT_REMOTE_PORT": Setting("defaults", "remote_port", "ANSIBLE_REMOTE_PORT", "number"),
    "DEFAULT_PRIVATE_KEY_FILE": Setting("defaults", "private_key_file", "ANSIBLE_PRIVATE_KEY_FILE", "path"),
    "DEFAULT_TIMEOUT": Setting("defaults", "timeout", "ANSIBLE_TIMEOUT", "number"),
    "DEFAULT_TRANSPORT": Setting("defaults", "transport", "ANSIBLE_TRANSPORT"),
    "HOST_KEY_CHECKING": Setting("defaults", "host_key_checking", "ANSIBLE_HOST_KEY_CHECKING", "flag"),
    "INTERPRETER_PYTHON": Setting("defaults", "interpreter_python", "ANSIBLE_PYTHON_INTERPRETER"),
    "DEFAULT_ROLES_PATH": Setting("defaults", "roles_path", "ANSIBLE_ROLES_PATH", "paths"),
    "COLLECTIONS_PATHS": Setting("defaults", "collections_path", "ANSIBLE_COLLECTIONS_PATH", "paths"),
    "DEFAULT_MODULE_PATH": Setting("defaults", "library", "ANSIBLE_LIBRARY", "paths"),
    "DEFAULT_ACTION_PLUGIN_PATH": Setting("defaults", "action_plugins", "ANSIBLE_ACTION_PLUGINS", "paths"),
    "DEFAULT_FILTER_PLUGIN_PATH": Setting("defaults", "filter_plugins", "ANSIBLE_FILTER_PLUGINS", "paths"),
    "DEFAULT_TEST_PLUGIN_PATH": Setting("defaults", "test_plugins", "ANSIBLE_TEST_PLUGINS", "paths"),
    "DEFAULT_LOOKUP_PLUGIN_PATH": Setting("defaults", "lookup_plugins", "ANSIBLE_LOOKUP_PLUGINS", "paths"),
    "DEFAULT_CALLBACK_PLUGIN_PATH": Setting("defaults", "callback_plugins", "ANSIBLE_CALLBACK_PLUGINS", "paths"),
    "DEFAULT_VARS_PLUGIN_PATH": Setting("defaults", "vars_plugins", "ANSIBLE_VARS_PLUGINS", "paths"),
    "VARIABLE_PLUGINS_ENABLED": Setting("defaults", "vars_plugins_enabled", "ANSIBLE_VARS_ENABLED", "words"),
    "RUN_VARS_PLUGINS": Setting("defaults", "run_vars_plugins", "ANSIBLE_RUN_VARS_PLUGINS", choices=("demand", "start")),
    "DEFAULT_CONNECTION_PLUGIN_PATH": Setting("defaults", "connection_plugins", "ANSIBLE_CONNECTION_PLUGINS", "paths"),
    "DEFAULT_STRATEGY_PLUGIN_PATH": Setting("defaults", "strategy_plugins", "ANSIBLE_STRATEGY_PLUGINS", "paths"),
    "DEFAULT_INVENTORY_PLUGIN_PATH": Setting("defaults", "inventory_plugins", "ANSIBLE_INVENTORY_PLUGINS", "paths"),
    "INVENTORY_ENABLED": Setting("inventory", "enable_plugins", "ANSIBLE_INVENTORY_ENABLED", "words"),
    "INVENTORY_UNPARSED_IS_FAILED": Setting("inventory", "unparsed_is_failed", "ANSIBLE_INVENTORY_UNPARSED_FAILED", "flag"),
    "INVENTORY_UNPARSED_WARNING": Setting("inventory", "inventory_unparsed_warning", "ANSIBLE_INVENTORY_UNPARSED_WARNING", "flag"),
    "INVENTORY_ANY_UNPARSED_IS_FAILED": Setting("inventory", "any_unparsed_is_failed", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "flag"),
    "INVENTORY_IGNORE_EXTS": Setting("inventory", "ignore_extensions", "ANSIBLE_INVENTORY_IGNORE", "words"),
    "INVENTORY_IGNORE_PATTERNS": Setting("inventory", "ignore_patterns", "ANSIBLE_INVENTORY_IGNORE_REGEX", "words"),
    "TRANSFORM_INVALID_GROUP_CHARS": Setting(
        "defaults", "force_valid_group_names", "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS", choices=("always", "never", "ignore", "silently")
    ),
    "HOST_PATTERN_MISMATCH": Setting(
        "inventory", "host_pattern_mismatch", "ANSIBLE_HOST_PATTERN_MISMATCH", choices=("warning", "error", "ignore")
    ),
    "LOCALHOST_WARNING": Setting("defaults", "localhost_warning", "ANSIBLE_LOCALHOST_WARNING", "flag"),
    "DEFAULT_VAULT_PASSWORD_FILE": Setting("defaults", "vault_password_file", "ANSIBLE_VAULT_PASSWORD_FILE", "path"),
    "DEFAULT_VAULT_IDENTITY_LIST": Setting("defaults", "vault_identity_list", "ANSIBLE_VAULT_IDENTITY_LIST", "words"),
    "DEFAULT_VAULT_ENCRYPT_IDENTITY": Setting("defaults", "vault_encrypt_identity", "ANSIBLE_VAULT_ENCRYPT_IDENTITY"),
    "DEFAULT_VAULT_ID_MATCH": Setting("defaults", "vault_id_match", "ANSIBLE_VAULT_ID_MATCH", "flag"),
    "DEFAULT_GATHERING": Setting("defaults", "gathering", "ANSIBLE_GATHERING", choices=("implicit", "explicit", "smart")),
    "DEFAULT_HASH_BEHAVIOUR": Setting("defaults", "hash_behaviour", "ANSIBLE_HASH_BEHAVIOUR", choices=("replace", "merge")),
    "CACHE_PLUGIN": Setting("defaults", "fact_caching", "ANSIBLE_CACHE_PLUGIN"),
    "CACHE_PLUGIN_CONNECTION": Setting("defaults", "fact_caching_connection", "ANSIBLE_CACHE_PLUGIN_CONNECTION", "path"),
    "CACHE_PLUGIN_TIMEOUT": Setting("defaults", "fact_caching_timeout", "ANSIBLE_CACHE_PLUGIN_TIMEOUT", "number"),
    "DEFAULT_FORCE_HANDLERS": Setting("defaults", "force_handlers", "ANSIBLE_FORCE_HANDLERS", "flag"),
    "ANY_ERRORS_FATAL": Setting("defaults", "any_errors_fatal", "ANSIBLE_ANY_ERRORS_FATAL", "flag"),
    "DEFAULT_MANAGED_STR": Setting("defaults", "ansible_managed", ""),  # no variable has it
    "DEFAULT_STRATEGY": Setting("defaults", "strategy", "ANSIBLE_STRATEGY"),
    "ALLOW_BROKEN_CONDITIONALS": Setting("defaults", "allow_broken_conditionals", "ANSIBLE_ALLOW_BROKEN_CONDITIONALS", "flag"),
    "ERROR_ON_MISSING_HANDLER": Setting("defaults", "error_on_missing_handler", "ANSIBLE_ERROR_ON_MISSING_HANDLER", "flag"),
    "ENABLE_TASK_DEBUGGER": Setting("defaults", "enable_task_debugger", "ANSIBLE_ENABLE_TASK_DEBUGGER", "flag"),
    "TASK_DEBUGGER_IGNORE_ERRORS": Setting("defaults", "task_debugger_ignore_errors", "ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS", "flag"),
    "DEFAULT_BECOME": Setting("privilege_escalation", "become", "ANSIBLE_BECOME", "flag"),
    "DEFAULT_BECOME_METHOD": Setting("privilege_escalation", "become_method", "ANSIBLE_BECOME_METHOD"),
    "DEFAULT_BECOME_USER": Setting("privilege_escalation", "become_user", "ANSIBLE_BECOME_USER"),
    "DEFAULT_BECOME_EXE": Setting("privilege_escalation", "become_exe", "ANSIBLE_BECOME_EXE"),
    "DEFAULT_BECOME_FLAGS": Setting("privilege_escalation", "become_flags", "ANSIBLE_BECOME_FLAGS"),
    "BECOME_PASSWORD_FILE": Setting("defaults", "become_password_file", "ANSIBLE_BECOME_PASSWORD_FILE", "path"),
    "CONNECTION_PASSWORD_FILE": Setting("defaults", "connection_password_file", "ANSIBLE_CONNECTION_PASSWORD_FILE", "path"),
    "DEFAULT_ASK_PASS": Setting("defaults", "ask_pass", "ANSIBLE_ASK_PASS", "flag"),
    "DEFAULT_ASK_VAULT_PASS": Setting("defaults", "ask_vault_pass", "ANSIBLE_ASK_VAULT_PASS", "flag"),
    "DEFAULT_MODULE_NAME": Setting("defaults", "module_name", "ANSIBLE_MODULE_NAME"),
    "DEFAULT_MODULE_ARGS": Setting("defaults", "module_args", "ANSIBLE_MODULE_ARGS"),
    "DEFAULT_POLL_INTERVAL": Setting("defaults", "poll_interval", "ANSIBLE_POLL_INTERVAL", "number"),
    "ANSIBLE_FORCE_COLOR": Setting("defaults", "force_color", "ANSIBLE_FORCE_COLOR", "flag"),
    "ANSIBLE_NOCOLOR": Setting("defaults", "nocolor", "ANSIBLE_NOCOLOR", "flag"),
    "RETRY_FILES_ENABLED": Setting("defaults", "retry_files_enabled", "ANSIBLE_RETRY_FILES_ENABLED", "flag"),
    "RETRY_FILES_SAVE_PATH": Setting("defaults", "retry_files_save_path", "ANSIBLE_RETRY_FILES_SAVE_PATH", "path"),
    "DEFAULT_BECOME_ASK_PASS": Setting("privilege_escalation", "become_ask_pass", "ANSIBLE_BECOME_ASK_PASS", "flag"),
    "SSH_ARGS": Setting("ssh_connection", "ssh_args", "ANSIBLE_SSH_ARGS"),
    "SSH_COMMON_ARGS": Setting("ssh_connection", "ssh_common_args", "ANSIBLE_SSH_COMMON_ARGS"),
    "SSH_EXTRA_ARGS": Setting("ssh_connection", "ssh_extra_args", "ANSIBLE_SSH_EXTRA_ARGS"),
    "DEFAULT_STDOUT_CALLBACK": Setting("defaults", "stdout_callback", "ANSIBLE_STDOUT_CALLBACK"),
    "CALLBACKS_ENABLED": Setting("defaults", "callbacks_enabled", "ANSIBLE_CALLBACKS_ENABLED", "words"),
    "CALLBACK_RESULT_FORMAT": Setting("defaults", "callback_result_format", "ANSIBLE_CALLBACK_RESULT_FORMAT", choices=("json", "yaml")),
    "CALLBACK_FORMAT_PRETTY": Setting("defaults", "callback_format_pretty", "ANSIBLE_CALLBACK_FORMAT_PRETTY", "flag"),
    "DISPLAY_SKIPPED_HOSTS": Setting("defaults", "display_skipped_hosts", "ANSIBLE_DISPLAY_SKIPPED_HOSTS", "flag"),
    "DISPLAY_OK_HOSTS": Setting("defaults", "display_ok_hosts", "ANSIBLE_DISPLAY_OK_HOSTS", "flag"),
    "DISPLAY_FAILED_STDERR": Setting("defaults", "display_failed_stderr", "ANSIBLE_DISPLAY_FAILED_STDERR", "flag"),
    "SHOW_TASK_PATH_ON_FAILURE": Setting("defaults", "show_task_path_on_failure", "ANSIBLE_SHOW_TASK_PATH_ON_FAILURE", "flag"),
    "SHOW_PER_HOST_START": Setting("defaults", "show_per_host_start", "ANSIBLE_SHOW_PER_HOST_START", "flag"),
    "SHOW_CUSTOM_STATS": Setting("defaults", "show_custom_stats", "ANSIBLE_SHOW_CUSTOM_STATS", "flag"),
    "CHECK_MODE_MARKERS": Setting("defaults", "check_mode_markers", "ANSIBLE_CHECK_MODE_MARKERS", "flag"),
    "DISPLAY_ARGS_TO_STDOUT": Setting("defaults", "display_args_to_stdout", "ANSIBLE_DISPLAY_ARGS_TO_STDOUT", "flag"),
    "DUPLICATE_YAML_DICT_KEY": Setting(
        "defaults", "duplicate_dict_key", "ANSIBLE_DUPLICATE_YAML_DICT_KEY", choices=("error", "warn", "ignore")
    ),
    "DEFAULT_LOG_PATH": Setting("defaults", "log_path", "ANSIBLE_LOG_PATH", "path"),
    "DEFAULT_VERBOSITY": Setting("defaults", "verbosity", "ANSIBLE_VERBOSITY", "number"),
    "DEFAULT_PRIVATE_ROLE_VARS": Setting("defaults", "private_role_vars", "ANSIBLE_PRIVATE_ROLE_VARS", "flag"),
    "INJECT_FACTS_AS_VARS": Setting("defaults", "inject_facts_as_vars", "ANSIBLE_INJECT_FACT_VARS", "flag"),
    "DEFAULT_NO_LOG": Setting("defaults", "no_log", "ANSIBLE_NO_LOG", "flag"),
    "TASK_TIMEOUT": Setting("defaults", "task_timeout", "ANSIBLE_TASK_TIMEOUT", "number"),
    "DIFF_CONTEXT": Setting("diff", "context", "ANSIBLE_DIFF_CONTEXT", "number"),
    "DIFF_ALWAYS": Setting("diff", "always", "ANSIBLE_DIFF_ALWAYS", "flag"),
    "TAGS_RUN": Setting("tags", "run", "ANSIBLE_RUN_TAGS", "words"),
    "TAGS_SKIP": Setting("tags", "skip", "ANSIBLE_SKIP_TAGS", "words"),
}


class ConfigError(ValueError):
    """A setting that cannot be used, with where it stands and what it should be."""


def config_file(environment: Mapping[str, str], directory: Path) -> Path | None:
    """The file that counts. One in a folder that everybody may write to does not: whoever put it there would run commands."""
    named = environment.get("ANSIBLE_CONFIG")
    if named:
        path = Path(named).expanduser()
        path = path / "ansible.cfg" if path.is_dir() else path
        if path.is_file():
            return path
    here = directory / "ansible.cfg"
    if here.is_file() and not directory.stat().st_mode & stat.S_IWOTH:
        return here
    return next((path for path in (Path("~/.ansible.cfg").expanduser(), Path("/etc/ansible/ansible.cfg")) if path.is_file()), None)


def read_settings(environment: Mapping[str, str] | None = None, directory: Path | None = None) -> dict[str, Any]:
    """Every setting that is set somewhere, by Ansible's name for it. Raises ConfigError."""
    variables = os.environ if environment is None else environment
    directory = directory or Path.cwd()
    path = config_file(variables, directory)
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    if path is not None:
        try:
            parser.read_string(path.read_text(), str(path))
        except (OSError, UnicodeDecodeError, configparser.Error) as e:
            raise ConfigError(f"{path}: {e}") from e
    found: dict[str, Any] = {}
    if path is not None:
        found["CONFIG_FILE"] = str(path.absolute())
    for name, setting in SETTINGS.items():
        if variables.get(setting.variable):
            found[name] = _value(variables[setting.variable], setting, directory, f"${setting.variable}")
        elif path is not None and parser.has_option(setting.section, setting.key):
            text = parser.get(setting.section, setting.key)
            found[name] = _value(text, setting, path.absolute().parent, f"{path} [{setting.section}] {setting.key}")
    return found


def _value(text: str, setting: Setting, base: Path, where: str) -> Any:
    text = text.strip().strip("\"'").replace("{{CWD}}", str(Path.cwd())).replace("{{ CWD }}", str(Path.cwd()))
    match setting.kind:
        case "number":
            try:
                return int(text)
            except ValueError:
                raise ConfigError(f"{where}: expected a number, found {text!r}") from None
        case "flag":
            if text.lower() not in _TRUE | _FALSE:
                raise ConfigError(f"{where}: expected true or false, found {text!r}")
            return text.lower() in _TRUE
        case "path":
            return str(_path(text, base))
        case "paths":
            return [str(_path(part, base)) for part in text.split(":") if part]
        case "sources":
            # A list of hosts ends with a comma, as after -i; other commas part files.
            parts = [part.strip() for part in text.split(",") if part.strip()]
            return [text] if text.endswith(",") else [str(_path(part, base)) for part in parts]
        case "words":
            return [part.strip() for part in text.split(",") if part.strip()]
    if setting.choices and text not in setting.choices:
        raise ConfigError(f"{where}: expected one of {', '.join(setting.choices)}, found {text!r}")
    return text


def _path(text: str, base: Path) -> Path:
    path = Path(os.path.expandvars(text.strip())).expanduser()
    return path if path.is_absolute() else base / path
