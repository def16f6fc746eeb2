"""slurp: a file's content in base64."""

import base64
import os
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Dict[str, Any]] = {"src": {"type": "path", "required": True, "aliases": ["path"]}}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["src"]
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise ModuleFailed("File not found: %s" % path)
    except IsADirectoryError:
        raise ModuleFailed("Source is a directory and must be a file: %s" % path)
    except PermissionError:
        raise ModuleFailed("File is not readable: %s" % path)
    except OSError as error:
        raise ModuleFailed("Unable to slurp file: %s" % error)
    return {"content": base64.b64encode(data).decode(), "source": os.path.abspath(path), "encoding": "base64"}
