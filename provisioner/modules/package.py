"""package: packages by the host's own package manager: apt, or dnf."""

import os
from typing import Any, Dict

from provisioner.agent.calling import passed_on
from provisioner.agent.context import Context, ModuleFailed
from provisioner.modules import apt, dnf

# What else may be given, and as what, the manager's module says.
ARGUMENTS: Dict[str, Any] = {
    "name": {"type": "raw", "aliases": ["package", "pkg"]},
    "state": {"type": "raw", "default": "present"},
    "use": {"default": "auto"},
    "_rules": {"others": True},
}
_MANAGERS = {"apt": apt, "dnf": dnf, "yum": dnf, "dnf5": dnf}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    use = args["use"]
    if use == "auto":
        use = next(
            (
                name
                for name, path in (("apt", "/usr/bin/apt-get"), ("dnf", "/usr/bin/dnf"), ("yum", "/usr/bin/yum"), ("dnf5", "/usr/bin/dnf5"))
                if os.path.exists(path)
            ),
            "",
        )
    manager: Any = _MANAGERS.get(use)
    if manager is None:
        raise ModuleFailed('Could not find a matching action for the "%s" package manager.' % (use or "unknown"))
    given = {name: value for name, value in args.items() if value is not None and name != "use"}
    return passed_on(manager, use, given, context)
