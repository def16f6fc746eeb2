"""async_status: how a job that async_wrapper started stands; mode cleanup forgets it."""

import json
import os
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed
from provisioner.modules.async_wrapper import jobs_folder

ARGUMENTS = {
    "jid": {"required": True},
    "mode": {"choices": ["status", "cleanup"], "default": "status"},
    "_rules": {"called": "ansible.legacy.async_status"},
}  # type: Dict[str, Dict[str, Any]]
# What modules that say nothing have said.
_SILENT = {"stdout": "", "stderr": ""}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    job = args["jid"]
    if "/" in job:
        raise ModuleFailed("%s is no job id" % job)
    path = os.path.join(jobs_folder(), job)
    if not os.path.exists(path):
        raise ModuleFailed("could not find job", ansible_job_id=job, started=True, finished=True, **_SILENT)
    if args["mode"] == "cleanup":
        os.unlink(path)
        return dict({"changed": False, "ansible_job_id": job, "erased": path, "started": False, "finished": False}, **_SILENT)
    with open(path, encoding="utf-8") as file:
        try:
            result = json.load(file)  # type: Dict[str, Any]
        except ValueError:
            raise ModuleFailed("Could not parse job output: %s" % path, ansible_job_id=job, started=True, finished=True)
    for key, value in dict(_SILENT, results_file=path).items():
        result.setdefault(key, value)
    return result
