"""LookupBase for people's own lookups."""

import os
from typing import Any, Dict, List

from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display


class LookupBase(AnsiblePlugin):  # type: ignore[misc]
    """What own lookups inherit; `run(terms, variables, **options)` is theirs."""

    def __init__(self, loader: Any = None, templar: Any = None, **_: Any) -> None:
        self._loader, self._templar = loader, templar
        super().__init__()
        self._display: Any = Display()

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        """None for one that is not set: older lookups ask for what they do not document."""
        return self._options.get(option)

    def get_basedir(self, variables: Any) -> Any:
        """The folder of the role, outside of roles that of the playbook."""
        return variables["role_path"] if "role_path" in variables else self._loader.get_basedir()

    def find_file_in_search_path(self, myvars: Any, subdir: str, needle: str, ignore_missing: bool = False) -> Any:
        """The path of a file beside the task, role or playbook; None where there is none, which is warned of unless `ignore_missing`."""
        places = list(myvars.get("ansible_search_path") or []) + [myvars.get("playbook_dir") or os.getcwd()]
        tried = [os.path.join(place, inner, needle) for place in places for inner in (subdir, "")]
        for path in [needle] if os.path.isabs(needle) else tried:
            if os.path.exists(path):
                return path
        if not ignore_missing:
            self._display.warning("Unable to find '%s' in expected paths (use -vvvvv to see paths)" % needle)
        return None

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
