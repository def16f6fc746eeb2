"""apt: Debian packages: installed, upgraded, removed; the lists of what there is fetched anew."""

import os
import re
import tempfile
import time
from typing import Any, Dict, List, Tuple

from provisioner.agent import apt_names, web
from provisioner.agent.apt_get import apt_get, update
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "package": {"type": "list", "elements": "str", "aliases": ["pkg", "name"]},
    "deb": {"type": "path"},
    "state": {"default": "present", "choices": ["absent", "build-dep", "fixed", "latest", "present"]},
    "update_cache": {"type": "bool", "aliases": ["update-cache"]},
    "cache_valid_time": {"type": "int", "default": 0},
    "purge": {"type": "bool", "default": False},
    "default_release": {"aliases": ["default-release"]},
    "install_recommends": {"type": "bool", "aliases": ["install-recommends"]},
    "force": {"type": "bool", "default": False},
    "upgrade": {"default": "no", "choices": ["dist", "full", "no", "safe", "yes"]},
    "dpkg_options": {"default": "force-confdef,force-confold"},
    "autoremove": {"type": "bool", "default": False},
    "autoclean": {"type": "bool", "default": False},
    "clean": {"type": "bool", "default": False},
    "only_upgrade": {"type": "bool", "default": False},
    "allow_unauthenticated": {"type": "bool", "default": False, "aliases": ["allow-unauthenticated"]},
    "allow_downgrade": {"type": "bool", "default": False, "aliases": ["allow-downgrade", "allow_downgrades", "allow-downgrades"]},
    "allow_change_held_packages": {"type": "bool", "default": False},
    "policy_rc_d": {"type": "int"},
    "lock_timeout": {"type": "int", "default": 60},
    "update_cache_retries": {"type": "int", "default": 5},
    "update_cache_retry_max_delay": {"type": "int", "default": 12},
    "force_apt_get": {"type": "bool", "default": False},
    "auto_install_module_deps": {"type": "bool", "default": True},
    "fail_on_autoremove": {"type": "bool", "default": False},
    "_rules": {
        "mutually_exclusive": [["deb", "package", "upgrade"]],
        "required_one_of": [["autoremove", "deb", "package", "update_cache", "upgrade"]],
    },
}

LISTS = "/var/lib/apt/lists"
STAMP = "/var/lib/apt/periodic/update-success-stamp"
_NOTHING = re.compile(r"^0 upgraded, 0 newly installed(, 0 downgraded)?, 0 to remove", re.MULTILINE)
_UNMET = re.compile(r" : (?:Pre)?Depends: (.+?) but it is not (?:installable|going to be installed)")
# What apt-get says where cleaning up does something.
_CLEANED = {"autoremove": "The following packages will be REMOVED", "autoclean": "Del "}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    packages = [name.strip() for name in args["package"] or () if name.strip() != "*"]
    whole = "*" in (args["package"] or ())
    nothing_more = not args["package"] and args["upgrade"] == "no" and not args["deb"]
    if args["clean"]:
        code, out, err = (0, "", "") if context.check else _ran([context.which("apt-get"), "clean"], args, context)
        if code or err:
            raise ModuleFailed("apt-get clean failed" + (": " + err if err and not code else ""), stdout=out, rc=code)
        if nothing_more:
            return {"changed": True, "msg": out, "stdout": out, "stderr": err, "diff": _diff(out) if context.diff else {}}
    updated = _refreshed(args, context)
    cache = {"cache_updated": updated, "cache_update_time": int(_cache_time())}
    if (args["update_cache"] or args["cache_valid_time"]) and nothing_more:
        return dict(cache, changed=updated)
    if args["upgrade"] != "no":
        return _upgrade(args["upgrade"], args, context)
    if args["deb"]:
        return _deb(args, context)
    if whole and args["state"] == "latest":
        if packages:
            raise ModuleFailed("unable to install additional packages when upgrading all installed packages")
        return _upgrade("yes", args, context)
    for verb in ("autoclean", "autoremove"):
        if args[verb] and not packages:
            return _clean_up(verb, args, context)
    if args["state"] == "absent":
        return _remove(packages, args, context)
    try:
        return dict(_install(packages, args, context), **cache)
    except ModuleFailed as error:
        if not error.msg.startswith(("No package", "invalid package spec")):  # those are told before anything is looked at
            error.more.update(cache)
        raise


def _cache_time() -> float:
    for path in (STAMP, LISTS):
        if os.path.exists(path):
            return os.stat(path).st_mtime
    return 0.0


def _refreshed(args: Dict[str, Any], context: Context) -> bool:
    """Whether something new was fetched, or would be looked for, because that is wanted and the lists are older than allowed."""
    if not args["update_cache"] and not args["cache_valid_time"]:
        return False
    if time.time() - _cache_time() <= args["cache_valid_time"]:
        return False
    if context.check:
        return True
    before = _cache_time()
    update(context, args["update_cache_retries"], args["update_cache_retry_max_delay"], args["lock_timeout"])
    # apt leaves the time as it is where there is nothing new; that they were looked at counts for cache_valid_time.
    changed = _cache_time() != before
    os.utime(LISTS)
    return changed


def _install(packages: List[str], args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["state"] == "build-dep":
        wanted = list(packages)
    else:
        packages = apt_names.expanded(packages, context)
        wanted = packages if args["state"] == "fixed" else apt_names.to_install(packages, args, context)
    result: Dict[str, Any] = {"changed": False}
    if wanted:
        verb = "build-dep" if args["state"] == "build-dep" else "install"
        flags = ["--only-upgrade"] if args["only_upgrade"] else []
        flags += ["--fix-broken"] if args["state"] == "fixed" else []
        flags += ["--auto-remove"] if args["autoremove"] and verb == "install" else []
        command = _command(args, context, flags + [verb] + wanted)
        result = _said(command, args, context)
        if verb == "build-dep" or args["state"] == "fixed":
            result["changed"] = not _NOTHING.search(result["stdout"])
    if args["state"] != "build-dep" and not context.check:
        _mark_manual(packages, context)
    return result


def _mark_manual(packages: List[str], context: Context) -> None:
    """What somebody asks for is no longer there for others' sake only."""
    automatic = set(apt_names.marked_automatic()) if packages else set()
    asked = [name for name in (apt_names.split(text).name for text in packages) if name in automatic]
    if asked:
        context.run([context.which("apt-mark"), "manual"] + asked, ok=[0])


def _remove(packages: List[str], args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    there = apt_names.to_remove(apt_names.expanded(packages, context), args["purge"])
    if not there:
        return {"changed": False}
    flags = (["--purge"] if args["purge"] else []) + (["--auto-remove"] if args["autoremove"] else [])
    return _said(
        _command(args, context, flags + ["remove"] + there), args, context, "apt-get remove %s" % " ".join("'%s'" % name for name in there)
    )


def _clean_up(verb: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    result = _said(_command(args, context, (["--purge"] if args["purge"] else []) + [verb]), args, context, "apt-get " + verb)
    return dict(result, changed=_CLEANED[verb] in result["stdout"])


def _upgrade(mode: str, args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """Of all packages; by apt-get, which does what aptitude does with the same packages."""
    verb = ["dist-upgrade"] if mode in ("dist", "full") else ["upgrade", "--with-new-pkgs"]
    flags = ["--auto-remove"] if args["autoremove"] else []
    result = _said(_command(args, context, verb + flags), args, context, "apt-get " + " ".join(verb))
    result["msg"] = result["stdout"]
    if _NOTHING.search(result["stdout"]):
        result.update(changed=False)
        del result["diff"]
    return result


def _deb(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["state"] != "present":
        raise ModuleFailed("deb only supports state=present")
    paths, made = [], []
    try:
        for path in args["deb"].split(","):
            if "://" in path:
                path = _fetched(path, context)
                made.append(path)
            name, version = apt_names.of_file(path, context)
            current = apt_names.installed().get(name)
            if current and not args["allow_downgrade"] and not args["force"]:
                if context.run(["dpkg", "--compare-versions", current, "gt", version])[0] == 0:
                    raise ModuleFailed("A later version is already installed")
            if current != version:
                paths.append(os.path.abspath(path))
        if not paths:
            return {"changed": False, "stdout": "", "stderr": "", "diff": ""}
        result = _said(_command(args, context, ["install"] + paths), args, context)
        return dict(result, diff=_diff(result["stdout"]))
    except ModuleFailed as error:
        unmet = _UNMET.search(error.more.get("stdout", ""))
        if unmet:
            raise ModuleFailed("Dependency is not satisfiable: %s\n" % unmet.group(1))
        raise
    finally:
        for path in made:
            os.unlink(path)


def _fetched(url: str, context: Context) -> str:
    answer = web.ask({"url": url}, context)
    if answer.status != 200:
        raise ModuleFailed("Failure downloading %s, %s" % (url, answer.msg))
    handle, path = tempfile.mkstemp(prefix="provision-", suffix=".deb")
    with os.fdopen(handle, "wb") as file:
        answer.save(file)
    answer.close()
    os.chmod(path, 0o644)  # apt reads it as a user of its own
    return path


def _command(args: Dict[str, Any], context: Context, words: List[str]) -> List[str]:
    command = [context.which("apt-get"), "-y"]
    for option in args["dpkg_options"].split(","):
        command += ["-o", "Dpkg::Options::=--%s" % option.strip()]
    if args["install_recommends"] is not None:
        command += ["-o", "APT::Install-Recommends=%s" % ("yes" if args["install_recommends"] else "no")]
    if args["default_release"]:
        command += ["-t", args["default_release"]]
    for flag, option in (
        ("allow_unauthenticated", "--allow-unauthenticated"),
        ("allow_downgrade", "--allow-downgrades"),
        ("allow_change_held_packages", "--allow-change-held-packages"),
        ("force", "--force-yes"),
        ("fail_on_autoremove", "--no-remove"),
    ):
        # What is asked to go may take with it what needs it.
        if args[flag] and not (flag == "fail_on_autoremove" and args["state"] == "absent"):
            command.append(option)
    if context.check:
        command.append("--simulate")
    return command + words


def _ran(command: List[str], args: Dict[str, Any], context: Context) -> Tuple[int, str, str]:
    return apt_get(command, context, args["lock_timeout"], args["policy_rc_d"])


def _said(command: List[str], args: Dict[str, Any], context: Context, shown: str = "") -> Dict[str, Any]:
    code, out, err = _ran(command, args, context)
    if code != 0:
        raise ModuleFailed("'%s' failed: %s" % (shown or " ".join(command), err), stdout=out, stderr=err, rc=code)
    return {"changed": True, "stdout": out, "stderr": err, "diff": _diff(out) if context.diff else {}}


def _diff(out: str) -> Dict[str, str]:
    """The part of apt-get's words that says what it does."""
    lines = out.splitlines()
    start = lines.index("Reading state information...") + 1 if "Reading state information..." in lines else 0
    ends = [number for number, line in enumerate(lines) if re.match(r"[0-9]+ (packages )?upgraded", line)]
    return {"prepared": "\n".join(lines[start : ends[0] + 1 if ends else len(lines)])}
