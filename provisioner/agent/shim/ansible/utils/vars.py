"""How mappings are merged, for people's own plugins."""

from typing import Any, Dict


def merge_hash(x: Dict[str, Any], y: Dict[str, Any], recursive: bool = True, list_merge: str = "replace") -> Dict[str, Any]:
    """`y` over `x`. Lists of both: replace, keep, append, prepend, append_rp or prepend_rp (what both have counts once)."""
    merged = dict(x)
    for key, value in y.items():
        old = merged.get(key)
        if recursive and isinstance(old, dict) and isinstance(value, dict):
            merged[key] = merge_hash(old, value, recursive, list_merge)
        elif isinstance(old, list) and isinstance(value, list):
            merged[key] = _merged_lists(old, value, list_merge)
        else:
            merged[key] = value
    return merged


def combine_vars(a: Dict[str, Any], b: Dict[str, Any], merge: Any = None) -> Dict[str, Any]:
    return merge_hash(a, b, recursive=bool(merge))


def _merged_lists(old: Any, new: Any, how: str) -> Any:
    if how == "keep":
        return old
    if how in ("append", "prepend"):
        return old + new if how == "append" else new + old
    if how == "append_rp":
        return [item for item in old if item not in new] + new
    if how == "prepend_rp":
        return new + [item for item in old if item not in new]
    return new
