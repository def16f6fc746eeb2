"""command and shell: run a command, unless what it makes is there already (creates), or what it needs is not (removes)."""

import glob
import os
import shlex
from datetime import datetime
from typing import Any, Dict, List, Optional, Union

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "_raw_params": {"listed": True},
    "_uses_shell": {"type": "bool", "default": False, "listed": True},
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
    "_rules": {
        "called": "ansible.legacy.command",
        "required_one_of": [["_raw_params", "cmd", "argv"]],
        "mutually_exclusive": [["_raw_params", "cmd", "argv"]],
    },
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    shell = args["_uses_shell"]
    text = args["_raw_params"] if args["_raw_params"] is not None else args["cmd"]
    if not (text and str(text).strip()) and not args["argv"]:
        raise ModuleFailed("no command given", rc=256, cmd=args["cmd"] or "", stdout="", stderr="")
    command = _words(args, text, shell)
    if args["chdir"]:
        try:
            os.chdir(args["chdir"])
        except OSError as error:
            told = _outcome(command, None, msg="Unable to change directory before execution.")
            return dict(told, failed=True, exception=str(error))
    reason = _unneeded(args)
    if reason:
        return dict(
            _outcome(command, 0, "skipped, since %s" % reason.replace("'", "")),
            msg="%s run command since %s" % ("Would not" if context.check else "Did not", reason),
        )
    if context.check:
        # What depends on a file's existence would run now; of all else nobody knows.
        told = _outcome(command, 0, msg="Command would have run if not in check mode")
        return dict(told, changed=True) if args["creates"] or args["removes"] else dict(told, skipped=True)
    data = None
    if args["stdin"] is not None:
        data = (args["stdin"] + ("\n" if args["stdin_add_newline"] else "")).encode("utf-8", "surrogateescape")
    executable = args["executable"] if shell else None
    started = datetime.now()
    try:
        wanted = " ".join(command) if shell and not isinstance(command, str) else _expanded(command, args)
        code, out, err = context.run(wanted, data=data, executable=executable)
    except ModuleFailed as error:
        words = [executable or "/bin/sh", "-c", command] if isinstance(command, str) else command
        shown = " ".join(shlex.quote(word) for word in words)
        raise ModuleFailed(
            "Error executing command.", rc=error.more.get("rc"), cmd=shown, stdout="", stderr="", exception=error.more.get("exception")
        )
    ended = datetime.now()
    if args["strip_empty_ends"]:
        out, err = out.rstrip("\r\n"), err.rstrip("\r\n")
    result = _outcome(command, code, out, err)
    result.update(changed=True, start=str(started), end=str(ended), delta=str(ended - started))
    if code != 0:
        result.update(failed=True, msg="non-zero return code")
    return result


def _words(args: Dict[str, Any], text: Any, shell: bool) -> Union[str, List[str]]:
    """What is run: a text by a shell, a list of words directly."""
    if args["argv"]:
        words = ["" if word is None else str(word) for word in args["argv"]]
    elif shell:
        return str(text)
    else:
        words = shlex.split(str(text))
    return words


def _expanded(command: Union[str, List[str]], args: Dict[str, Any]) -> Union[str, List[str]]:
    """Results show what was asked for, variables and ~ as they were written."""
    if isinstance(command, str) or not args["expand_argument_vars"]:
        return command
    return [os.path.expanduser(os.path.expandvars(word)) for word in command]


def _outcome(command: Union[str, List[str]], code: Optional[int], out: str = "", err: str = "", msg: str = "") -> Dict[str, Any]:
    """The keys that every result has, for a command that took no time."""
    return {
        "changed": False,
        "cmd": command,
        "rc": code,
        "stdout": out,
        "stderr": err,
        "stdout_lines": out.splitlines(),
        "stderr_lines": err.splitlines(),
        "start": None,
        "end": None,
        "delta": None,
        "msg": msg,
    }


def _unneeded(args: Dict[str, Any]) -> str:
    """Why nothing is to be run, or ""."""
    if args["creates"] and glob.glob(args["creates"]):
        return "'%s' exists" % args["creates"]
    if args["removes"] and not glob.glob(args["removes"]):
        return "'%s' does not exist" % args["removes"]
    return ""
