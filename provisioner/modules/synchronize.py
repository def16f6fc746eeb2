"""synchronize: rsync, run where the task runs (the controller, unless it is delegated); the other end stands in src or dest as user@host:path."""

import os
import re
import shlex
import tempfile
from typing import Any, Dict, List

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "src": {"required": True},
    "dest": {"required": True},
    "mode": {"default": "push", "choices": ["pull", "push"]},
    "dest_port": {"type": "int"},
    "private_key": {"type": "path"},
    "archive": {"type": "bool", "default": True},
    "checksum": {"type": "bool", "default": False},
    "compress": {"type": "bool", "default": True},
    "existing_only": {"type": "bool", "default": False},
    "delete": {"type": "bool", "default": False},
    "delay_updates": {"type": "bool", "default": True},
    "dirs": {"type": "bool", "default": False},
    "recursive": {"type": "bool"},
    "links": {"type": "bool"},
    "copy_links": {"type": "bool", "default": False},
    "perms": {"type": "bool"},
    "times": {"type": "bool"},
    "owner": {"type": "bool"},
    "group": {"type": "bool"},
    "partial": {"type": "bool", "default": False},
    "rsync_timeout": {"type": "int", "default": 0},
    "rsync_path": {},
    "rsync_opts": {"type": "list", "elements": "str", "default": []},
    "link_dest": {"type": "list", "elements": "str"},
    "set_remote_user": {"type": "bool", "default": True},
    "use_ssh_args": {"type": "bool", "default": False},
    "ssh_connection_multiplexing": {"type": "bool", "default": False},
    "verify_host": {"type": "bool", "default": False},
    "_ssh": {},
    "_password": {"no_log": True},
}
# Marks lines of things that changed, so that they can be told from all else that rsync says.
CHANGED = "<<CHANGED>>"
# Options that --archive stands for: given as false they are taken out of it, given as true without it they are put in.
_OF_ARCHIVE = ("recursive", "links", "perms", "times", "owner", "group")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    command = [context.which("rsync"), *options_of(args, context.check), args["src"], args["dest"]]
    with tempfile.TemporaryDirectory(prefix="provision-") as folder:
        code, out, err = context.run(command, env=_answering(folder, args["_password"]))
    shown = " ".join(_quoted(word) for word in command)
    if code != 0:
        raise ModuleFailed(err, rc=code, cmd=shown)
    clean = out.replace(CHANGED, "")
    # With -vv every file is named; one that is as it was begins with a dot.
    changed = CHANGED + "." not in out if args["link_dest"] else CHANGED in out
    result = {"changed": changed, "msg": clean, "rc": code, "cmd": shown, "stdout_lines": [line for line in clean.split("\n") if line]}
    if context.diff:
        result["diff"] = {"prepared": clean}
    return result


def _quoted(word: str) -> str:
    """As a shell needs it; of --option=value the value alone stands in quotes."""
    option, equals, value = word.partition("=")
    return option + equals + shlex.quote(value) if equals and option.startswith("--") else shlex.quote(word)


def options_of(args: Dict[str, Any], check: bool) -> List[str]:
    options = ["--delay-updates", "-F"] if args["delay_updates"] else []
    options += ["--compress"] if args["compress"] else []
    options += ["--timeout=%d" % args["rsync_timeout"]] if args["rsync_timeout"] else []
    options += ["--dry-run"] if check else []
    options += ["--delete-after"] if args["delete"] else []
    options += ["--existing"] if args["existing_only"] else []
    options += ["--checksum"] if args["checksum"] else []
    options += ["--copy-links"] if args["copy_links"] else []
    options += ["--archive"] if args["archive"] else []
    for name in _OF_ARCHIVE:
        if args["archive"] and args[name] is False:
            options.append("--no-" + name)
        elif not args["archive"] and args[name]:
            options.append("--" + name)
    options += ["--dirs"] if args["dirs"] else []
    options += ["--partial"] if args["partial"] else []
    if args["_ssh"]:
        options.append("--rsh=" + args["_ssh"])
    options += ["--rsync-path=" + args["rsync_path"]] if args["rsync_path"] else []
    # Without more words rsync doesn't tell of links that it makes.
    options += ["-H", "-vv"] if args["link_dest"] else []
    dest = os.path.abspath(os.path.dirname(re.sub(r"^[^/]*:", "", args["dest"])))
    for path in args["link_dest"] or []:
        linked = os.path.abspath(os.path.expanduser(path))
        if os.path.join(dest, "").startswith(os.path.join(linked, "")):
            raise ModuleFailed("Hardlinking into a subdirectory of the source would cause recursion. %s and %s" % (dest, args["dest"]))
        options.append("--link-dest=%s" % linked)
    return [*options, *args["rsync_opts"], "--out-format=%s%%i %%n%%L" % CHANGED]


def _answering(folder: str, password: Any) -> Dict[str, str]:
    """Has ssh ask a script of ours for the password: it stands in no command line."""
    if not password:
        return {}
    script = os.path.join(folder, "answer")
    with open(script, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nprintf '%s\\n' \"$PROVISION_ANSWER\"\n")
    os.chmod(script, 0o700)
    return {"SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": os.environ.get("DISPLAY", ":0"), "PROVISION_ANSWER": password}
