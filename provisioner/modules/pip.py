"""pip: Python packages, of the host's Python or in a virtual environment that is made when it is not there."""

import os
import re
import shlex
import sys
import tempfile
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "state": {"default": "present", "choices": ["present", "absent", "latest", "forcereinstall"]},
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


# Asked of a Python of its own: the agent runs without what is installed for it (-S).
_HAS_PIP = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pip') is None)"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["umask"] is not None:
        _set_umask(args["umask"])
    if args["version"] is not None and args["state"] == "latest":
        raise ModuleFailed("version is incompatible with state=latest")
    folder = args["virtualenv"]
    if folder:
        folder = os.path.join(args["chdir"] or os.path.abspath("."), folder)
    said = Said(args, folder, context)
    fresh = bool(folder) and not os.path.exists(os.path.join(folder, "bin", "activate"))
    if fresh:
        if context.check:  # it would be made, and all would be installed
            return {"changed": True}
        said.done([*_maker(args, context), folder])
    pip = _pip(args, folder, context)
    names = _wanted(args)
    options = _options(args)
    command = pip + _VERB[args["state"]] + options + (names if args["name"] else ["-r", args["requirements"]])
    if context.check:
        return {"changed": True} if options or not names or args["state"] == "latest" else _checked(args["state"], names, pip, said)
    return {
        "changed": _change(args, pip, command, said) or fresh,
        "cmd": command,
        "name": args["name"],
        "version": args["version"],
        "state": args["state"],
        "requirements": args["requirements"],
        "virtualenv": folder,
        "stdout": said.out,
        "stderr": said.err,
    }


class Said:
    """Runs commands as this task asks, and keeps what they said."""

    def __init__(self, args: Dict[str, Any], folder: Optional[str], context: Context) -> None:
        self.out, self.err = "", ""
        self._args, self._context = args, context
        self._env = {"PATH": "%s:%s" % (os.path.join(folder, "bin"), os.environ.get("PATH", os.defpath))} if folder else {}
        if args["break_system_packages"]:  # a pip that does not know of this has no such option
            self._env["PIP_BREAK_SYSTEM_PACKAGES"] = "1"

    def run(self, command: List[str]) -> Tuple[int, str]:
        """(exit code, all it said)"""
        code, out, err = self._context.run(command, cwd=self._args["chdir"] or tempfile.gettempdir(), env=self._env)
        self.out, self.err = self.out + out, self.err + err
        return code, out + err

    def done(self, command: List[str]) -> str:
        code, text = self.run(command)
        if code != 0:
            self.fail(command)
        return text

    def fail(self, command: List[str]) -> None:
        told = "stdout: %s" % self.out if self.out else ""
        raise ModuleFailed(told + ("\n:stderr: %s" % self.err if self.err else ""), cmd=command)


def _wanted(args: Dict[str, Any]) -> List[str]:
    """The packages as pip takes them. Raises ModuleFailed for a version that can't be meant."""
    names = joined(args["name"] or [])
    version = args["version"]
    if version is None or not names:
        return names
    if len(names) > 1:
        raise ModuleFailed(
            "'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next"
            " to each package in 'name' argument."
        )
    plain = _REQUIREMENT.match(names[0])
    if plain and plain.group(3):
        raise ModuleFailed(
            "The 'version' argument conflicts with any version specifier provided along with a package name. "
            "Please keep the version specifier, but remove the 'version' argument."
        )
    return [names[0] + ("==" if version[:1].isdigit() else "") + version]


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
    words = shlex.split(args["extra_args"] or "")
    return [*words, "-e"] if args["editable"] and "-e" not in words else words


def _pip(args: Dict[str, Any], folder: Optional[str], context: Context) -> List[str]:
    names = ["pip3"]
    if args["executable"]:
        if os.path.isabs(args["executable"]):
            return [args["executable"]]
        names = [args["executable"]]
    elif folder:
        names = ["pip3", "pip"]
        for name in names:
            if os.access(os.path.join(folder, "bin", name), os.X_OK):
                return [os.path.join(folder, "bin", name)]
        raise ModuleFailed(
            "Unable to find pip in the virtualenv, %s, under any of these names: %s. Make sure pip is present in the virtualenv."
            % (folder, ", ".join(names))
        )
    elif context.run([sys.executable, "-c", _HAS_PIP])[0] == 0:
        return [sys.executable, "-m", "pip"]
    try:
        return [context.which(names[0])]
    except ModuleFailed:
        raise ModuleFailed("Unable to find any of %s to use.  pip needs to be installed." % ", ".join(names))


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
    return [*words, "-p%s" % (args["virtualenv_python"] or sys.executable)]


def _change(args: Dict[str, Any], pip: List[str], command: List[str], said: Said) -> bool:
    """Whether pip changed anything: by its words, or where these don't tell (requirements, repositories) by what is there."""
    listed = bool(args["requirements"]) or any(re.match(r"(svn|git|hg|bzr)\+", name) for name in args["name"] or [])
    before = _packages(pip, said)[1] if listed else ""
    code, text = said.run(command)
    # What is not there needs no removing.
    if code != 0 and not (code == 1 and args["state"] == "absent" and "not installed" in text):
        said.fail(command)
    if args["state"] == "absent":
        return "Successfully uninstalled" in text
    return _packages(pip, said)[1] != before if listed else "Successfully installed" in text


def _checked(state: str, names: List[str], pip: List[str], said: Said) -> Dict[str, Any]:
    command, out = _packages(pip, said, told=True)
    there = {normalized(name): version for name, _, version in (line.partition("==") for line in out.splitlines()) if version}
    found = [_satisfied(name, there) for name in names]
    changed = (state == "present" and not all(found)) or (state == "absent" and any(found))
    return {"changed": changed, "cmd": " ".join(command), "stdout": said.out, "stderr": said.err}


def _packages(pip: List[str], said: Said, told: bool = False) -> Tuple[List[str], str]:
    """(how it was asked, what is installed); only where `told` it counts among what was said."""
    kept = said.out, said.err
    for command in ([*pip, "list", "--format=freeze"], [*pip, "freeze"]):  # an old pip lists in no such form
        said.out, said.err = "", ""
        code, _ = said.run(command)
        out, err = said.out, said.err
        if code == 0:
            break
    else:
        said.fail(command)
    said.out, said.err = (kept[0] + out, kept[1] + err) if told else kept
    return command, out


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
