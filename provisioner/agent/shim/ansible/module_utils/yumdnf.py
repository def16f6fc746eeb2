"""What modules for yum and dnf have in common."""

import os
from typing import Any, Dict, List

from provisioner.modules.dnf import ARGUMENTS

_RULES = ("mutually_exclusive", "required_one_of")
_FOREIGN = ("use_backend", "auto_install_module_deps")
yumdnf_argument_spec: Dict[str, Any] = dict(
    argument_spec={name: dict(field) for name, field in ARGUMENTS.items() if name != "_rules" and name not in _FOREIGN},
    supports_check_mode=True,
    **{rule: ARGUMENTS["_rules"][rule] for rule in _RULES},
)


class YumDnf:
    """The arguments as attributes; subclasses say what `run` does and when the lock is free."""

    pkg_mgr_name = "dnf"
    lockfile = "/var/run/yum.pid"

    def __init__(self, module: Any) -> None:
        self.module = module
        for name in yumdnf_argument_spec["argument_spec"]:
            setattr(self, name, module.params.get(name))
        self.names: List[str] = [name.strip() for name in module.params.get("name") or []]

    def is_lockfile_pid_valid(self) -> bool:
        raise NotImplementedError

    def _is_lockfile_present(self) -> bool:
        return os.path.isfile(self.lockfile) and self.is_lockfile_pid_valid()

    def run(self) -> None:
        raise NotImplementedError
