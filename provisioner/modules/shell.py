"""shell: a command for a shell; the same as command, with pipes and variables."""

from typing import Any, Dict

from provisioner.agent.context import Context
from provisioner.modules import command

ARGUMENTS = command.ARGUMENTS


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    given = dict(args)
    given["_uses_shell"] = True
    return command.run(given, context)
