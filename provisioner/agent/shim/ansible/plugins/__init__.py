"""What all kinds of plugins have: options, of which their documentation says where they come from."""

import configparser
import importlib
import os
import sys
from pkgutil import extend_path
from typing import Any, Dict, Optional, Tuple

__path__ = extend_path(__path__, __name__)

# What documentation takes over from elsewhere, as far as plugins of other people do.
_FRAGMENTS: Dict[str, Dict[str, Any]] = {
    "default_callback": {
        "display_skipped_hosts": ("bool", True), "display_ok_hosts": ("bool", True), "display_failed_stderr": ("bool", False),
        "show_custom_stats": ("bool", False), "show_per_host_start": ("bool", False), "check_mode_markers": ("bool", False),
        "show_task_path_on_failure": ("bool", False),
    },
    "result_format_callback": {"result_format": ("str", "json"), "pretty_results": ("bool", None)},
    "constructed": {
        "strict": ("bool", False), "compose": ("dict", {}), "groups": ("dict", {}), "keyed_groups": ("list", []),
        "use_extra_vars": ("bool", False), "leading_separator": ("bool", True),
    },
    "inventory_cache": {
        "cache": ("bool", False), "cache_plugin": ("str", "memory"), "cache_timeout": ("int", 3600), "cache_connection": ("str", None),
        "cache_prefix": ("str", "ansible_inventory_"),
    },
    "vars_plugin_staging": {"stage": ("str", "all")},
}  # fmt: skip
_ENVIRONMENT = {"result_format": "ANSIBLE_CALLBACK_RESULT_FORMAT", "pretty_results": "ANSIBLE_CALLBACK_FORMAT_PRETTY"}


class AnsiblePlugin:
    _load_name = ""
    _original_path: Any = None
    ansible_name = ""

    def __init__(self) -> None:
        self._options: Dict[str, Any] = {}

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """Options as given; else from variables, the environment, ansible.cfg and the defaults that the plugin documents. Raises
        AnsibleOptionsError for values that the documentation rules out."""
        given = dict(direct or {})
        for name, option in self._documented().items():
            given[name] = self._typed(name, option, *self._found(name, option, given, var_options or {}))
        self._options = given

    def _typed(self, name: str, option: Dict[str, Any], value: Any, origin: str) -> Any:
        """A value as the type that is documented, one of the choices where there are any."""
        from ansible.config.manager import ensure_type
        from ansible.errors import AnsibleOptionsError, AnsibleRequiredOptionError

        kind, choices = option.get("type"), option.get("choices")
        label = "%r for %r %s plugin" % (name, self._load_name or type(self).__module__.rsplit(".", 1)[-1], _kind_of(type(self)))
        if value is None:
            if option.get("required") and name not in ("_terms", "_input"):  # which are no options, but what it is called with
                raise AnsibleRequiredOptionError("Required config %s not provided." % label)
            return None
        try:
            value = ensure_type(value, kind, origin)
        except ValueError as e:
            if not (origin.startswith("env:") and value == ""):
                raise AnsibleOptionsError("Config %s from %r has an invalid value: %s" % (label, origin, e)) from e
            value = option.get("default")
        if choices and not all(part in choices for part in (value if kind == "list" else [value])):
            raise AnsibleOptionsError("Invalid value %r for config %s. Valid values are: %s" % (value, label, ", ".join(map(str, choices))))
        return value

    @staticmethod
    def _found(name: str, option: Dict[str, Any], given: Dict[str, Any], variables: Any) -> Tuple[Any, str]:
        """A value, and where it was set."""
        for key in (name, *(option.get("aliases") or ())):
            if given.get(key) is not None:
                return given[key], "Direct"
        for entry in option.get("vars") or ():
            if entry.get("name") in variables:
                return variables[entry["name"]], "var: %s" % entry["name"]
        for entry in option.get("env") or ():
            if entry.get("name") in os.environ:
                return os.environ[entry["name"]], "env: %s" % entry["name"]
        for entry in option.get("ini") or ():
            text = _of_ini(entry.get("section"), entry.get("key"))
            if text is not None:
                return text, "ansible.cfg"
        return option.get("default"), "default"

    @classmethod
    def _documented(cls) -> Dict[str, Dict[str, Any]]:
        """The options of its documentation, of fragments that Ansible has, and of what it inherits from."""
        options: Dict[str, Dict[str, Any]] = {}
        for base in reversed(cls.__mro__):
            text = getattr(sys.modules.get(base.__module__), "DOCUMENTATION", None)
            if not text:
                continue
            found = importlib.import_module("yaml").safe_load(text) or {}  # only the controller runs plugins, and it has YAML
            names = found.get("extends_documentation_fragment") or ()
            for name in [names] if isinstance(names, str) else names:
                options.update(_of_fragment(str(name)))
                for key, (kind, default) in _FRAGMENTS.get(str(name).split(".")[-1], {}).items():
                    variable = _ENVIRONMENT.get(key, "ANSIBLE_" + key.upper())
                    ini = {"section": "defaults", "key": key}
                    options[key] = {"type": kind, "default": default, "env": [{"name": variable}], "ini": [ini]}
            options.update(found.get("options") or {})
        return options

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        """Raises KeyError for one that is not documented."""
        return self._options[option]

    def get_option_and_origin(self, option: str, hostvars: Any = None) -> Any:
        return self.get_option(option), "default"

    def set_option(self, option: str, value: Any) -> None:
        self._options[option] = value

    def has_option(self, option: str) -> bool:
        return option in self._options or option in self._documented()

    def get_options(self, hostvars: Any = None) -> Dict[str, Any]:
        return dict(self._options)

    def _set_plugin_options(self, *_: Any, **__: Any) -> None:
        self.set_options()


def _of_ini(section: Optional[str], key: Optional[str]) -> Optional[str]:
    from ansible import constants

    path = constants.CONFIG_FILE
    if not path or not section or not key:
        return None
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    parser.read(path)
    return parser.get(section, key, fallback=None)


def _of_fragment(name: str) -> Dict[str, Any]:
    """Options of a fragment of documentation in a collection (`namespace.collection.file` or `namespace.collection.file.part`)."""
    parts = name.split(".")
    if len(parts) not in (3, 4) or parts[0] == "ansible":
        return {}
    try:
        module = importlib.import_module("ansible_collections.%s.%s.plugins.doc_fragments.%s" % tuple(parts[:3]))
    except ImportError:
        return {}
    text = getattr(module.ModuleDocFragment, (parts[3:] or ["documentation"])[0].upper(), "")
    options: Dict[str, Any] = (importlib.import_module("yaml").safe_load(text) or {}).get("options") or {}
    return options


def _kind_of(cls: Any) -> str:
    """Which kind of plugin a class is, by the base that it has of ours."""
    modules = (base.__module__.split(".") for base in cls.__mro__)
    return next((parts[2] for parts in modules if parts[:2] == ["ansible", "plugins"] and len(parts) == 3), "")


def get_plugin_class(obj: Any) -> str:
    """The kind of a plugin, by the module that it lies in."""
    parts: Any = getattr(obj, "__module__", type(obj).__module__).split(".")
    return str(parts[-2]) if len(parts) > 1 else ""
