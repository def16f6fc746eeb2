"""sysctl: kernel parameters, in their file and in the kernel."""

import os
import re
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True, "aliases": ["key"]},
    "value": {"aliases": ["val"]},
    "state": {"default": "present", "choices": ["present", "absent"]},
    "ignoreerrors": {"type": "bool", "default": False},
    "reload": {"type": "bool", "default": True},
    "sysctl_file": {"type": "path", "default": "/etc/sysctl.conf"},
    "sysctl_set": {"type": "bool", "default": False},
    "_rules": {"required_if": [["state", "present", ["value"]]]},
}
_YES, _NO = ("yes", "on", "true"), ("no", "off", "false")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, value = args["name"].strip(), value_of(args["value"])
    if not name:
        raise ModuleFailed("name cannot be blank")
    if args["state"] == "present" and value == "":
        raise ModuleFailed("value cannot be blank")
    path = args["sysctl_file"]
    before = _read(path)
    after, file_changed = changed_text(before, name, value if args["state"] == "present" else None)
    set_kernel = args["sysctl_set"] and args["state"] == "present" and _differs(name, value)
    changed = file_changed or set_kernel
    if not changed or context.check:
        return {"changed": changed}
    if set_kernel:
        _set(name, value, args["ignoreerrors"], context)
    if file_changed:
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise ModuleFailed("Failed to create %s: the folder %s does not exist" % (path, folder))
        contents.write(path, after.encode("utf-8", "surrogateescape"))
    if file_changed and args["reload"]:
        _reload(path, args["ignoreerrors"], context)
    return {"changed": True}


def value_of(value: Optional[str]) -> str:
    """As the kernel takes it: words for yes and no are numbers, white space is single."""
    text = (value or "").strip()
    if text.lower() in _YES:
        return "1"
    if text.lower() in _NO:
        return "0"
    return text


def _read(path: str) -> str:
    if not os.path.exists(path):
        return ""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        raise ModuleFailed("Failed to open %s: %s" % (path, error.strerror))


def _parts(line: str) -> Optional[Tuple[str, str]]:
    """(name, value) of a line that sets something."""
    text = line.strip()
    if not text or text[0] in "#;" or "=" not in text:
        return None
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def changed_text(text: str, name: str, value: Optional[str]) -> Tuple[str, bool]:
    """The file with the name set (None: without it), and whether that is a change. Where it is one, all lines are written as name=value."""
    lines = text.splitlines()
    current = [parts[1] for parts in map(_parts, lines) if parts is not None and parts[0] == name]
    if (not current) if value is None else (current[-1:] == [value]):
        return text, False
    made: List[str] = []
    seen = set()
    for line in lines:
        parts = _parts(line)
        if parts is None:
            made.append(line.strip())
            continue
        if parts[0] in seen or (parts[0] == name and value is None):
            continue
        seen.add(parts[0])
        made.append("%s=%s" % (name, value) if parts[0] == name else "%s=%s" % parts)
    if value is not None and name not in seen:
        made.append("%s=%s" % (name, value))
    return "".join(line + "\n" for line in made), True


def _proc_path(name: str) -> str:
    """Names have dots between their parts or, where a part has dots itself, slashes and dots the other way round."""
    first = re.search(r"[./]", name)
    if first is not None and first.group() == "/":
        return "/proc/sys/" + name
    return "/proc/sys/" + name.translate(str.maketrans("./", "/."))


def _differs(name: str, value: str) -> bool:
    try:
        with open(_proc_path(name)) as file:
            return file.read().split() != value.split()
    except OSError:
        return True


def _set(name: str, value: str, ignore: bool, context: Context) -> None:
    command = [context.which("sysctl")] + (["-e"] if ignore else []) + ["-w", "%s=%s" % (name, value)]
    code, out, err = context.run(command)
    # sysctl may complain and end with 0.
    if (code != 0 or re.search(r"Invalid argument|Read-only file system", err)) and not ignore:
        raise ModuleFailed("setting %s failed: %s" % (name, out + err))


def _reload(path: str, ignore: bool, context: Context) -> None:
    command = [context.which("sysctl")] + (["-e"] if ignore else []) + ["-p", path]
    code, out, err = context.run(command)
    if (code != 0 or re.search(r"Invalid argument|Read-only file system", err)) and not ignore:
        raise ModuleFailed("Failed to reload sysctl: %s" % (out + err))
