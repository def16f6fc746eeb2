"""How mappings are merged, and values as plain ones, for people's own plugins; they run beside the engine, never on a host."""

from typing import Any, Dict

from provisioner.templating.filters.data import merge as merge_hash


def combine_vars(a: Dict[str, Any], b: Dict[str, Any], merge: Any = None) -> Dict[str, Any]:
    return merge_hash(a, b, recursive=True) if merge else {**a, **b}


def transform_to_native_types(value: Any, redact: bool = True) -> Any:
    """Values of results are plain ones here."""
    return value
