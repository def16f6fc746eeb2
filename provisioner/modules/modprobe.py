"""modprobe: kernel modules loaded or removed, now and at every start."""

import os
import re
import shlex
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
    name, present = args["name"], args["state"] == "present"
    result: Dict[str, Any] = {"changed": False, "name": name, "params": args["params"], "state": args["state"]}
    program = context.which("modprobe")
    if present != loaded(name):
        result["changed"] = _switch(program, result, context)
    if args["persistent"] != "disabled":
        result["changed"] = _persist(args, context) or result["changed"]
    return result


def loaded(name: str) -> bool:
    """Whether the kernel has it, as a module or built in. Names with - and _ are the same."""
    wanted = name.replace("-", "_")
    if any(line.split(" ")[0] == wanted for line in reading.lines(LOADED)):
        return True
    built_in = os.path.join(LIBRARY, os.uname().release, "modules.builtin")
    return any(os.path.basename(line).split(".ko")[0].replace("-", "_") == wanted for line in reading.lines(built_in))


def _switch(program: str, result: Dict[str, Any], context: Context) -> bool:
    """Whether that changes something; in check mode modprobe says whether it could."""
    name, params = result["name"], shlex.split(result["params"])
    present = result["state"] == "present"
    tried = ["-n"] if context.check else []
    code, out, err = context.run([program, *tried, name, *params] if present else [program, "-r", name, *tried])
    if code != 0:
        raise ModuleFailed(err, rc=code, stdout=out, stderr=err, **result)
    if context.check or not present or loaded(name):
        return True
    # Known by another name, or kept out: whether it was there before, modprobe knows.
    code, _, err = context.run([program, "-n", "--first-time", name, *params])
    if code != 0:
        context.warn(err)
    return False


def _files(folder: str) -> List[str]:
    return [os.path.join(folder, name) for name in reading.names(folder) if name.endswith(".conf")]


def _persist(args: Dict[str, Any], context: Context) -> bool:
    """In modules-load.d a file with its name, in modprobe.d one with a line for each parameter; what is not wanted becomes a comment."""
    name, wanted = args["name"], args["params"].split()
    own = re.compile(r"^\s*%s\s*(?:[#;].*)?$" % re.escape(name))
    options = re.compile(r"^\s*options\s+%s\s+(.*?)\s*(?:[#;].*)?$" % re.escape(name))
    loading = _matching(LOAD_FOLDER, own)
    configured = _matching(OPTIONS_FOLDER, options)
    if args["persistent"] == "absent":
        for path, line in loading + configured:
            _comment_out(path, line, context)
        return bool(loading or configured)
    if not loading:
        _write(os.path.join(LOAD_FOLDER, name + ".conf"), name + "\n", context)
    found = {word for match in (options.match(line) for _, line in configured) if match for word in match.group(1).split()}
    if found == set(wanted):
        return not loading
    for path, line in configured:
        _comment_out(path, line, context)
    lines = ["options %s %s" % (name, word) for word in wanted]
    _write(os.path.join(OPTIONS_FOLDER, name + ".conf"), "\n".join(lines) + "\n", context)
    return True


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
