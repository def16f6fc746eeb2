"""pip: Python packages, of the host's Python or in a virtual environment that is made when it is not there."""

import os
import re
import shlex
import sys
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "state": {"default": "present", "choices": ["absent", "forcereinstall", "latest", "present"]},
    "name": {"type": "list", "elements": "str"},
    "version": {},
    "requirements": {},
    "virtualenv": {"type": "path"},
    "virtualenv_site_packages": {"type": "bool", "default": False},
    "virtualenv_command": {"type": "path", "default": "virtualenv"},
    "virtualenv_python": {},
    "extra_args": {},
    "editable": {"type": "bool", "default": False},
    "chdir": {"type": "path"},
    "executable": {"type": "path"},
    "umask": {},
    "break_system_packages": {"type": "bool", "default": False},
    "_rules": {
        "required_one_of": [["name", "requirements"]],
        "mutually_exclusive": [["name", "requirements"], ["executable", "virtualenv"]],
    },
}
_VERB = {
    "present": ["install"],
    "absent": ["uninstall", "-y"],
    "latest": ["install", "-U"],
    "forcereinstall": ["install", "-U", "--force-reinstall"],
}
# A specifier begins within an item that a list's commas have cut off.
_SPECIFIER = re.compile(r"^\s*(===|==|!=|<=|>=|<|>|~=)")
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*((?:===|==|!=|<=|>=|<|>|~=).*)?$")
_PATHS = ("git+", "hg+", "svn+", "bzr+", "http://", "https://", "file:", ".", "/")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    names = joined(args["name"] or [])
    if args["version"] is not None:
        if args["state"] == "latest":
            raise ModuleFailed("version is incompatible with state=latest")
        if len(names) > 1:
            raise ModuleFailed(
                "'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next"
                " to each package in 'name' argument."
            )
        if names and _REQUIREMENT.match(names[0]) and _REQUIREMENT.match(names[0]).group(3):  # type: ignore[union-attr]
            raise ModuleFailed("The 'version' argument conflicts with any version specifier provided along with a package name.")
        names = ["%s==%s" % (name, args["version"]) for name in names]
    if args["umask"] is not None:
        _set_umask(args["umask"])
    said = Said()
    made = _environment(args, said, context)
    if made is None:  # it would be made, and all would be installed
        return {"changed": True}
    pip, fresh = made
    command = pip + _VERB[args["state"]] + _options(args) + (names if args["name"] else ["-r", args["requirements"]])
    changed = _change(args, names, pip, command, said, context)
    result: Dict[str, Any] = {
        "changed": changed or fresh,
        "cmd": command,
        "name": args["name"],
        "version": args["version"],
        "state": args["state"],
        "requirements": args["requirements"],
        "virtualenv": args["virtualenv"],
        "stdout": said.out,
        "stderr": said.err,
    }
    return {"changed": result["changed"]} if context.check else result


class Said:
    def __init__(self) -> None:
        self.out, self.err = "", ""

    def run(self, command: List[str], args: Dict[str, Any], context: Context) -> None:
        code, out, err = context.run(command, cwd=args["chdir"])
        # What is not there needs no removing.
        if code != 0 and not (args["state"] == "absent" and re.search(r"[Nn]ot installed", out + err)):
            msg = "stdout: %s\n" % out if out else ""
            raise ModuleFailed(
                (msg + (":stderr: %s" % err if err else "")) or "pip failed",
                cmd=command, rc=code, stdout=out, stderr=err, stdout_lines=out.splitlines(), stderr_lines=err.splitlines(),
            )  # fmt: skip
        self.out, self.err = self.out + out, self.err + err


def joined(items: List[str]) -> List[str]:
    """Names as they were meant: `a>=1,<2` came apart at the comma of the list."""
    found: List[str] = []
    for item in items:
        if found and _SPECIFIER.match(item):
            found[-1] += "," + item.strip()
        elif item.strip():
            found.append(item.strip())
    return found


def _set_umask(text: str) -> None:
    try:
        os.umask(int(text, 8))
    except ValueError as error:
        raise ModuleFailed("umask must be an octal integer", details=str(error))


def _options(args: Dict[str, Any]) -> List[str]:
    words: List[str] = []
    if args["break_system_packages"]:
        words.append("--break-system-packages")
    if args["extra_args"]:
        words += shlex.split(args["extra_args"])
    if args["editable"] and args["state"] != "absent" and args["name"]:
        words.append("-e")
    return words


def _environment(args: Dict[str, Any], said: Said, context: Context) -> Optional[Tuple[List[str], bool]]:
    """(the command pip, whether a virtual environment was made for it)"""
    folder = args["virtualenv"]
    if folder:
        folder = os.path.join(args["chdir"] or ".", folder) if not os.path.isabs(folder) else folder
        fresh = not os.path.exists(os.path.join(folder, "bin", "activate"))
        if fresh:
            if context.check:
                return None
            said.run(_maker(args, context) + [args["virtualenv"]], args, context)
        return [_pip_of(os.path.join(folder, "bin"))], fresh
    if args["executable"]:
        return [args["executable"] if os.path.isabs(args["executable"]) else context.which(args["executable"])], False
    code, _, _ = context.run([sys.executable, "-m", "pip", "--version"])
    if code == 0:
        return [sys.executable, "-m", "pip"], False
    for name in ("pip3", "pip"):
        try:
            return [context.which(name)], False
        except ModuleFailed:
            continue
    raise ModuleFailed("Unable to find any of pip3, pip to use.  pip needs to be installed.")


def _pip_of(folder: str) -> str:
    for name in ("pip", "pip3"):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise ModuleFailed(
        "Unable to find pip in the virtualenv, %s, under any of these names: pip, pip3. Make sure pip is present in the virtualenv."
        % folder
    )


def _maker(args: Dict[str, Any], context: Context) -> List[str]:
    words = shlex.split(args["virtualenv_command"])
    if os.path.basename(words[0]) == words[0]:
        words[0] = context.which(words[0])
    is_venv = "venv" in words[1:] or os.path.basename(words[0]).startswith("pyvenv")
    if args["virtualenv_site_packages"]:
        words.append("--system-site-packages")
    if is_venv:
        if args["virtualenv_python"]:
            raise ModuleFailed("virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command")
        return words
    return [*words, "-p", args["virtualenv_python"] or sys.executable]


def _change(args: Dict[str, Any], names: List[str], pip: List[str], command: List[str], said: Said, context: Context) -> bool:
    before = _freeze(pip, context)
    if context.check:
        if args["requirements"] or args["state"] in ("latest", "forcereinstall") or args["editable"]:
            return True
        there = [_satisfied(name, before) for name in names]
        return any(there) if args["state"] == "absent" else not all(there)
    if args["state"] == "present" and args["name"] and not args["extra_args"] and not args["editable"]:
        if all(_satisfied(name, before) for name in names):
            return False
    said.run(command, args, context)
    if args["state"] == "forcereinstall":
        return True
    return _freeze(pip, context) != before


def _freeze(pip: List[str], context: Context) -> Dict[str, str]:
    """Installed packages with their versions, by normalized name (PEP 503); pip list knows those that freeze leaves out."""
    code, out, err = context.run([*pip, "list", "--format=freeze", "--disable-pip-version-check"])
    if code != 0:
        raise ModuleFailed("can't list what is installed: %s" % (err or out).strip(), cmd=pip, rc=code)
    return {normalized(name): version for name, _, version in (line.partition("==") for line in out.splitlines()) if version}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> List[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _satisfied(requirement: str, installed: Dict[str, str]) -> bool:
    """Whether a package is there in a version that fits; of what is no plain name nobody can tell before."""
    if requirement.startswith(_PATHS):
        return False
    found = _REQUIREMENT.match(requirement.split(";")[0])
    if found is None:
        return False
    version = installed.get(normalized(found.group(1)))
    if version is None:
        return False
    if found.group(2) and version:
        return False  # extras need packages of their own
    return all(fits(version, part.strip()) for part in (found.group(3) or "").split(",") if part.strip())


def fits(version: str, specifier: str) -> bool:
    """One clause of PEP 440 for final releases; for others it may say no where pip then finds nothing to do."""
    found = re.match(r"^(===|==|!=|<=|>=|<|>|~=)\s*(\S+)$", specifier)
    if found is None:
        return False
    operator, wanted = found.groups()
    if operator == "===":
        return version == wanted
    if operator in ("==", "!="):
        same = version.startswith(wanted[:-1]) or version == wanted[:-2] if wanted.endswith(".*") else _padded(version, wanted)
        return same == (operator == "==")
    if re.search(r"[a-z]", version + wanted):
        return False
    mine, other = _numbers(version), _numbers(wanted)
    length = max(len(mine), len(other))
    left, right = mine + [0] * (length - len(mine)), other + [0] * (length - len(other))
    if operator == "~=":
        return left >= right and mine[: len(other) - 1] == other[:-1]
    return {"<=": left <= right, ">=": left >= right, "<": left < right, ">": left > right}[operator]


def _padded(version: str, wanted: str) -> bool:
    """Equal but for zeros at the end: 1.0 is 1.0.0."""
    return re.sub(r"(\.0)+$", "", version) == re.sub(r"(\.0)+$", "", wanted)
