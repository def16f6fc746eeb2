"""user: accounts of the host."""

import grp
import os
import pwd
import shutil
from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = {
    "name": {"required": True, "aliases": ["user"]},
    "state": {"default": "present", "choices": ["present", "absent"]},
    "uid": {"type": "int"},
    "non_unique": {"type": "bool", "default": False},
    "group": {},
    "groups": {"type": "list"},
    "append": {"type": "bool", "default": False},
    "comment": {},
    "home": {"type": "path"},
    "shell": {},
    "password": {},
    "update_password": {"default": "always", "choices": ["always", "on_create"]},
    "password_lock": {"type": "bool"},
    "create_home": {"type": "bool", "default": True, "aliases": ["createhome"]},
    "move_home": {"type": "bool", "default": False},
    "skeleton": {},
    "system": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "remove": {"type": "bool", "default": False},
    "expires": {"type": "float"},
    "local": {"type": "bool", "default": False},
    "generate_ssh_key": {"type": "bool"},
    "ssh_key_bits": {"type": "int"},
    "ssh_key_type": {"default": "rsa"},
    "ssh_key_file": {"type": "path"},
    "ssh_key_comment": {},
    "ssh_key_passphrase": {},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    found = _find(args["name"])
    result: Dict[str, Any] = {"name": args["name"], "state": args["state"], "changed": False}
    if args["state"] == "absent":
        if found is not None:
            result.update(changed=True, force=args["force"], remove=args["remove"])
            if not context.check:
                flags = (["-f"] if args["force"] else []) + (["-r"] if args["remove"] else [])
                context.run([context.which("userdel")] + flags + [args["name"]], ok=[0, 12])
        return result
    command = _creation(args, context) if found is None else _modification(args, found, context)
    if command:
        result["changed"] = True
        if not context.check:
            context.run(command, ok=[0])
    if context.check and found is None:
        return result
    now = _find(args["name"])
    assert now is not None
    if args["create_home"] and not os.path.isdir(now.pw_dir) and not args["system"]:
        result["changed"] = True
        if not context.check:
            _make_home(args, now)
    result.update(
        uid=now.pw_uid,
        group=now.pw_gid,
        home=now.pw_dir,
        shell=now.pw_shell,
        comment=now.pw_gecos,
        append=args["append"],
        move_home=args["move_home"],
    )
    if args["groups"] is not None:
        result["groups"] = ",".join(args["groups"])
    if args["password"] is not None:
        result["password"] = "NOT_LOGGING_PASSWORD"
    if args["generate_ssh_key"]:
        _ssh_key(args, now, context, result)
    return result


def _find(name: str) -> Optional[pwd.struct_passwd]:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _group_name(group: str) -> str:
    try:
        return (grp.getgrgid(int(group)) if str(group).isdigit() else grp.getgrnam(group)).gr_name
    except KeyError:
        raise ModuleFailed("Group %s does not exist" % group)


def _creation(args: Dict[str, Any], context: Context) -> List[str]:
    command = [context.which("useradd")]
    if args["uid"] is not None:
        command += ["-u", str(args["uid"])] + (["-o"] if args["non_unique"] else [])
    if args["group"] is not None:
        command += ["-g", args["group"] if context.check else _group_name(args["group"])]
    elif _group_exists(args["name"]):
        command += ["-N"] if not args["system"] else ["-g", args["name"]]
        if not args["system"]:
            command += ["-g", args["name"]]
    if args["groups"]:
        command += ["-G", ",".join(args["groups"])]
    for flag, value in (("-c", args["comment"]), ("-d", args["home"]), ("-s", args["shell"]), ("-p", args["password"])):
        if value is not None:
            command += [flag, value]
    command += ["-m"] + (["-k", args["skeleton"]] if args["skeleton"] else []) if args["create_home"] else ["-M"]
    return command + (["-r"] if args["system"] else []) + [args["name"]]


def _group_exists(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _modification(args: Dict[str, Any], found: pwd.struct_passwd, context: Context) -> List[str]:
    flags: List[str] = []
    if args["uid"] is not None and args["uid"] != found.pw_uid:
        flags += ["-u", str(args["uid"])] + (["-o"] if args["non_unique"] else [])
    if args["group"] is not None and grp.getgrnam(_group_name(args["group"])).gr_gid != found.pw_gid:
        flags += ["-g", _group_name(args["group"])]
    if args["groups"] is not None:
        wanted = {_group_name(name) for name in args["groups"]}
        current = {entry.gr_name for entry in grp.getgrall() if args["name"] in entry.gr_mem}
        if not wanted <= current if args["append"] else wanted != current:
            flags += (["-a"] if args["append"] else []) + ["-G", ",".join(sorted(wanted))]
    for flag, value, present in (("-c", args["comment"], found.pw_gecos), ("-s", args["shell"], found.pw_shell)):
        if value is not None and value != present:
            flags += [flag, value]
    if args["home"] is not None and args["home"] != found.pw_dir:
        flags += ["-d", args["home"]] + (["-m"] if args["move_home"] else [])
    shadow = _shadow(args["name"])
    if (
        args["password"] is not None
        and args["update_password"] == "always"
        and shadow is not None
        and shadow.lstrip("!") != args["password"].lstrip("!")
    ):
        flags += ["-p", args["password"]]
    if args["password_lock"] is not None and shadow is not None and shadow.startswith("!") != args["password_lock"]:
        flags += ["-L" if args["password_lock"] else "-U"]
    return [context.which("usermod")] + flags + [args["name"]] if flags else []


def _shadow(name: str) -> Optional[str]:
    try:
        with open("/etc/shadow") as file:
            for line in file:
                parts = line.split(":")
                if parts[0] == name:
                    return parts[1]
    except OSError:
        return None
    return None


def _make_home(args: Dict[str, Any], found: pwd.struct_passwd) -> None:
    skeleton = args["skeleton"] or "/etc/skel"
    if os.path.isdir(skeleton):
        shutil.copytree(skeleton, found.pw_dir, symlinks=True)
    else:
        os.makedirs(found.pw_dir)
    os.chmod(found.pw_dir, 0o755)
    for folder, folders, files in os.walk(found.pw_dir):
        os.chown(folder, found.pw_uid, found.pw_gid)
        for name in folders + files:
            os.lchown(os.path.join(folder, name), found.pw_uid, found.pw_gid)


def _ssh_key(args: Dict[str, Any], found: pwd.struct_passwd, context: Context, result: Dict[str, Any]) -> None:
    path = args["ssh_key_file"] or ".ssh/id_%s" % args["ssh_key_type"]
    path = path if os.path.isabs(path) else os.path.join(found.pw_dir, path)
    if not os.path.exists(path):
        result["changed"] = True
        if context.check:
            return
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            os.makedirs(folder, 0o700)
            os.chown(folder, found.pw_uid, found.pw_gid)
        bits = ["-b", str(args["ssh_key_bits"])] if args["ssh_key_bits"] else []
        comment = args["ssh_key_comment"] or "ansible-generated on %s" % os.uname().nodename
        context.run(
            [context.which("ssh-keygen"), "-q", "-t", args["ssh_key_type"]]
            + bits
            + ["-C", comment, "-N", args["ssh_key_passphrase"] or "", "-f", path],
            ok=[0],
        )
        for name in (path, path + ".pub"):
            os.chown(name, found.pw_uid, found.pw_gid)
    with open(path + ".pub") as file:
        result["ssh_public_key"] = file.read().strip()
    result["ssh_key_file"] = path
