"""ensure_type for people's own plugins."""

import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean


def ensure_type(value: Any, value_type: str, origin: Any = None, origin_ftype: Any = None) -> Any:
    """The value as what an option is documented to be. Raises AnsibleError."""
    if value is None or not value_type:
        return value
    kind = value_type.lower()
    try:
        if kind in ("boolean", "bool"):
            return boolean(value, strict=False)
        if kind in ("integer", "int"):
            return int(value)
        if kind == "float":
            return float(value)
        if kind in ("list", "pathlist", "pathspec"):
            parts = value.split("," if kind == "list" else os.pathsep) if isinstance(value, str) else list(value)
            return [part.strip() if isinstance(part, str) else part for part in parts]
        if kind in ("str", "string"):
            return str(value)
        if kind in ("path", "tmppath", "tmp"):
            return os.path.expandvars(os.path.expanduser(str(value)))
    except (TypeError, ValueError) as e:
        raise AnsibleError("Invalid value %r: a %s is expected" % (value, kind)) from e
    return value
