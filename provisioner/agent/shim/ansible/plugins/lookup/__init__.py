"""LookupBase for people's own lookups."""

import importlib
import os
import sys
from typing import Any, Dict, List


class LookupBase:
    """What own lookups inherit; `run(terms, variables, **options)` is theirs."""

    def __init__(self, loader: Any = None, templar: Any = None, **_: Any) -> None:
        self._loader, self._templar = loader, templar
        self._options: Dict[str, Any] = {}
        self._display: Any = None

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """Options as given; else from variables, the environment and the defaults that the plugin documents."""
        variables, given = var_options or {}, dict(direct or {})
        for name, option in self._documented().items():
            if name not in given:
                given[name] = self._elsewhere(option, variables)
        self._options = given

    @staticmethod
    def _elsewhere(option: Dict[str, Any], variables: Any) -> Any:
        for entry in option.get("vars") or ():
            if entry.get("name") in variables:
                return variables[entry["name"]]
        for entry in option.get("env") or ():
            if entry.get("name") in os.environ:
                return os.environ[entry["name"]]
        return option.get("default")

    def _documented(self) -> Dict[str, Dict[str, Any]]:
        text = getattr(sys.modules.get(type(self).__module__), "DOCUMENTATION", None)
        if not text:
            return {}
        found = importlib.import_module("yaml").safe_load(text)  # only the controller runs lookups, and it has YAML
        return dict((found or {}).get("options") or {})

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        return self._options.get(option)

    def set_option(self, option: str, value: Any) -> None:
        self._options[option] = value

    def has_option(self, option: str) -> bool:
        return option in self._options

    def get_options(self, hostvars: Any = None) -> Dict[str, Any]:
        return dict(self._options)

    def get_basedir(self, variables: Any) -> Any:
        """The folder of the role, outside of roles that of the playbook."""
        return variables["role_path"] if "role_path" in variables else self._loader.get_basedir()

    def find_file_in_search_path(self, myvars: Any, subdir: str, needle: str, ignore_missing: bool = False) -> Any:
        """The path of a file beside the task, role or playbook. Raises AnsibleError unless `ignore_missing`."""
        from ansible.errors import AnsibleFileNotFound

        places = list(myvars.get("ansible_search_path") or []) + [myvars.get("playbook_dir") or os.getcwd()]
        tried = [os.path.join(place, inner, needle) for place in places for inner in (subdir, "")]
        for path in [needle] if os.path.isabs(needle) else tried:
            if os.path.exists(path):
                return path
        if ignore_missing:
            return None
        raise AnsibleFileNotFound("Unable to find '%s' in expected paths" % needle)

    @staticmethod
    def _flatten(terms: List[Any]) -> List[Any]:
        found: List[Any] = []
        for term in terms:
            found.extend(term if isinstance(term, (list, tuple)) else [term])
        return found

    @staticmethod
    def _combine(first: Any, second: Any) -> List[Any]:
        return [LookupBase._flatten([one, two]) for one in first for two in second]

    @staticmethod
    def _flatten_hash_to_list(terms: Dict[str, Any]) -> List[Dict[str, Any]]:
        return [{"key": key, "value": value} for key, value in terms.items()]
