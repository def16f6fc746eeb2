"""apt_repository: a line of a package source in /etc/apt, in its one-line format (sources.list(5))."""

import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from provisioner.agent import apt_get, attributes, contents, web
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "repo": {"required": True},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "mode": {"type": "raw"},
    "update_cache": {"type": "bool", "default": True, "aliases": ["update-cache"]},
    "update_cache_retries": {"type": "int", "default": 5},
    "update_cache_retry_max_delay": {"type": "int", "default": 12},
    "filename": {},
    "install_python_apt": {"type": "bool", "default": True},
    "validate_certs": {"type": "bool", "default": True},
    "codename": {},
}
LIST = "/etc/apt/sources.list"
PARTS = "/etc/apt/sources.list.d"
TRUSTED = "/etc/apt/trusted.gpg.d"
_SOURCE = re.compile(r"^(?P<kind>deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>\S+\s+\S.*)$")
_PPA_API = "https://api.launchpad.net/1.0/~%s/+archive/%s"
_PPA_URI = "http://ppa.launchpad.net/%s/%s/ubuntu"
_PPA_KEYS = "hkp://keyserver.ubuntu.com:80"
Files = Dict[str, List[str]]


class Source(NamedTuple):
    text: str
    enabled: bool


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    repo, present = args["repo"], args["state"] == "present"
    if not repo:
        raise ModuleFailed("Please set argument 'repo' to a non-empty value")
    wanted, name, key = _wanted(args, context)
    before = _read()
    after = with_source(before, wanted, _file(args, name)) if present else without_source(before, wanted)
    changed = {path for path in set(before) | set(after) if before.get(path) != after.get(path)}
    result: Dict[str, Any] = {
        "changed": bool(changed),
        "repo": repo,
        "sources_added": sorted(set(after) - set(before)),
        "sources_removed": sorted(set(before) - set(after)),
        "state": args["state"],
    }
    result["diff"] = [_diff(path, before, after) for path in sorted(changed)] if context.diff else []
    if changed and not context.check:
        if key and present:
            _trust(key, name, context)
        _write(changed, before, after, args)
        if args["update_cache"]:
            try:
                apt_get.update(context, args["update_cache_retries"], args["update_cache_retry_max_delay"])
            except ModuleFailed:
                _write(changed, after, before, args)
                raise
    return result


def parsed(line: str) -> Optional[Source]:
    """A line with single blanks and without its comment; None for what is no source."""
    text = line.strip()
    enabled = not text.startswith("#")
    text = text.lstrip("# ").split("#")[0].strip()
    found = _SOURCE.match(text)
    if found is None:
        return None
    options = " ".join((found.group("options") or "").split())
    words = [found.group("kind")] + (["[%s]" % options] if options else []) + found.group("rest").split()
    return Source(" ".join(words), enabled)


def _wanted(args: Dict[str, Any], context: Context) -> Tuple[str, str, Optional[str]]:
    """(the source, the name of its file without ending, the fingerprint of a key it needs). Raises ModuleFailed."""
    repo = args["repo"]
    if repo.startswith("ppa:"):
        return _ppa(args, context)
    source = parsed(repo)
    if source is None or not source.enabled:
        raise ModuleFailed("Invalid repository string: %s" % repo)
    return source.text, _suggested(source.text), None


def _suggested(text: str) -> str:
    """A name by the source's address: without scheme and credentials, words with _ between."""
    uri = next(word for word in re.sub(r"\[[^\]]*\]", "", text).split()[1:])
    return re.sub(r"\W+", "_", re.sub(r"^[^/@]*@", "", uri.split("://", 1)[-1])).strip("_")


def _ppa(args: Dict[str, Any], context: Context) -> Tuple[str, str, Optional[str]]:
    """Of ppa:owner[/name], as launchpad knows it."""
    owner, _, name = args["repo"][len("ppa:") :].partition("/")
    name = name or "ppa"
    codename = args["codename"] or _codename(context)
    text = "deb %s %s main" % (_PPA_URI % (owner, name), codename)
    file = "ppa_%s_%s_%s" % (owner, name, codename)
    if args["state"] == "absent" or any(parsed(line) == Source(text, True) for lines in _read().values() for line in lines):
        return text, file, None
    options = {"validate_certs": args["validate_certs"]}
    answer = web.ask(options, context, url=_PPA_API % (owner, name), headers={"Accept": "application/json"})
    if answer.status != 200:
        raise ModuleFailed("failed to fetch PPA information, error was: %s" % answer.msg)
    return text, file, str(json.loads(answer.read().decode())["signing_key_fingerprint"])


def _codename(context: Context) -> str:
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            found = re.search(r'^(?:UBUNTU_CODENAME|VERSION_CODENAME)="?([^"\n]+)', file.read(), re.MULTILINE)
    except OSError:
        found = None
    if found is None:
        raise ModuleFailed("the host doesn't say which release it is (/etc/os-release): set codename")
    return found.group(1)


def _trust(fingerprint: str, name: str, context: Context) -> None:
    """A key from the key server in a keyring of its own, which apt reads."""
    keyring = os.path.join(TRUSTED, name + ".gpg")
    command = [context.which("gpg"), "--no-tty", "--no-default-keyring", "--keyring", keyring, "--keyserver", _PPA_KEYS]
    code, out, err = context.run(command + ["--recv-keys", fingerprint])
    if code != 0:
        raise ModuleFailed("failed to get the key %s from %s: %s" % (fingerprint, _PPA_KEYS, (err or out).strip()), rc=code)


def _file(args: Dict[str, Any], name: str) -> str:
    named = args["filename"] or name
    return os.path.join(PARTS, named + ".list")


def _read() -> Files:
    found: Files = {}
    paths = [LIST]
    if os.path.isdir(PARTS):
        paths += [os.path.join(PARTS, name) for name in sorted(os.listdir(PARTS)) if name.endswith(".list")]
    for path in paths:
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                found[path] = file.read().splitlines()
    return found


def with_source(files: Files, wanted: str, path: str) -> Files:
    """The files with the source in one of them; one that is commented out comes back where it stands."""
    for name, lines in files.items():
        for number, line in enumerate(lines):
            source = parsed(line)
            if source is not None and source.text == wanted:
                if source.enabled:
                    return files
                return dict(files, **{name: lines[:number] + [wanted] + lines[number + 1 :]})
    return dict(files, **{path: [*files.get(path, []), wanted]})


def without_source(files: Files, wanted: str) -> Files:
    """The files without the source. One that held nothing else goes."""
    made: Files = {}
    for name, lines in files.items():
        left = [line for line in lines if parsed(line) != Source(wanted, True)]
        if left or not lines:
            made[name] = left
    return made


def _diff(path: str, before: Files, after: Files) -> Dict[str, Any]:
    def text(files: Files) -> str:
        return "".join(line + "\n" for line in files.get(path, []))

    return {
        "before": text(before),
        "after": text(after),
        "before_header": path if path in before else "/dev/null",
        "after_header": path if path in after else "/dev/null",
    }


def _write(changed: Any, before: Files, after: Files, args: Dict[str, Any]) -> None:
    for path in sorted(changed):
        if path not in after:
            os.unlink(path)
            continue
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            raise ModuleFailed("Failed to create directory %s: %s" % (os.path.dirname(path), error.strerror))
        contents.write(path, "".join(line + "\n" for line in after[path]).encode("utf-8", "surrogateescape"))
        if args["mode"] is not None and path != LIST:
            attributes.apply(path, {"mode": args["mode"]}, Context())
