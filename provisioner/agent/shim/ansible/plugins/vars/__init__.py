"""What people's own vars plugins inherit; `get_vars(loader, path, entities)` is theirs."""

from typing import Any, Dict

from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display


class BaseVarsPlugin(AnsiblePlugin):  # type: ignore[misc]
    plugin_type = "vars"
    is_stateless = False

    def __init__(self) -> None:
        super().__init__()
        self._display = Display()

    def get_vars(self, loader: Any, path: str, entities: Any, cache: bool = True) -> Dict[str, Any]:
        """The variables of hosts and groups."""
        self._basedir = path
        return {}
