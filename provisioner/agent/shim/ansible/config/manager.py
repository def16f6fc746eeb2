"""ensure_type for people's own plugins."""

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean


def ensure_type(value: Any, value_type: str, origin: Any = None, origin_ftype: Any = None) -> Any:
    """The value as what an option is documented to be. Raises ValueError."""
    if value is None or not value_type:
        return value
    kind = value_type.lower()
    try:
        if kind in ("boolean", "bool"):
            return boolean(value, strict=False)
        if kind in ("integer", "int"):
            number = Decimal(int(value) if isinstance(value, int) else str(value))
            if number == number.to_integral_value():
                return int(number)
        if kind == "float":
            return float(value)
        if kind in ("list", "pathlist", "pathspec"):
            parts = value.split("," if kind == "list" else os.pathsep) if isinstance(value, str) else list(value)
            parts = [part.strip() if isinstance(part, str) else part for part in parts]
            return parts if kind == "list" else [_expanded(part) for part in parts]
        if kind in ("str", "string"):
            return str(value)
        if kind in ("path", "tmppath", "tmp"):
            return _expanded(value)
        if kind not in ("dict", "dictionary", "integer", "int") or (kind.startswith("dict") and isinstance(value, Mapping)):
            return value
    except (TypeError, ValueError, ArithmeticError):
        pass
    raise ValueError("Invalid value provided for %r: %r" % (value_type, value))


def _expanded(path: Any) -> str:
    return os.path.expandvars(os.path.expanduser(str(path)))
