"""tempfile: a new temporary file or folder."""

import tempfile
from typing import Any, Dict

from provisioner.agent import attributes
from provisioner.agent.context import Context

ARGUMENTS = {
    "state": {"default": "file", "choices": ["file", "directory"]},
    "path": {"type": "path"},
    "prefix": {"default": "ansible."},
    "suffix": {"default": ""},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["state"] == "file":
        handle, path = tempfile.mkstemp(prefix=args["prefix"], suffix=args["suffix"], dir=args["path"])
        import os

        os.close(handle)
    else:
        path = tempfile.mkdtemp(prefix=args["prefix"], suffix=args["suffix"], dir=args["path"])
    return dict({"path": path}, **attributes.describe(path), changed=True)
