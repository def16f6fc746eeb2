"""dnf: RPM packages, by the program dnf (or dnf5, or yum where neither is there)."""

import fnmatch
import os
import re
import time
from typing import Any, Dict, List, Tuple

from provisioner.agent.context import Context, ModuleFailed

_LIST: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}
_NO: Dict[str, Any] = {"type": "bool", "default": False}
ARGUMENTS: Dict[str, Any] = {
    "name": dict(_LIST, aliases=["pkg"]),
    "use_backend": {"default": "auto", "choices": ["auto", "dnf", "yum", "yum4", "dnf4", "dnf5"]},
    "list": {},
    "state": {"choices": ["absent", "present", "installed", "removed", "latest"]},
    "enablerepo": _LIST,
    "disablerepo": _LIST,
    "conf_file": {},
    "disable_gpg_check": _NO,
    "installroot": {"default": "/"},
    "releasever": {},
    "autoremove": _NO,
    "exclude": _LIST,
    "skip_broken": _NO,
    "update_cache": dict(_NO, aliases=["expire-cache"]),
    "update_only": _NO,
    "security": _NO,
    "bugfix": _NO,
    "enable_plugin": _LIST,
    "disable_plugin": _LIST,
    "disable_excludes": {},
    "validate_certs": {"type": "bool", "default": True},
    "sslverify": {"type": "bool", "default": True},
    "allow_downgrade": _NO,
    "install_repoquery": {"type": "bool", "default": True},
    "download_only": _NO,
    "lock_timeout": {"type": "int", "default": 30},
    "install_weak_deps": {"type": "bool", "default": True},
    "download_dir": {},
    "allowerasing": _NO,
    "nobest": {"type": "bool"},
    "best": {"type": "bool"},
    "cacheonly": _NO,
    "_rules": {
        "mutually_exclusive": [["name", "list"], ["autoremove", "list"], ["best", "nobest"]],
        "required_one_of": [["name", "list", "update_cache", "autoremove"]],
    },
}
_PROGRAMS = {"auto": ("dnf", "dnf5", "yum"), "dnf5": ("dnf5",), "dnf4": ("dnf-3", "dnf"), "yum": ("yum", "dnf")}
_LOCKED = re.compile(r"Waiting for process with pid|[Ff]ailed to obtain (the )?(transaction )?lock|lock.*held", re.MULTILINE)
_COMPARISON = re.compile(r"^(\S+?)\s*(<=|>=|==|=|<|>)\s*(\S+)$")
# What rpm prints of a package, so that names can be compared with and without version, release and architecture.
_FORMAT = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n"


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    program = _program(args["use_backend"], context)
    state = {"installed": "present", "removed": "absent"}.get(args["state"], args["state"])
    if state is None:
        state = "absent" if args["autoremove"] else "present"
    if args["autoremove"] and state != "absent":
        raise ModuleFailed("Autoremove should be used alone or with state=absent", results=[])
    if args["list"]:
        return _listed(program, args, context)
    if args["update_cache"] and not context.check:
        _dnf([program, *options(args), "makecache", "--refresh"], args, context)
    names = [name.strip() for name in args["name"] if name.strip()]
    if not names and not args["autoremove"]:
        return {"changed": False, "results": [], "rc": 0, "msg": "Cache updated"}
    before = installed(args["installroot"], context)
    words = transaction(names, state, args, before)
    result: Dict[str, Any] = {"changed": False, "results": [], "rc": 0, "msg": "Nothing to do"}
    if not words:
        return result
    if context.check:
        code, out, err = context.run([program, "--assumeno", *options(args), *words])
        if "Nothing to do" in out + err:
            return result
        if code not in (0, 1) or re.search(r"^(Error|No match)", err, re.MULTILINE):
            raise ModuleFailed((err or out).strip(), rc=code, results=[])
        return dict(result, changed=True, msg="Check mode: No changes made, but would have if not in check mode")
    out = _dnf([program, "-y", *options(args), *words], args, context)
    after = installed(args["installroot"], context)
    told = ["Installed: %s" % shown(one) for one in after if one not in before] + [
        "Removed: %s" % shown(one) for one in before if one not in after
    ]
    if args["download_only"]:
        return dict(result, changed="Nothing to do" not in out, results=out.splitlines(), msg="")
    return dict(result, changed=bool(told), results=told, msg="" if told else "Nothing to do")


Package = Tuple[str, str, str, str, str]


def shown(package: Package) -> str:
    name, _, version, release, arch = package
    return "%s-%s-%s.%s" % (name, version, release, arch)


def _program(backend: str, context: Context) -> str:
    names = _PROGRAMS.get({"yum4": "dnf4", "dnf": "auto"}.get(backend, backend), _PROGRAMS["auto"])
    for name in names:
        try:
            return context.which(name)
        except ModuleFailed:
            continue
    raise ModuleFailed(
        "Could not find any of the programs %s: this host has no package manager for RPM packages" % ", ".join(names), results=[]
    )


def options(args: Dict[str, Any]) -> List[str]:
    """Flags that every command takes."""
    words: List[str] = []
    for option, flag in (("enablerepo", "--enablerepo="), ("disablerepo", "--disablerepo="), ("exclude", "--exclude=")):
        words += [flag + ",".join(args[option])] if args[option] else []
    for option, flag in (("enable_plugin", "--enableplugin="), ("disable_plugin", "--disableplugin=")):
        words += [flag + name for name in args[option]]
    for option, flag in (("conf_file", "--config="), ("releasever", "--releasever="), ("disable_excludes", "--disableexcludes=")):
        words += [flag + args[option]] if args[option] else []
    if args["installroot"] != "/":
        words.append("--installroot=" + args["installroot"])
    for option, flag in (("disable_gpg_check", "--nogpgcheck"), ("skip_broken", "--skip-broken"), ("allowerasing", "--allowerasing")):
        words += [flag] if args[option] else []
    if args["best"] is not None or args["nobest"] is not None:
        best = args["best"] if args["best"] is not None else not args["nobest"]
        words.append("--best" if best else "--nobest")
    if args["cacheonly"]:
        words.append("--cacheonly")
    for option, flag in (
        ("sslverify", "sslverify=False"),
        ("validate_certs", "sslverify=False"),
        ("install_weak_deps", "install_weak_deps=False"),
    ):
        if not args[option] and "--setopt=" + flag not in words:
            words.append("--setopt=" + flag)
    if args["download_only"]:
        words += ["--downloadonly"] + (["--downloaddir=" + args["download_dir"]] if args["download_dir"] else [])
    return words


def installed(root: str, context: Context) -> List[Package]:
    command = [context.which("rpm")] + (["--root", root] if root != "/" else []) + ["-qa", "--queryformat", _FORMAT]
    _, out, _ = context.run(command, ok=[0])
    found = [tuple(line.split("\t")) for line in out.splitlines()]
    return sorted(one for one in found if len(one) == 5)


def is_installed(name: str, packages: List[Package]) -> bool:
    """Whether some package is what was named: name, name.arch, name-version, name-version-release.arch, with wildcards; >= and so on."""
    found = _COMPARISON.match(name)
    if found:
        return any(one[0] == found.group(1) and _compares(one[2], found.group(2), found.group(3)) for one in packages)
    for package in packages:
        base, epoch, version, release, arch = package
        forms = [base, base + "." + arch]
        for written in (version, "%s-%s" % (version, release), "%s:%s" % (epoch, version), "%s:%s-%s" % (epoch, version, release)):
            forms += ["%s-%s" % (base, written), "%s-%s.%s" % (base, written, arch)]
        if any(fnmatch.fnmatchcase(form, name) for form in forms):
            return True
    return False


def _compares(version: str, operator: str, wanted: str) -> bool:
    """Versions as rpm orders them, for what consists of numbers and letters."""
    left, right = (
        [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in re.findall(r"\d+|[A-Za-z]+", text)]
        for text in (version, wanted.split("-")[0])
    )
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(operator, left == right)


def transaction(names: List[str], state: str, args: Dict[str, Any], packages: List[Package]) -> List[str]:
    """dnf's command and its arguments; nothing where nothing is to be done."""
    if state == "absent":
        there = [name for name in names if name.startswith("@") or is_installed(name, packages)]
        if args["autoremove"] and not names:
            return ["autoremove"]
        if not there:
            return []
        return ["autoremove" if args["autoremove"] else "remove", *there]
    filters = (["--security"] if args["security"] else []) + (["--bugfix"] if args["bugfix"] else [])
    if state == "latest":
        if names == ["*"]:
            return ["upgrade-minimal" if filters else "upgrade", *filters]
        new = [] if args["update_only"] else [name for name in names if not is_installed(name, packages)]
        # A package that is there already is upgraded by `install` as well.
        return ["upgrade", *filters, *names] if not new else ["install", *filters, *names]
    wanted = names if args["allow_downgrade"] else [name for name in names if _is_file(name) or not is_installed(name, packages)]
    if args["update_only"]:
        wanted = [name for name in wanted if is_installed(name, packages)]
    return ["install", *wanted] if wanted else []


def _is_file(name: str) -> bool:
    return name.startswith("@") or "://" in name or (name.endswith(".rpm") and os.path.sep in name)


def _dnf(command: List[str], args: Dict[str, Any], context: Context) -> str:
    """The output; waits for a lock that another holds. Raises ModuleFailed."""
    deadline = time.monotonic() + args["lock_timeout"]
    while True:
        code, out, err = context.run(command)
        # 100 of check-update: there are some.
        if code == 0:
            return out
        if not _LOCKED.search(err) or time.monotonic() > deadline:
            said = (err or out).strip()
            if _LOCKED.search(err):
                said = "dnf's lock was not free within %d s: %s" % (args["lock_timeout"], said)
            missing = re.findall(r"^(?:No match for argument|Unable to find a match): (\S+)", err + out, re.MULTILINE)
            if missing:
                said = "Failed to install some of the specified packages"
            raise ModuleFailed(said, rc=code, results=[], failures=["%s: no package provides it" % name for name in missing] or [said])
        context.waits("dnf's lock is held by another process")
        time.sleep(1.0)


def _listed(program: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """The option `list`: installed, available, updates, repos, or a name."""
    what = args["list"]
    known = {"installed": ["--installed"], "available": ["--available"], "updates": ["--upgrades"], "upgrades": ["--upgrades"]}
    if what in ("repos", "repositories"):
        _, out, _ = context.run([program, *options(args), "repolist", "--enabled", "-q"], ok=[0])
        repos = [line.split()[0] for line in out.splitlines() if line.strip() and not line.startswith("repo id")]
        return {"changed": False, "msg": "", "results": [{"repoid": repo, "state": "enabled"} for repo in repos]}
    code, out, err = context.run([program, "-q", *options(args), "list", *known.get(what, [what])])
    if code != 0 and "No matching" not in err:
        raise ModuleFailed((err or out).strip(), rc=code, results=[])
    found = []
    for line in out.splitlines():
        words = line.split()
        if len(words) == 3 and "." in words[0]:
            name, _, arch = words[0].rpartition(".")
            epoch, _, rest = words[1].rpartition(":")
            version, _, release = rest.rpartition("-")
            entry = {
                "name": name,
                "arch": arch,
                "epoch": epoch or "0",
                "version": version,
                "release": release,
                "repo": words[2].lstrip("@"),
            }
            state = "installed" if words[2].startswith("@") else "available"
            found.append(dict(entry, envra="%s:%s-%s-%s.%s" % (epoch or "0", name, version, release, arch), yumstate=state))
    return {"changed": False, "msg": "", "results": found}
