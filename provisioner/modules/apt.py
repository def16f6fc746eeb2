"""apt: Debian packages. Waits visibly for a lock that somebody else holds, and says who."""

import fnmatch
import os
import re
import time
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"type": "list", "aliases": ["package", "pkg"]},
    "deb": {"type": "path"},
    "state": {"default": "present", "choices": ["absent", "build-dep", "fixed", "latest", "present"]},
    "update_cache": {"type": "bool", "aliases": ["update-cache"]},
    "cache_valid_time": {"type": "int", "default": 0},
    "purge": {"type": "bool", "default": False},
    "default_release": {"aliases": ["default-release"]},
    "install_recommends": {"type": "bool", "aliases": ["install-recommends"]},
    "force": {"type": "bool", "default": False},
    "upgrade": {"default": "no", "choices": ["dist", "full", "no", "safe", "yes", "False", "True"]},
    "dpkg_options": {"default": "force-confdef,force-confold"},
    "autoremove": {"type": "bool", "default": False},
    "autoclean": {"type": "bool", "default": False},
    "clean": {"type": "bool", "default": False},
    "only_upgrade": {"type": "bool", "default": False},
    "allow_unauthenticated": {"type": "bool", "default": False},
    "allow_downgrade": {"type": "bool", "default": False, "aliases": ["allow-downgrade", "allow_downgrades", "allow-downgrades"]},
    "allow_change_held_packages": {"type": "bool", "default": False},
    "policy_rc_d": {"type": "int"},
    "lock_timeout": {"type": "int", "default": 60},
    "update_cache_retries": {"type": "int", "default": 5},
    "update_cache_retry_max_delay": {"type": "int", "default": 12},
    "force_apt_get": {"type": "bool", "default": False},
    "auto_install_module_deps": {"type": "bool", "default": True},
    "fail_on_autoremove": {"type": "bool", "default": False},
    "_rules": {"mutually_exclusive": [["deb", "name"]]},
}

LISTS = "/var/lib/apt/lists"
STAMP = "/var/lib/apt/periodic/update-success-stamp"
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    result: Dict[str, Any] = {"changed": False}
    updated = _update_cache(args, context)
    moment = _cache_time()
    result.update(cache_updated=updated, cache_update_time=int(moment))
    if args["upgrade"] not in ("no", "False"):
        return _upgrade(args, context, result)
    if args["deb"]:
        return _deb(args, context, result)
    if args["name"] is not None:
        names = [name.strip() for name in args["name"] if name.strip()]
        if args["state"] == "latest" and names == ["*"]:
            return _upgrade(dict(args, upgrade="yes"), context, result)
        result.update(_packages(args, names, context))
    elif updated and args["cache_valid_time"] == 0:
        result["changed"] = True
    for flag, verb in (("autoremove", "autoremove"), ("autoclean", "autoclean"), ("clean", "clean")):
        if args[flag] and (flag != "autoremove" or args["name"] is None):
            out = _apt(args, [verb] + (["--purge"] if args["purge"] and flag == "autoremove" else []), context)
            result["changed"] = result["changed"] or (flag != "clean" and bool(re.search(r"[1-9]\d* to remove|^Del ", out, re.MULTILINE)))
    return result


def _cache_time() -> float:
    for path in (STAMP, LISTS):
        if os.path.exists(path):
            return os.stat(path).st_mtime
    return 0.0


def _update_cache(args: Dict[str, Any], context: Context) -> bool:
    wanted = args["update_cache"] or (args["update_cache"] is None and args["cache_valid_time"] > 0)
    if not wanted or (args["cache_valid_time"] and time.time() - _cache_time() < args["cache_valid_time"]):
        return False
    if context.check:
        return True
    _refresh(args, context)
    return True


def update(context: Context, retries: int, max_delay: int) -> None:
    """Fetches the lists of packages anew. Raises ModuleFailed when no try succeeds."""
    args = {name: field.get("default") for name, field in ARGUMENTS.items() if name != "_rules"}
    _refresh(dict(args, update_cache_retries=retries, update_cache_retry_max_delay=max_delay), context)


def _refresh(args: Dict[str, Any], context: Context) -> None:
    delay = 1.0
    for attempt in range(args["update_cache_retries"] + 1):
        try:
            _apt(args, ["update", "-q"], context)
            os.utime(LISTS)
            return
        except ModuleFailed:
            if attempt == args["update_cache_retries"]:
                raise
            time.sleep(min(delay, args["update_cache_retry_max_delay"]))
            delay *= 2


def installed() -> Dict[str, str]:
    """Installed packages, by name and by name:architecture, with their versions; read from dpkg's own status file."""
    found: Dict[str, str] = {}
    try:
        with open("/var/lib/dpkg/status", encoding="utf-8", errors="replace") as file:
            paragraphs = file.read().split("\n\n")
    except OSError:
        return found
    for paragraph in paragraphs:
        fields: Dict[str, str] = {}
        for line in paragraph.split("\n"):
            key, colon, value = line.partition(": ")
            if colon and key in ("Package", "Status", "Version", "Architecture", "Provides"):
                fields[key] = value
        if fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = fields.get("Version", "")
            found["%s:%s" % (fields["Package"], fields.get("Architecture", ""))] = fields.get("Version", "")
    return found


def _split(name: str) -> Tuple[str, str]:
    """(package, version pattern) of name=version."""
    package, _, version = name.partition("=")
    return package.rstrip("+"), version


def _packages(args: Dict[str, Any], names: List[str], context: Context) -> Dict[str, Any]:
    present = installed()
    state = args["state"]
    if state == "build-dep":
        out = _apt(args, ["build-dep"] + names, context)
        return _said(out, "0 newly installed" not in out)
    if state == "fixed":
        out = _apt(args, ["install", "--fix-broken"], context)
        return _said(out, "0 upgraded, 0 newly installed" not in out)
    if state == "absent":
        gone = [name for name in names if any(fnmatch.fnmatchcase(package, _split(name)[0]) for package in present)]
        if not gone:
            return {"changed": False}
        out = _apt(args, ["purge" if args["purge"] else "remove"] + (["--auto-remove"] if args["autoremove"] else []) + gone, context)
        return _said(out, True)
    wanted = []
    for name in names:
        package, version = _split(name)
        matching = [v for p, v in present.items() if fnmatch.fnmatchcase(p, package)]
        if not matching:
            if not args["only_upgrade"]:
                wanted.append(name)
        elif version and not any(fnmatch.fnmatchcase(v, version) for v in matching):
            wanted.append(name)
        elif state == "latest" and not version:
            wanted.append(name)
    if not wanted:
        return {"changed": False}
    out = _apt(args, ["install"] + (["--only-upgrade"] if args["only_upgrade"] else []) + wanted, context)
    return _said(out, not re.search(r"^0 upgraded, 0 newly installed(, 0 downgraded)?, 0 to remove", out, re.MULTILINE))


def _said(out: str, changed: bool) -> Dict[str, Any]:
    return {"changed": changed, "stdout": out, "stderr": "", "stdout_lines": out.splitlines(), "stderr_lines": []}


def _upgrade(args: Dict[str, Any], context: Context, result: Dict[str, Any]) -> Dict[str, Any]:
    verb = {"dist": "dist-upgrade", "full": "full-upgrade"}.get(args["upgrade"], "upgrade")
    out = _apt(args, [verb] + (["--with-new-pkgs"] if verb == "upgrade" else []), context)
    result.update(_said(out, not re.search(r"^0 upgraded, 0 newly installed, 0 to remove", out, re.MULTILINE)), msg=out)
    return result


def _deb(args: Dict[str, Any], context: Context, result: Dict[str, Any]) -> Dict[str, Any]:
    path = args["deb"]
    if not os.path.exists(path):
        raise ModuleFailed("Unable to install package: %s does not exist" % path)
    _, out, _ = context.run(["dpkg-deb", "-f", path, "Package", "Version"], ok=[0])
    fields = dict(line.split(": ", 1) for line in out.strip().splitlines())
    if installed().get(fields["Package"]) == fields["Version"]:
        return result
    result.update(_said(_apt(args, ["install", os.path.abspath(path)], context), True))
    return result


def _apt(args: Dict[str, Any], words: List[str], context: Context) -> str:
    """Run apt-get; waits for a lock that another holds. Raises ModuleFailed."""
    command = [context.which("apt-get"), "-y", "-q"]
    for option in args["dpkg_options"].split(","):
        command += ["-o", "Dpkg::Options::=--%s" % option.strip()]
    if args["install_recommends"] is not None and words[0] in ("install", "upgrade", "dist-upgrade", "build-dep"):
        command += ["-o", "APT::Install-Recommends=%s" % ("yes" if args["install_recommends"] else "no")]
    if args["default_release"]:
        command += ["-t", args["default_release"]]
    for flag, option in (
        ("allow_unauthenticated", "--allow-unauthenticated"),
        ("allow_downgrade", "--allow-downgrades"),
        ("allow_change_held_packages", "--allow-change-held-packages"),
        ("force", "--force-yes"),
    ):
        if args[flag]:
            command.append(option)
    if context.check and words[0] != "update":
        command.append("--simulate")
    deadline = time.monotonic() + args["lock_timeout"]
    told = ""
    with _policy(args["policy_rc_d"], context):
        while True:
            code, out, err = context.run(command + words, env={"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical"})
            if code == 0:
                return out
            if not re.search(r"Could not get lock|Unable to lock|is another process using it", err):
                raise ModuleFailed("'%s' failed: %s" % (" ".join(command + words), (err or out).strip()), stdout=out, stderr=err, rc=code)
            if time.monotonic() > deadline:
                raise ModuleFailed(
                    "apt's lock was not free within %d s: %s holds it" % (args["lock_timeout"], _holder()), stdout=out, stderr=err, rc=code
                )
            waiting = "apt's lock is held by %s; waiting up to %d s" % (_holder(), args["lock_timeout"])
            if waiting != told:
                context.waits(waiting)
                told = waiting
            time.sleep(1.0)


def _holder() -> str:
    """The process that has one of the locks open, as name (pid)."""
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        try:
            for handle in os.listdir("/proc/%s/fd" % pid):
                if os.readlink("/proc/%s/fd/%s" % (pid, handle)) in LOCKS:
                    with open("/proc/%s/comm" % pid) as file:
                        return "%s (pid %s)" % (file.read().strip(), pid)
        except OSError:
            continue
    return "an unknown process"


class _policy:
    """While packages are installed, /usr/sbin/policy-rc.d decides whether their services start (policy_rc_d)."""

    PATH = "/usr/sbin/policy-rc.d"

    def __init__(self, code: Optional[int], context: Context) -> None:
        self._code = None if context.check else code
        self._saved: Optional[bytes] = None

    def __enter__(self) -> None:
        if self._code is None:
            return
        if os.path.exists(self.PATH):
            with open(self.PATH, "rb") as file:
                self._saved = file.read()
        with open(self.PATH, "w") as out:
            out.write("#!/bin/sh\nexit %d\n" % self._code)
        os.chmod(self.PATH, 0o755)

    def __exit__(self, *_: Any) -> None:
        if self._code is None:
            return
        if self._saved is None:
            os.unlink(self.PATH)
        else:
            with open(self.PATH, "wb") as file:
                file.write(self._saved)
