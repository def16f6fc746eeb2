"""async_status: how a job that async_wrapper started stands; mode cleanup forgets it."""

import json
import os
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed
from provisioner.modules.async_wrapper import jobs_folder

ARGUMENTS = {
    "jid": {"required": True},
    "mode": {"choices": ["status", "cleanup"], "default": "status"},
}  # type: Dict[str, Dict[str, Any]]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    job = args["jid"]
    if "/" in job:
        raise ModuleFailed("%s is no job id" % job)
    path = os.path.join(jobs_folder(), job)
    if not os.path.exists(path):
        raise ModuleFailed("could not find job", ansible_job_id=job, started=True, finished=True)
    if args["mode"] == "cleanup":
        os.unlink(path)
        return {"changed": False, "ansible_job_id": job, "erased": path}
    with open(path, encoding="utf-8") as file:
        try:
            result = json.load(file)  # type: Dict[str, Any]
        except ValueError:
            raise ModuleFailed("Could not parse job output: %s" % path, ansible_job_id=job, started=True, finished=True)
    result.setdefault("results_file", path)
    return result
