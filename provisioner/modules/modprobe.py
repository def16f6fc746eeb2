"""modprobe: kernel modules loaded or removed, now and at every start."""

import os
import re
from typing import Any, Dict, List, Tuple

from provisioner.agent import contents
from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.facts import reading

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True},
    "params": {"default": ""},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "persistent": {"default": "disabled", "choices": ["disabled", "absent", "present"]},
}
LOADED = "/proc/modules"
LIBRARY = "/lib/modules"
LOAD_FOLDER = "/etc/modules-load.d"
OPTIONS_FOLDER = "/etc/modprobe.d"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, params, present = args["name"], args["params"], args["state"] == "present"
    context.which("modprobe")
    changed = False
    if present != loaded(name):
        changed = True
        if not context.check:
            _switch(name, params, present, context)
    if args["persistent"] != "disabled":
        changed = _persist(args, context) or changed
    return {"changed": changed, "name": name, "params": params, "state": args["state"]}


def loaded(name: str) -> bool:
    """Whether the kernel has it, as a module or built in. Names with - and _ are the same."""
    wanted = name.replace("-", "_")
    if any(line.split(" ")[0] == wanted for line in reading.lines(LOADED)):
        return True
    built_in = os.path.join(LIBRARY, os.uname().release, "modules.builtin")
    return any(os.path.basename(line).split(".ko")[0].replace("-", "_") == wanted for line in reading.lines(built_in))


def _switch(name: str, params: str, present: bool, context: Context) -> None:
    command = [context.which("modprobe")]
    command += [name, *params.split()] if present else ["-r", name]
    code, out, err = context.run(command)
    if code != 0:
        raise ModuleFailed(err, rc=code, stdout=out, stderr=err)
    if not present and loaded(name):
        raise ModuleFailed("%s is still loaded" % name, rc=code, stdout=out, stderr=err)


def _files(folder: str) -> List[str]:
    return [os.path.join(folder, name) for name in reading.names(folder) if name.endswith(".conf")]


def _persist(args: Dict[str, Any], context: Context) -> bool:
    name, params = args["name"], args["params"]
    own = re.compile(r"^\s*%s\s*(?:[#;].*)?$" % re.escape(name))
    options = re.compile(r"^\s*options\s+%s\s+(.*?)\s*(?:[#;].*)?$" % re.escape(name))
    loading = _matching(LOAD_FOLDER, own)
    configured = _matching(OPTIONS_FOLDER, options)
    if args["persistent"] == "absent":
        for path, line in loading + configured:
            _comment_out(path, line, context)
        return bool(loading or configured)
    changed = False
    if not loading:
        changed = True
        _write(os.path.join(LOAD_FOLDER, name + ".conf"), name + "\n", context)
    found = [match.group(1) for match in (options.match(line) for _, line in configured) if match]
    if params and found != [params]:
        changed = True
        for path, line in configured:
            _comment_out(path, line, context)
        _write(os.path.join(OPTIONS_FOLDER, name + ".conf"), "options %s %s\n" % (name, params), context)
    return changed


def _matching(folder: str, pattern: "re.Pattern[str]") -> List[Tuple[str, str]]:
    return [(path, line) for path in _files(folder) for line in reading.lines(path) if pattern.match(line)]


def _write(path: str, text: str, context: Context) -> None:
    if not context.check:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        contents.write(path, text.encode())


def _comment_out(path: str, line: str, context: Context) -> None:
    if not context.check:
        made = ["#" + old if old.strip() == line.strip() else old for old in reading.lines(path)]
        contents.write(path, "".join(one + "\n" for one in made).encode())
