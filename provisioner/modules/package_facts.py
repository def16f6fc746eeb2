"""package_facts: the host's packages with their versions, by name, as the fact `packages`."""

import os
from typing import Any, Callable, Dict, List, Tuple

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "manager": {"type": "list", "elements": "str", "default": ["auto"]},
    "strategy": {"default": "first", "choices": ["first", "all"]},
}
STATUS = "/var/lib/dpkg/status"
_AUTO = ["apk", "apt", "pacman", "pkg", "pkg_info", "portage", "rpm", "dnf", "dnf5", "yum", "zypper", "pkg5", "pkgng", "openbsd_pkg"]
_RPM = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\n"
Packages = List[Dict[str, Any]]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    unknown = sorted({str(name) for name in args["manager"]} - {"auto", *_AUTO})
    if unknown:
        raise ModuleFailed("Unsupported package managers requested: %s" % ", ".join(unknown))
    managers: List[str] = [name for name in args["manager"] if name != "auto"] + (_AUTO if "auto" in args["manager"] else [])
    packages: Dict[str, Packages] = {}
    found = 0
    for name in managers:
        if found and args["strategy"] == "first":
            break
        there, ask = _MANAGERS.get(name, (_never, None))
        if ask is None or not there():
            if "auto" not in args["manager"] or name in args["manager"]:
                context.warn("Requested package manager %s was not usable by this module" % name)
            continue
        found += 1
        for package in ask(context):
            package["source"] = name
            packages.setdefault(package["name"], []).append(package)
    if not found:
        raise ModuleFailed(
            "Could not detect a supported package manager from the following list: %s, or the required Python library is not installed."
            " Check warnings for details." % managers
        )
    return {"changed": False, "ansible_facts": {"packages": packages}}


def apt(context: Context) -> Packages:
    """Of dpkg's own database; where a package came from, apt knows."""
    with open(STATUS, encoding="utf-8", errors="replace") as file:
        packages = installed(file.read())
    if packages and _has("/usr/bin/apt-cache")():
        _, releases, _ = context.run(["apt-cache", "policy"])
        _, versions, _ = context.run(["apt-cache", "policy", *("%s:%s" % (package["name"], package["arch"]) for package in packages)])
        known = origins(releases, versions)
        for package in packages:
            package["origin"] = known.get(package["name"], "")
    return packages


def origins(releases: str, versions: str) -> Dict[str, str]:
    """Who publishes what is installed, by package: of what `apt-cache policy` says of all sources, and of packages."""
    publishers, found = {}, {}  # type: Dict[str, str], Dict[str, str]
    source = name = ""
    expected = False
    for line in releases.splitlines():
        words = line.split()
        if words[:1] == ["release"]:
            fields = dict(part.partition("=")[::2] for part in line.strip()[len("release ") :].split(","))
            publishers[source] = fields.get("o", "")
        elif words and words[0].lstrip("-").isdigit():
            source = " ".join(words[1:])
    for line in versions.splitlines():
        if line and not line.startswith(" "):
            name = line.rstrip(":").partition(":")[0]
        elif expected:  # the first source below the version that is installed
            found.setdefault(name, publishers.get(" ".join(line.split()[1:]), ""))
        expected = line.startswith(" *** ")
    return found


def installed(text: str) -> Packages:
    found = []
    for paragraph in text.split("\n\n"):
        fields = {}
        for line in paragraph.split("\n"):
            key, sign, value = line.partition(":")
            if sign and not key.startswith(" "):
                fields[key] = value.strip()
        if fields.get("Status", "").split(" ")[-1:] == ["installed"]:
            found.append(
                {
                    "name": fields["Package"],
                    "version": fields.get("Version", ""),
                    "arch": fields.get("Architecture", ""),
                    "category": fields.get("Section", ""),
                    "origin": "",
                }
            )
    return found


def rpm(context: Context) -> Packages:
    _, out, _ = context.run([context.which("rpm"), "-qa", "--queryformat", _RPM], ok=[0])
    found: Packages = []
    for line in out.splitlines():
        name, version, release, epoch, arch = line.split("\t")
        entry: Dict[str, Any] = {"name": name, "version": version, "release": release, "arch": None if arch == "(none)" else arch}
        entry["epoch"] = None if epoch == "(none)" else int(epoch)
        found.append(entry)
    return found


def apk(context: Context) -> Packages:
    _, out, _ = context.run([context.which("apk"), "info", "-v"], ok=[0])
    found: Packages = []
    for line in out.splitlines():
        name, _, release = line.rpartition("-")
        name, _, version = name.rpartition("-")
        if name:
            found.append({"name": name, "version": version, "release": release})
    return found


def pacman(context: Context) -> Packages:
    _, out, _ = context.run([context.which("pacman"), "-Q"], ok=[0])
    return [{"name": line.split()[0], "version": line.split()[1]} for line in out.splitlines() if len(line.split()) > 1]


def _never() -> bool:
    return False


def _has(*paths: str) -> Callable[[], bool]:
    return lambda: any(os.path.exists(path) for path in paths)


_MANAGERS: Dict[str, Tuple[Callable[[], bool], Callable[[Context], Packages]]] = {
    "apt": (lambda: os.path.exists(STATUS) and os.path.getsize(STATUS) > 0, apt),
    "rpm": (_has("/usr/bin/rpm", "/bin/rpm"), rpm),
    "dnf": (_has("/usr/bin/dnf"), rpm),
    "dnf5": (_has("/usr/bin/dnf5"), rpm),
    "yum": (_has("/usr/bin/yum"), rpm),
    "zypper": (_has("/usr/bin/zypper"), rpm),
    "apk": (_has("/sbin/apk"), apk),
    "pacman": (_has("/usr/bin/pacman"), pacman),
}
