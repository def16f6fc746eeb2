"""Dicts whose keys change between camelCase and snake_case, merged and compared at every depth."""

import re
from copy import deepcopy
from typing import Any, Callable, Dict, Iterable, Optional, Tuple


def _camel_to_snake(name: str, reversible: bool = False) -> str:
    if reversible:
        return re.sub(r"([A-Z])", lambda m: "_" + m.group(1).lower(), name)
    spaced = re.sub(r"[A-Z]{3,}s$", lambda m: "_" + m.group(0).lower(), name)
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", spaced)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()


def _snake_to_camel(name: str, capitalize_first: bool = False) -> str:
    first, *rest = name.split("_")
    return (first.capitalize() if capitalize_first else first) + "".join(word.capitalize() or "_" for word in rest)


def _renamed(value: Any, rename: Callable[[str], str], keep: Iterable[str]) -> Any:
    if isinstance(value, dict):
        return {
            rename(key) if isinstance(key, str) else key: item if key in keep else _renamed(item, rename, keep)
            for key, item in value.items()
        }
    return [_renamed(item, rename, keep) for item in value] if isinstance(value, list) else value


def camel_dict_to_snake_dict(camel_dict: Dict[str, Any], reversible: bool = False, ignore_list: Iterable[str] = ()) -> Dict[str, Any]:
    """`ignore_list` names keys whose values stay as they are (tags of a cloud, say)."""
    found: Dict[str, Any] = _renamed(camel_dict, lambda name: _camel_to_snake(name, reversible), tuple(ignore_list))
    return found


def snake_dict_to_camel_dict(snake_dict: Dict[str, Any], capitalize_first: bool = False) -> Dict[str, Any]:
    found: Dict[str, Any] = _renamed(snake_dict, lambda name: _snake_to_camel(name, capitalize_first), ())
    return found


def dict_merge(a: Dict[Any, Any], b: Any) -> Any:
    """A new dict with b over a, dicts in dicts merged."""
    if not isinstance(b, dict):
        return b
    merged = deepcopy(a)
    for key, value in b.items():
        merged[key] = dict_merge(merged[key], value) if isinstance(merged.get(key), dict) else deepcopy(value)
    return merged


def recursive_diff(dict1: Dict[Any, Any], dict2: Dict[Any, Any]) -> Optional[Tuple[Dict[Any, Any], Dict[Any, Any]]]:
    """What only one of the two has or has otherwise, of each; None when they are equal. Raises TypeError for other values."""
    for value in (dict1, dict2):
        if not isinstance(value, dict):
            raise TypeError("Unable to diff 'dict1' %s and 'dict2' %s. Both must be a dictionary." % (type(dict1), type(dict2)))
    left = {key: dict1[key] for key in dict1.keys() - dict2.keys()}
    right = {key: dict2[key] for key in dict2.keys() - dict1.keys()}
    for key in dict1.keys() & dict2.keys():
        if isinstance(dict1[key], dict) and isinstance(dict2[key], dict):
            inner = recursive_diff(dict1[key], dict2[key])
            if inner:
                left[key], right[key] = inner
        elif dict1[key] != dict2[key]:
            left[key], right[key] = dict1[key], dict2[key]
    return (left, right) if left or right else None
