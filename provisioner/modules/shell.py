"""shell: a command for a shell; the same as command, with pipes and variables."""

from typing import Any, Dict

from provisioner.agent.context import Context
from provisioner.modules import command

ARGUMENTS = command.ARGUMENTS


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    return command.run(dict(args, _uses_shell=True), context)
