"""Results without what is the engine's own, for people's callback plugins."""

import copy
from typing import Any, Iterable

module_response_deepcopy = copy.deepcopy


def strip_internal_keys(dirty: Any, exceptions: Iterable[str] = ()) -> Any:
    """Takes keys that begin with `_ansible_` out of a mapping and of all that is in it."""
    if isinstance(dirty, dict):
        for key in list(dirty):
            if isinstance(key, str) and key.startswith("_ansible_") and key not in exceptions:
                del dirty[key]
            else:
                strip_internal_keys(dirty[key], exceptions)
    elif isinstance(dirty, list):
        for item in dirty:
            strip_internal_keys(item, exceptions)
    return dirty
