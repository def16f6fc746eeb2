"""package: packages by the host's own package manager; on Debian apt."""

from typing import Any, Dict

from provisioner.agent.context import Context
from provisioner.modules import apt

ARGUMENTS = dict(apt.ARGUMENTS, use={"default": "auto"})


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    return apt.run(dict(args, state={"installed": "present", "removed": "absent"}.get(args["state"], args["state"])), context)
