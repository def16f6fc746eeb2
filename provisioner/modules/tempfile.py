"""tempfile: a new temporary file or folder."""

import os
import tempfile
from typing import Any, Dict

from provisioner.agent import attributes
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "state": {"default": "file", "choices": ["file", "directory"]},
    "path": {"type": "path"},
    "prefix": {"default": "ansible."},
    "suffix": {"default": ""},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if context.check:
        return {"changed": False, "skipped": True, "msg": "remote module (tempfile) does not support check mode"}
    try:
        if args["state"] == "file":
            handle, path = tempfile.mkstemp(prefix=args["prefix"], suffix=args["suffix"], dir=args["path"])
            os.close(handle)
        else:
            path = tempfile.mkdtemp(prefix=args["prefix"], suffix=args["suffix"], dir=args["path"])
    except OSError as error:
        raise ModuleFailed(str(error))
    return dict({"path": path}, **attributes.describe(path), changed=True)
