"""What packages a specification (name, name=1.*, name>=1, web*) means on this host, and which of them are to be installed or removed."""

import fnmatch
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from provisioner.agent.context import Context, ModuleFailed

STATUS = "/var/lib/dpkg/status"
MARKS = "/var/lib/apt/extended_states"
_SPEC = re.compile(r"^(.+?)(>=|=)(.+)$")
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+)", re.MULTILINE)


class Spec(NamedTuple):
    name: str
    comparison: str
    """ "", = or >=."""
    version: str


class Known(NamedTuple):
    """What apt-cache tells of a package."""

    candidate: str
    versions: List[str]


def split(text: str) -> Spec:
    if text.count("=") > 1 and not text.count(">="):
        raise ModuleFailed("invalid package spec: %s" % text)
    found = _SPEC.match(text)
    return Spec(text, "", "") if found is None else Spec(found.group(1).strip(), found.group(2), found.group(3).strip())


def installed(with_leftovers: bool = False) -> Dict[str, str]:
    """Installed packages, by name and by name:architecture, with their versions; read from dpkg's own status file.

    `with_leftovers`: those that were removed and have configuration left, too.
    """
    found: Dict[str, str] = {}
    ends = (" installed", " config-files") if with_leftovers else (" installed",)
    for paragraph in _paragraphs(STATUS):
        if paragraph.get("Status", "").endswith(ends):
            for name in (paragraph["Package"], "%s:%s" % (paragraph["Package"], paragraph.get("Architecture", ""))):
                found[name] = paragraph.get("Version", "")
    return found


def marked_automatic() -> List[str]:
    """Packages that were installed for others' sake only."""
    return [entry["Package"] for entry in _paragraphs(MARKS) if entry.get("Auto-Installed") == "1" and "Package" in entry]


def _paragraphs(path: str) -> List[Dict[str, str]]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            texts = file.read().split("\n\n")
    except OSError:
        return []
    wanted = ("Package", "Status", "Version", "Architecture", "Auto-Installed")
    parts = [dict(line.split(": ", 1) for line in text.split("\n") if line.split(": ", 1)[0] in wanted and ": " in line) for text in texts]
    return [part for part in parts if "Package" in part]


def expanded(specs: List[str], context: Context) -> List[str]:
    """Names with * ? [] by those that match. Raises ModuleFailed where none does."""
    found: List[str] = []
    every: Optional[List[str]] = None
    for spec in specs:
        name = split(spec).name
        if not set("*?[]!") & set(name):
            found.append(spec)
            continue
        if every is None:
            every = context.run([context.which("apt-cache"), "pkgnames"])[1].split() + list(installed())
        matches = sorted({known for known in every if fnmatch.fnmatchcase(known, name) and (":" in name or ":" not in known)})
        if not matches:
            raise ModuleFailed("No package(s) matching '%s' available" % name)
        found.extend(matches)
    return found


def known(names: List[str], context: Context) -> Dict[str, Known]:
    """What apt knows of these packages."""
    if not names:
        return {}
    code, out, err = context.run([context.which("apt-cache"), "policy"] + names)
    wrong = [line.replace("E: ", "E:", 1) for line in err.splitlines() if line.startswith("E: ")]
    if code != 0 and wrong:  # sources that can't be read: without them nothing is known
        raise ModuleFailed(", ".join(wrong))
    found: Dict[str, Known] = {}
    for text in re.split(r"^(?=\S)", out, flags=re.MULTILINE):
        name, colon, rest = text.partition(":\n")
        if colon:
            candidate = re.search(r"Candidate: (\S+)", rest)
            version = candidate.group(1) if candidate else ""
            found[name] = Known("" if version == "(none)" else version, _VERSION.findall(rest))
    return found


def to_install(specs: List[str], args: Dict[str, Any], context: Context) -> List[str]:
    """What apt-get is to be given so that all of it is there; nothing for what is. Raises ModuleFailed for what nobody offers."""
    here = installed()
    latest = args["state"] == "latest"
    parts = [(text, split(text)) for text in specs]
    unsettled = [spec.name for _, spec in parts if latest or spec.version or spec.name not in here]
    offers = known(unsettled, context)
    wanted = []
    for text, spec in parts:
        current = here.get(spec.name)
        if spec.name not in unsettled or (current is None and args["only_upgrade"]):
            continue
        offer = offers.get(spec.name) or offers.get(spec.name.partition(":")[0])
        if current is None and (offer is None or not offer.versions):
            providers = _providers(spec.name, context)
            if len(providers) != 1:
                wanted.append(text)  # apt says which there are
            elif providers[0] not in here:
                wanted.append(providers[0])
            continue
        satisfied, choice = _choice(spec, current, offer or Known("", []), latest, context)
        if not satisfied and not choice:
            raise ModuleFailed("no available installation candidate for %s" % text)
        if choice and (not satisfied or latest):
            wanted.append(choice)
    return wanted


def _choice(spec: Spec, current: Optional[str], offer: Known, latest: bool, context: Context) -> Tuple[bool, str]:
    """(whether what is installed will do, what else to install)"""
    if spec.comparison == "=":
        satisfied = current is not None and fnmatch.fnmatchcase(current, spec.version)
        matching = [version for version in offer.versions if fnmatch.fnmatchcase(version, spec.version)]
        better = [version for version in matching[:1] if version != current]
        return satisfied, "%s=%s" % (spec.name, better[0]) if better else ""
    if spec.comparison == ">=":
        satisfied = current is not None and _at_least(current, spec.version, context)
        usable = bool(offer.candidate) and _at_least(offer.candidate, spec.version, context) and offer.candidate != current
        return satisfied, "%s=%s" % (spec.name, offer.candidate) if usable else ""
    if current is None:
        return False, spec.name if offer.candidate or not offer.versions else ""
    return True, spec.name if latest and offer.candidate not in ("", current) else ""


def _at_least(version: str, least: str, context: Context) -> bool:
    return context.run([context.which("dpkg"), "--compare-versions", version, "ge", least])[0] == 0


def _providers(name: str, context: Context) -> List[str]:
    """The packages that provide what is but a name. Raises ModuleFailed when none does."""
    _, out, _ = context.run([context.which("apt-cache"), "showpkg", name])
    providers = sorted({line.split()[0] for line in out.partition("Reverse Provides:")[2].splitlines() if line.strip()})
    if not providers:
        raise ModuleFailed("No package matching '%s' is available" % name)
    return providers


def to_remove(specs: List[str], purge: bool) -> List[str]:
    """Those of the packages that are there; with `purge` also those of which configuration is left."""
    here = installed(with_leftovers=purge)
    found = []
    for text in specs:
        spec = split(text)
        current = here.get(spec.name)
        if current is not None and (not spec.version or fnmatch.fnmatchcase(current, spec.version)):
            found.append(spec.name)
    return found


def of_file(path: str, context: Context) -> Tuple[str, str]:
    """(name, version) of a package in a file. Raises ModuleFailed."""
    if not os.path.exists(path):
        raise ModuleFailed("Unable to install package: E:Could not open file %s - open (2: No such file or directory)" % path)
    code, out, err = context.run(["dpkg-deb", "-f", path, "Package", "Version"])
    if code != 0:
        raise ModuleFailed("Unable to install package: %s" % err.strip())
    fields = dict(line.split(": ", 1) for line in out.strip().splitlines())
    return fields["Package"], fields["Version"]
