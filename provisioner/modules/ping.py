"""ping: answers pong."""

from typing import Any, Dict

from provisioner.agent.context import Context

ARGUMENTS = {"data": {"default": "pong"}}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["data"] == "crash":
        raise Exception("boom")
    return {"ping": args["data"]}
