"""Settings under their names, for people's own plugins: $ANSIBLE_<NAME> (without DEFAULT_), else Ansible's default."""

import os
from typing import Any, Dict

_DEFAULTS: Dict[str, Any] = {
    "ANSIBLE_FORCE_COLOR": False, "CALLBACKS_ENABLED": [], "DISPLAY_ARGS_TO_STDOUT": False, "DIFF_CONTEXT": 3, "BECOME_PLUGIN_PATH": [], "COLLECTIONS_PATHS": [], "CONFIG_FILE": None, "DEFAULT_BECOME": False,
    "DEFAULT_BECOME_METHOD": "sudo", "DEFAULT_BECOME_USER": "root", "DEFAULT_DEBUG": False, "DEFAULT_EXECUTABLE": "/bin/sh", "DEFAULT_FORKS": 5,
    "DEFAULT_GATHER_SUBSET": None, "DEFAULT_HASH_BEHAVIOUR": "replace", "DEFAULT_JINJA2_NATIVE": True, "DEFAULT_KEEP_REMOTE_FILES": False,
    "DEFAULT_LOCAL_TMP": "/tmp", "DEFAULT_MODULE_COMPRESSION": "ZIP_DEFLATED", "DEFAULT_NO_LOG": False, "DEFAULT_POLL_INTERVAL": 15,
    "DEFAULT_PRIVATE_KEY_FILE": None, "DEFAULT_REMOTE_PORT": None, "DEFAULT_REMOTE_USER": None, "DEFAULT_ROLES_PATH": [], "DEFAULT_TIMEOUT": 10,
    "DEFAULT_TRANSPORT": "ssh", "DEFAULT_UNDEFINED_VAR_BEHAVIOR": True, "DEFAULT_VERBOSITY": 0, "HOST_KEY_CHECKING": True,
    "MAX_FILE_SIZE_FOR_DIFF": 104448, "PERSISTENT_COMMAND_TIMEOUT": 30, "PERSISTENT_CONNECT_TIMEOUT": 30, "PERSISTENT_CONTROL_PATH_DIR": "~/.ansible/pc",
    "CHECK_MODE_MARKERS": False, "DISPLAY_FAILED_STDERR": False, "DISPLAY_OK_HOSTS": True, "DISPLAY_SKIPPED_HOSTS": True, "SHOW_CUSTOM_STATS": False,
}  # fmt: skip
_TRUE = frozenset({"yes", "on", "1", "true", "t", "y"})
LOCALHOST = ("127.0.0.1", "localhost", "::1")
COLOR_OK, COLOR_CHANGED, COLOR_ERROR, COLOR_UNREACHABLE, COLOR_SKIP = "green", "yellow", "red", "bright red", "cyan"
COLOR_WARN, COLOR_HIGHLIGHT, COLOR_VERBOSE, COLOR_DEBUG, COLOR_INCLUDED = "bright purple", "white", "blue", "dark gray", "cyan"
COLOR_DIFF_ADD, COLOR_DIFF_REMOVE, COLOR_DIFF_LINES, COLOR_DEPRECATE, COLOR_CONSOLE_PROMPT = "green", "red", "cyan", "purple", "white"
COLOR_CODES = {
    "black": "0;30", "bright gray": "0;37", "blue": "0;34", "white": "1;37", "green": "0;32", "bright blue": "1;34", "cyan": "0;36",
    "bright green": "1;32", "red": "0;31", "bright cyan": "1;36", "purple": "0;35", "bright red": "1;31", "yellow": "0;33",
    "bright purple": "1;35", "dark gray": "1;30", "bright yellow": "1;33", "magenta": "0;35", "bright magenta": "1;35", "normal": "0",
}  # fmt: skip
BOOLEANS_TRUE = frozenset({"y", "yes", "on", "1", "true", "t", 1})
BOOLEANS_FALSE = frozenset({"n", "no", "off", "0", "false", "f", 0})
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE
DOCUMENTABLE_PLUGINS = ("become", "cache", "callback", "connection", "filter", "inventory", "lookup", "module", "strategy", "test", "vars")
MODULE_REQUIRE_ARGS = ("command", "shell", "raw", "script")
YAML_FILENAME_EXTENSIONS = [".yml", ".yaml", ".json"]
TREE_DIR = None
VAULT_VERSION_MAX = 1.2


_CHOSEN: Dict[str, Any] = {}
"""What the run's ansible.cfg and environment say; the engine fills it in."""


def __getattr__(name: str) -> Any:
    if name in _CHOSEN:
        return _CHOSEN[name]
    if name not in _DEFAULTS:
        raise AttributeError("the setting %s does not exist here" % name)
    default = _DEFAULTS[name]
    text = os.environ.get("ANSIBLE_" + name.replace("DEFAULT_", ""))
    if text is None:
        return default
    if isinstance(default, bool):
        return text.lower() in _TRUE
    return type(default)(text) if isinstance(default, int) else text.split(":") if isinstance(default, list) else text


class _Config:
    """`config.get_config_value(name)`."""

    @staticmethod
    def get_config_value(config: str, *_: Any, **__: Any) -> Any:
        return __getattr__(config)


config = _Config()
