"""command and shell: run a command, unless what it makes is there already (creates), or what it needs is not (removes)."""

import glob
import os
import shlex
import time
from datetime import datetime
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "_raw_params": {},
    "_uses_shell": {"type": "bool", "default": False},
    "cmd": {},
    "argv": {"type": "list"},
    "chdir": {"type": "path"},
    "creates": {"type": "path"},
    "removes": {"type": "path"},
    "executable": {},
    "stdin": {},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
    "expand_argument_vars": {"type": "bool", "default": True},
    "warn": {"type": "bool"},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    shell = args["_uses_shell"]
    text = args["_raw_params"] if args["_raw_params"] is not None else args["cmd"]
    if not (text and str(text).strip()) and not args["argv"]:
        raise ModuleFailed("no command given", rc=256)
    if text and args["argv"]:
        raise ModuleFailed("only command or argv can be given, not both", rc=256)
    if args["chdir"]:
        try:
            os.chdir(args["chdir"])
        except OSError as error:
            raise ModuleFailed("Unable to change directory before execution: %s" % error)
    command = args["argv"] or text
    skipped = _unneeded(args)
    if skipped:
        return {
            "changed": False,
            "rc": 0,
            "stdout": "skipped, since %s" % skipped,
            "stderr": "",
            "stdout_lines": ["skipped, since %s" % skipped],
            "stderr_lines": [],
            "cmd": command,
            "msg": "Did not run command since '%s'" % skipped,
            "start": None,
            "end": None,
            "delta": None,
        }
    if not shell and not isinstance(command, list):
        command = [os.path.expanduser(os.path.expandvars(part)) if args["expand_argument_vars"] else part for part in shlex.split(text)]
    elif isinstance(command, list):
        command = [str(part) for part in command]
    if context.check:
        if not (args["creates"] or args["removes"]):
            return {
                "changed": False,
                "skipped": True,
                "rc": 0,
                "stdout": "",
                "stderr": "",
                "cmd": command,
                "msg": "Command would have run if not in check mode",
                "start": None,
                "end": None,
                "delta": None,
                "stdout_lines": [],
                "stderr_lines": [],
            }
        return {"changed": True, "rc": 0, "stdout": "", "stderr": "", "cmd": command, "msg": "Command would have run if not in check mode"}
    data = None
    if args["stdin"] is not None:
        data = (args["stdin"] + ("\n" if args["stdin_add_newline"] else "")).encode()
    started, clock = datetime.now(), time.monotonic()
    if not shell:
        code, out, err = context.run(command, data=data)
    else:
        code, out, err = context.run(text, data=data, executable=args["executable"])
    ended = datetime.now()
    if args["strip_empty_ends"]:
        out, err = out.rstrip("\r\n"), err.rstrip("\r\n")
    result: Dict[str, Any] = {
        "changed": True,
        "cmd": command if not shell else text,
        "rc": code,
        "stdout": out,
        "stderr": err,
        "stdout_lines": out.splitlines(),
        "stderr_lines": err.splitlines(),
        "start": str(started),
        "end": str(ended),
        "delta": str(ended - started) if clock else None,
        "msg": "",
    }
    if code != 0:
        result.update(failed=True, msg="non-zero return code")
    return result


def _unneeded(args: Dict[str, Any]) -> str:
    """Why nothing is to be run, or ""."""
    if args["creates"] and glob.glob(args["creates"]):
        return "%s exists" % args["creates"]
    if args["removes"] and not glob.glob(args["removes"]):
        return "%s does not exist" % args["removes"]
    return ""
