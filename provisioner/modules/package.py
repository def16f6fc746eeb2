"""package: packages by the host's own package manager: apt, or dnf."""

import os
from typing import Any, Dict

from provisioner.agent.calling import passed_on
from provisioner.agent.context import Context, ModuleFailed
from provisioner.modules import apt, dnf

_OPTIONS = {name: field for name, field in {**dnf.ARGUMENTS, **apt.ARGUMENTS}.items() if name not in ("_rules", "name", "package", "state")}
# Both managers' options pass through; which of them may be given, the chosen one says.
ARGUMENTS: Dict[str, Any] = {name: {"type": "raw", "aliases": field.get("aliases", [])} for name, field in _OPTIONS.items()}
ARGUMENTS.update({"name": {"type": "raw", "aliases": ["package", "pkg"]}, "state": {"default": "present"}, "use": {"default": "auto"}})
_STATES = {"installed": "present", "removed": "absent"}
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
    given["state"] = _STATES.get(args["state"], args["state"])
    return passed_on(manager, use, given, context)
