"""own_module: runs a module that is not ours but the playbook's, in a Python of its own, with stand-ins for what it imports.

The source comes by hash. It reads its arguments from standard input through AnsibleModule, and prints one JSON object.
"""

import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from typing import Any, Dict

import provisioner.agent
from provisioner.agent.context import Context
from provisioner.agent.own_programs import run_program

ARGUMENTS = {
    "_name": {"required": True},
    "_blob": {"required": True},
    "_entry": {"required": True},
    "_args": {"type": "dict", "default": {}},
}  # type: Dict[str, Dict[str, Any]]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    folder = tempfile.mkdtemp(prefix="provision-module-")
    try:
        with open(context.blob(args["_blob"]), "rb") as file:
            zipfile.ZipFile(io.BytesIO(file.read())).extractall(folder)
        return _start(folder, args, context)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    agent = os.path.dirname(os.path.abspath(provisioner.agent.__file__))
    shim = os.path.join(agent, "shim")
    # What the task or the host gives comes after, as with Ansible.
    roots = [folder, shim, os.path.dirname(os.path.dirname(agent)), *filter(None, [os.environ.get("PYTHONPATH")])]
    runner = os.path.join(shim, "run_module.py")
    request = {"name": args["_name"], "args": args["_args"], "check": context.check, "diff": context.diff}
    environment = dict(
        os.environ, PYTHONPATH=":".join(roots), PYTHONDONTWRITEBYTECODE="1", PYTHONIOENCODING="utf-8:surrogateescape",
        PROVISION_MODULE=args["_entry"], PROVISION_MODULE_RUNNER=runner,
    )  # fmt: skip
    # Own modules may need what is installed for the system's Python.
    return run_program([sys.executable, runner, args["_entry"]], environment, json.dumps(request).encode())
