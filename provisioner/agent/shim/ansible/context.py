"""The command line's options, for people's own plugins."""

from typing import Any, Dict

CLIARGS: Dict[str, Any] = {}
"""The engine fills it in, by the names of ansible-playbook's options."""


def cliargs_deferred_get(key: str, default: Any = None, shallowcopy: bool = False) -> Any:
    return lambda: CLIARGS.get(key, default)
