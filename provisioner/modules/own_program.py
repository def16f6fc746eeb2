"""own_program: runs a module of the playbook's that is no Python for AnsibleModule but any program: a script, or a binary.

Its arguments lie in a file that it is given the name of: as JSON (a binary, or one that says WANT_JSON), else as words `key=value`. One that
asks for JSON in its source (<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>) finds it there.
"""

import json
import os
import shlex
import shutil
import sys
import tempfile
from typing import Any, Dict, List

from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.own_programs import run_program

ARGUMENTS = {
    "_name": {"required": True},
    "_blob": {"required": True},
    "_style": {"required": True, "choices": ["json", "words", "source"]},
    "_interpreter": {"type": "list", "default": []},
    "_args": {"type": "dict", "default": {}},
}  # type: Dict[str, Dict[str, Any]]
_PLACE = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    folder = tempfile.mkdtemp(prefix="provision-module-")
    try:
        given = dict(args["_args"], _ansible_check_mode=context.check, _ansible_diff=context.diff, _ansible_tmpdir=folder)
        with open(context.blob(args["_blob"]), "rb") as file:
            source = file.read()
        if args["_style"] == "source":
            source = source.replace(_PLACE, json.dumps(given).encode())
        program = _written(os.path.join(folder, args["_name"]), source, 0o700)
        argv = [*_interpreter(args["_interpreter"]), program]
        if args["_style"] != "source":
            text = json.dumps(given) if args["_style"] == "json" else _words(given)
            argv.append(_written(os.path.join(folder, "args"), text.encode("utf-8", "surrogateescape"), 0o600))
        try:
            return run_program(argv, dict(os.environ))
        except FileNotFoundError as error:
            raise ModuleFailed("The module interpreter %r was not found." % argv[0]) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _interpreter(words: List[str]) -> List[str]:
    """Python is the one that the agent itself runs in."""
    return [sys.executable, *words[1:]] if words and os.path.basename(words[0]) == "python" else words


def _words(given: Dict[str, Any]) -> str:
    return " ".join("%s=%s" % (name, shlex.quote(str(value))) for name, value in given.items())


def _written(path: str, data: bytes, mode: int) -> str:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    return path
