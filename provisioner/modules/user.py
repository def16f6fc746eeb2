"""user: accounts of the host, by the programs useradd, usermod and userdel (local: by libuser's)."""

import grp
import os
import pwd
import re
import shutil
import time
from typing import Any, Dict, List, Optional

from provisioner.agent import ssh_key_pairs
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True, "aliases": ["user"]},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "uid": {"type": "int"},
    "uid_min": {"type": "int"},
    "uid_max": {"type": "int"},
    "non_unique": {"type": "bool", "default": False},
    "group": {},
    "groups": {"type": "list", "elements": "str"},
    "append": {"type": "bool", "default": False},
    "comment": {},
    "home": {"type": "path"},
    "shell": {"type": "path"},
    "password": {"no_log": True},
    "update_password": {"default": "always", "choices": ["always", "on_create"]},
    "password_lock": {"type": "bool"},
    "password_expire_max": {"type": "int"},
    "password_expire_min": {"type": "int"},
    "password_expire_warn": {"type": "int"},
    "password_expire_account_disable": {"type": "int"},
    "create_home": {"type": "bool", "default": True, "aliases": ["createhome"]},
    "move_home": {"type": "bool", "default": False},
    "skeleton": {},
    "umask": {},
    "system": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "remove": {"type": "bool", "default": False},
    "expires": {"type": "float"},
    "local": {"type": "bool", "default": False},
    "generate_ssh_key": {"type": "bool", "default": False},
    "ssh_key_bits": {"type": "int", "default": 0},
    "ssh_key_type": {"default": "rsa"},
    "ssh_key_file": {"type": "path"},
    "ssh_key_comment": {},
    "ssh_key_passphrase": {"no_log": True},
    # SELinux, and what other systems than Linux know.
    "seuser": {},
    "login_class": {},
    "hidden": {"type": "bool"},
    "profile": {},
    "authorization": {},
    "role": {},
}
DAY_S = 86400
# Fields of /etc/shadow (shadow(5)), by the options that set them and chage's flags.
_AGES = (("password_expire_min", 3, "-m"), ("password_expire_max", 4, "-M"), ("password_expire_warn", 5, "-W"))
_EXPIRY, _INACTIVE = 7, 6
# crypt(5): $id$salt$hash, the classic 13 letters, or what locks an account.
_HASH = re.compile(r"^(\$[A-Za-z0-9-]+\$.*|[./A-Za-z0-9]{13}|_[./A-Za-z0-9]{19}|[!*].*)$")


class Outcome:
    """What the programs said."""

    def __init__(self, name: str, context: Context) -> None:
        self._name, self._context = name, context
        self.changed, self.out, self.err = False, "", ""

    def run(self, command: List[str], data: Optional[bytes] = None) -> None:
        self.changed = True
        if self._context.check:
            return
        code, out, err = self._context.run([self._context.which(command[0]), *command[1:]], data=data)
        self.out, self.err = self.out + out, self.err + err
        # 12 of userdel: the account is gone, its home could not be removed altogether.
        if code != 0 and not (command[0].endswith("userdel") and code == 12):
            raise ModuleFailed(err or out, name=self._name, rc=code)

    def told(self) -> Dict[str, Any]:
        found: Dict[str, Any] = {"changed": self.changed}
        for key, text in (("stdout", self.out), ("stderr", self.err)):
            if text:
                found.update({key: text, key + "_lines": text.splitlines()})
        return found


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, shown = args["name"], args["groups"]
    if shown is not None:
        args = dict(args, groups=[group.strip() for group in shown if group.strip()])
    found = find(name)
    _check(args, context)
    if found is None and args["state"] == "present" and context.check:
        return {"changed": True}  # its groups may be ones that would be new, too
    if args["state"] == "present":
        for group in ([args["group"]] if args["group"] is not None else []) + (args["groups"] or []):
            group_entry(group)
    outcome = Outcome(name, context)
    result: Dict[str, Any] = {"name": name, "state": args["state"]}
    if args["state"] == "absent":
        if found is None:
            return dict(result, changed=False)
        outcome.run(_program("userdel", args) + (["-f"] if args["force"] else []) + (["-r"] if args["remove"] else []) + [name])
        return {"changed": True} if context.check else dict(result, force=args["force"], remove=args["remove"], **outcome.told())
    if found is None:
        _create(args, outcome)
        result.update(system=args["system"], create_home=args["create_home"])
    else:
        _modify(args, found, outcome)
        result.update(append=args["append"], move_home=args["move_home"])
    _ages(args, outcome)
    now = find(name)
    if now is None:
        raise ModuleFailed("the account %s is not there after it was made" % name, name=name)
    if args["create_home"] and not os.path.exists(now.pw_dir):
        outcome.changed = True
        if not context.check:
            _make_home(args, now)
    if args["password"] is not None:
        result["password"] = "NOT_LOGGING_PASSWORD"
    if shown is not None:
        result["groups"] = ",".join(shown)
    result.update(uid=now.pw_uid, group=now.pw_gid, comment=now.pw_gecos, home=now.pw_dir, shell=now.pw_shell)
    if args["generate_ssh_key"]:
        outcome.changed = ssh_key_pairs.generate(args, now, context, result) or outcome.changed
    return dict(result, **outcome.told())


def _check(args: Dict[str, Any], context: Context) -> None:
    if args["append"] and args["groups"] is None:
        context.warn("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.")
    if args["password"] and not _HASH.match(args["password"]):
        context.warn(
            "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly."
        )
    for option in ("uid_min", "uid_max", "umask"):
        if args["local"] and args[option] is not None:
            raise ModuleFailed("'%s' can not be used with 'local'" % option)


def find(name: str) -> Optional[pwd.struct_passwd]:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def group_entry(group: str) -> grp.struct_group:
    """By its name or number, whatever blanks are around it. Raises ModuleFailed."""
    group = group.strip()
    try:
        return grp.getgrnam(group)
    except KeyError:
        pass
    try:
        return grp.getgrgid(int(group))
    except (KeyError, ValueError):
        raise ModuleFailed("Group %s does not exist" % group)


def _program(name: str, args: Dict[str, Any]) -> List[str]:
    return ["l" + name if args["local"] else name]


def _create(args: Dict[str, Any], outcome: Outcome) -> None:
    name, local = args["name"], args["local"]
    flags = _identity_flags(args)
    if args["group"] is not None:
        flags += ["-g", group_entry(args["group"]).gr_name]
    elif any(entry.gr_name == name for entry in grp.getgrall()):
        # The group that useradd would make is there already.
        flags += ["-n" if local else "-N"]
    groups = [group_entry(group).gr_name for group in args["groups"] or []]
    if groups and not local:
        flags += ["-G", ",".join(groups)]
    for flag, value in (("-c", args["comment"]), ("-d", args["home"]), ("-s", args["shell"])):
        if value is not None:
            flags += [flag, value]
    if args["expires"] is not None and not local:
        flags += ["-e", _date(args["expires"])]
    if args["password_expire_account_disable"] is not None:
        flags += ["-f", str(args["password_expire_account_disable"])]
    if not args["create_home"]:
        flags += ["-M"]
    elif not local:
        flags += ["-m"] + (["-k", args["skeleton"]] if args["skeleton"] else [])
        flags += ["-K", "UMASK=" + args["umask"]] if args["umask"] else []
    outcome.run(_program("useradd", args) + flags + (["-r"] if args["system"] else []) + [name])
    if local:
        for group in groups:
            outcome.run(["lgroupmod", "-M", name, group])
        if args["expires"] is not None:
            outcome.run(["lchage", "-E", str(int(args["expires"] // DAY_S)) if args["expires"] >= 0 else "-1", name])
    if args["password"] is not None:
        _password(name, ("!" if args["password_lock"] else "") + args["password"], outcome)
    elif args["password_lock"]:
        outcome.run(_program("usermod", args) + ["-L", name])


def _identity_flags(args: Dict[str, Any]) -> List[str]:
    flags: List[str] = []
    if args["uid"] is not None:
        flags += ["-u", str(args["uid"])] + (["-o"] if args["non_unique"] else [])
    if args["seuser"] is not None:
        flags += ["-Z", args["seuser"]]
    for option, key in (("uid_min", "UID_MIN"), ("uid_max", "UID_MAX")):
        if args[option] is not None:
            flags += ["-K", "%s=%d" % (key, args[option])]
    return flags


def _date(expires: float) -> str:
    """Seconds since 1970 as useradd takes them; nothing for never."""
    return "" if expires < 0 else time.strftime("%Y-%m-%d", time.gmtime(expires))


def _password(name: str, hashed: str, outcome: Outcome) -> None:
    """By standard input: arguments of a program are for all to see."""
    outcome.run(["chpasswd", "-e"], data=("%s:%s\n" % (name, hashed)).encode("utf-8", "surrogateescape"))


def _modify(args: Dict[str, Any], found: pwd.struct_passwd, outcome: Outcome) -> None:
    name, local = args["name"], args["local"]
    flags: List[str] = []
    if args["uid"] is not None and args["uid"] != found.pw_uid:
        flags += ["-u", str(args["uid"])] + (["-o"] if args["non_unique"] else [])
    if args["group"] is not None and group_entry(args["group"]).gr_gid != found.pw_gid:
        flags += ["-g", group_entry(args["group"]).gr_name]
    flags += _membership(args, outcome)
    for flag, value, present in (("-c", args["comment"], found.pw_gecos), ("-s", args["shell"], found.pw_shell)):
        if value is not None and value != present:
            flags += [flag, value]
    if args["home"] is not None and args["home"] != found.pw_dir:
        flags += ["-d", args["home"]] + (["-m"] if args["move_home"] else [])
    shadow = shadow_of(name)
    if args["expires"] is not None and _expiry_differs(args["expires"], shadow):
        if local:
            outcome.run(["lchage", "-E", str(int(args["expires"] // DAY_S)) if args["expires"] >= 0 else "-1", name])
        else:
            flags += ["-e", _date(args["expires"])]
    inactive = args["password_expire_account_disable"]
    if inactive is not None and shadow[_INACTIVE] != str(inactive):
        flags += ["-f", str(inactive)]
    lock, current = args["password_lock"], shadow[1]
    new = args["password"]
    changes_password = new is not None and args["update_password"] == "always" and current.lstrip("!") != new.lstrip("!")
    if lock is not None and not changes_password and current.startswith("!") != lock:
        flags += ["-L" if lock else "-U"]
    if flags:
        outcome.run(_program("usermod", args) + flags + [name])
    if changes_password:
        _password(name, ("!" + new.lstrip("!")) if lock else new, outcome)


def _membership(args: Dict[str, Any], outcome: Outcome) -> List[str]:
    """usermod's flags for the supplementary groups; libuser has another program for them."""
    if args["groups"] is None:
        return []
    name = args["name"]
    wanted = {group_entry(group).gr_name for group in args["groups"]}
    current = {entry.gr_name for entry in grp.getgrall() if name in entry.gr_mem}
    added, removed = wanted - current, set() if args["append"] else current - wanted
    if not added and not removed:
        return []
    if args["local"]:
        for group in sorted(added):
            outcome.run(["lgroupmod", "-M", name, group])
        for group in sorted(removed):
            outcome.run(["lgroupmod", "-m", name, group])
        return []
    return (["-a"] if args["append"] else []) + ["-G", ",".join(sorted(wanted))]


def shadow_of(name: str) -> List[str]:
    """The nine fields of an account in /etc/shadow; empty ones for who may not read it."""
    try:
        with open("/etc/shadow", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                parts = line.rstrip("\n").split(":")
                if parts[0] == name:
                    return (parts + [""] * 9)[:9]
    except OSError:
        pass
    return [name] + [""] * 8


def _expiry_differs(expires: float, shadow: List[str]) -> bool:
    days = shadow[_EXPIRY]
    if expires < 0:
        return days not in ("", "-1")
    return days != str(int(expires // DAY_S))


def _ages(args: Dict[str, Any], outcome: Outcome) -> None:
    """How long a password lasts."""
    shadow = shadow_of(args["name"])
    for option, field, flag in _AGES:
        if args[option] is not None and shadow[field] != str(args[option]):
            outcome.run(["chage", flag, str(args[option]), args["name"]])


def _make_home(args: Dict[str, Any], found: pwd.struct_passwd) -> None:
    skeleton = args["skeleton"] or "/etc/skel"
    try:
        os.makedirs(os.path.dirname(found.pw_dir), exist_ok=True)
        if os.path.isdir(skeleton):
            shutil.copytree(skeleton, found.pw_dir, symlinks=True)
        else:
            os.mkdir(found.pw_dir)
        os.chmod(found.pw_dir, 0o777 & ~int(args["umask"] or "022", 8))
    except (OSError, shutil.Error) as error:
        raise ModuleFailed("%s" % error, name=args["name"], rc=getattr(error, "errno", None))
    for folder, folders, files in os.walk(found.pw_dir):
        os.chown(folder, found.pw_uid, found.pw_gid)
        for name in folders + files:
            os.lchown(os.path.join(folder, name), found.pw_uid, found.pw_gid)
