"""The lookup `config`: Ansible's settings, as ansible.cfg, the environment and Ansible itself have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.templating.errors import PluginError
from provisioner.templating.filters.text import to_bool
from provisioner.templating.lookups.call import Call, Options, Terms

_HOME = str(Path("~/.ansible").expanduser())
_SETTINGS: dict[str, Any] = {
    "ANSIBLE_HOME": _HOME,
    "ANSIBLE_FORCE_COLOR": False,
    "ANSIBLE_NOCOLOR": False,
    "ANSIBLE_PIPELINING": False,
    "ANY_ERRORS_FATAL": False,
    "BECOME_ALLOW_SAME_USER": False,
    "CACHE_PLUGIN": "memory",
    "CACHE_PLUGIN_CONNECTION": None,
    "CACHE_PLUGIN_TIMEOUT": 86400,
    "CALLBACKS_ENABLED": [],
    "COLOR_CHANGED": "yellow",
    "COLOR_CONSOLE_PROMPT": "white",
    "COLOR_DEBUG": "dark gray",
    "COLOR_DEPRECATE": "purple",
    "COLOR_DIFF_ADD": "green",
    "COLOR_DIFF_LINES": "cyan",
    "COLOR_DIFF_REMOVE": "red",
    "COLOR_ERROR": "red",
    "COLOR_HIGHLIGHT": "white",
    "COLOR_INCLUDED": "cyan",
    "COLOR_OK": "green",
    "COLOR_SKIP": "cyan",
    "COLOR_UNREACHABLE": "bright red",
    "COLOR_VERBOSE": "blue",
    "COLOR_WARN": "bright purple",
    "DEFAULT_ASK_PASS": False,
    "DEFAULT_ASK_VAULT_PASS": False,
    "DEFAULT_BECOME_EXE": None,
    "DEFAULT_BECOME_FLAGS": "",
    "DEFAULT_DEBUG": False,
    "DEFAULT_EXECUTABLE": "/bin/sh",
    "DEFAULT_FORCE_HANDLERS": False,
    "DEFAULT_KEEP_REMOTE_FILES": False,
    "DEFAULT_LOG_PATH": None,
    "DEFAULT_MODULE_NAME": "command",
    "DEFAULT_NO_LOG": False,
    "DEFAULT_POLL_INTERVAL": 15,
    "DEFAULT_PRIVATE_KEY_FILE": None,
    "DEFAULT_PRIVATE_ROLE_VARS": False,
    "DEFAULT_STDOUT_CALLBACK": "default",
    "DEFAULT_VAULT_IDENTITY_LIST": [],
    "DEFAULT_VAULT_PASSWORD_FILE": None,
    "DEFAULT_VERBOSITY": 0,
    "DIFF_ALWAYS": False,
    "DIFF_CONTEXT": 3,
    "DISPLAY_SKIPPED_HOSTS": True,
    "DUPLICATE_YAML_DICT_KEY": "warn",
    "ERROR_ON_MISSING_HANDLER": True,
    "HOST_KEY_CHECKING": True,
    "HOST_PATTERN_MISMATCH": "warning",
    "INJECT_FACTS_AS_VARS": True,
    "INTERPRETER_PYTHON": "auto",
    "INVENTORY_ENABLED": ["host_list", "script", "auto", "yaml", "ini", "toml"],
    "LOCALHOST_WARNING": True,
    "TAGS_RUN": [],
    "TAGS_SKIP": [],
    "TASK_TIMEOUT": 0,
    "TRANSFORM_INVALID_GROUP_CHARS": "never",
    "VARIABLE_PLUGINS_ENABLED": ["host_group_vars"],
    "DEFAULT_BECOME": False,
    "DEFAULT_BECOME_METHOD": "sudo",
    "DEFAULT_BECOME_USER": "root",
    "DEFAULT_FORKS": 5,
    "DEFAULT_GATHERING": "implicit",
    "DEFAULT_HASH_BEHAVIOUR": "replace",
    "DEFAULT_HOST_LIST": ["/etc/ansible/hosts"],
    "DEFAULT_JINJA2_NATIVE": True,
    "DEFAULT_LOCAL_TMP": f"{_HOME}/tmp",
    "DEFAULT_MANAGED_STR": "Ansible managed",
    "DEFAULT_REMOTE_PORT": None,
    "DEFAULT_REMOTE_USER": None,
    "DEFAULT_ROLES_PATH": [f"{_HOME}/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"],
    "DEFAULT_STRATEGY": "linear",
    "DEFAULT_TIMEOUT": 10,
    "DEFAULT_TRANSPORT": "ssh",
    "COLLECTIONS_PATHS": [f"{_HOME}/collections", "/usr/share/ansible/collections"],
    "RETRY_FILES_ENABLED": False,
    "RETRY_FILES_SAVE_PATH": None,
    "PLAYBOOK_VARS_ROOT": "top",
    "MAX_FILE_SIZE_FOR_DIFF": 104448,
    "DEFAULT_MODULE_PATH": [f"{_HOME}/plugins/modules", "/usr/share/ansible/plugins/modules"],
    "DEFAULT_MODULE_UTILS_PATH": [f"{_HOME}/plugins/module_utils", "/usr/share/ansible/plugins/module_utils"],
    **{
        f"DEFAULT_{kind.upper()}_PLUGIN_PATH": [f"{_HOME}/plugins/{kind}", f"/usr/share/ansible/plugins/{kind}"]
        for kind in (
            "action",
            "become",
            "cache",
            "callback",
            "cliconf",
            "connection",
            "filter",
            "httpapi",
            "inventory",
            "lookup",
            "netconf",
            "strategy",
            "terminal",
            "test",
            "vars",
        )
    },
}
"""What Ansible's configuration says by itself."""
_OF_PLUGINS = {"remote_tmp": "~/.ansible/tmp", "admin_users": ["root", "toor"], "world_readable_temp": False, "host_key_checking": True}


def config(call: Call, terms: Terms, options: Options) -> list[Any]:
    """Settings as they are; with `show_origin`, each with where it was set."""
    kind, plugin = options.get("plugin_type"), options.get("plugin_name")
    if bool(kind) != bool(plugin):
        raise PluginError("Both plugin_type and plugin_name are required, cannot use one without the other.")
    missing = options.get("on_missing", "error")
    if missing not in ("error", "skip", "warn"):
        raise PluginError(f"Invalid value {missing!r} for config 'on_missing' for 'config' lookup plugin.")
    result: list[Any] = []
    given = call.templar.variables.get("__settings__")
    settings = {**_SETTINGS, **(given.value if given is not None else {})}
    for term in terms:
        if not isinstance(term, str):
            raise PluginError(f"Invalid setting identifier, {term!r} is not a {str}, its a {type(term)}.")
        if term in settings or kind:  # options of plugins that do not exist here: nobody has set them
            value, origin = (
                settings.get(term, _OF_PLUGINS.get(term)),
                "default" if term in _SETTINGS and settings[term] == _SETTINGS[term] else "configuration",
            )
            result.append([value, origin] if to_bool(options.get("show_origin", False)) else value)
        elif missing == "warn":
            call.templar.engine.warn(f"Skipping, did not find setting {term}")
        elif missing == "error":
            raise PluginError(f"No config definition exists for '{term}'.")
    return result
