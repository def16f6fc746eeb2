"""The kernel's settings as a dict."""

import re
from typing import Any, Dict, Sequence


def get_sysctl(module: Any, prefixes: Sequence[str]) -> Dict[str, str]:
    """What sysctl(8) tells of these; nothing where it can't."""
    found: Dict[str, str] = {}
    program = module.get_bin_path("sysctl")
    if program is None:
        return found
    code, out, err = module.run_command([program, *prefixes])
    if code != 0:
        return found
    key = ""
    for line in out.splitlines():
        parts = re.split(r"\s?=\s?|: ", line, maxsplit=1)
        if line.startswith((" ", "\t")) and key:
            found[key] += "\n" + line
        elif len(parts) == 2:
            key = parts[0]
            found[key] = parts[1].strip()
    return found
