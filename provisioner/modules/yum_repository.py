"""yum_repository: a package source of yum and dnf, a section of a file below /etc/yum.repos.d (yum.conf(5), [repository] options)."""

import configparser
import io
import os
from typing import Any, Dict, Optional

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

_TEXTS = (
    "bandwidth", "cost", "deltarpm_metadata_percentage", "deltarpm_percentage", "gpgcakey", "include", "metadata_expire", "metalink",
    "mirrorlist", "mirrorlist_expire", "priority", "proxy", "proxy_username", "retries", "throttle", "timeout", "ui_repoid_vars", "username",
    "sslcacert", "sslclientcert", "sslclientkey",
)  # fmt: skip
_FLAGS = (
    "async", "countme", "enabled", "enablegroups", "gpgcheck", "keepalive", "module_hotfixes", "protect", "repo_gpgcheck", "s3_enabled",
    "skip_if_unavailable", "ssl_check_cert_permissions", "sslverify",
)  # fmt: skip
_ALIASES = {
    "exclude": ["excludepkgs"], "sslcacert": ["ca_cert"], "sslclientcert": ["client_cert"], "sslclientkey": ["client_key"],
    "sslverify": ["validate_certs"],
}  # fmt: skip
# Lists, and what stands between their items in the file.
_LISTS = {"baseurl": "\n", "gpgkey": "\n", "exclude": " ", "includepkgs": " "}
_CHOICES = {
    "failovermethod": ["roundrobin", "priority"],
    "http_caching": ["all", "packages", "none"],
    "ip_resolve": ["4", "6", "IPv4", "IPv6", "whatever"],
    "keepcache": ["0", "1"],
    "metadata_expire_filter": ["never", "read-only:past", "read-only:present", "read-only:future"],
}
_NOT_WRITTEN = ("name", "description", "file", "reposdir", "state")
ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True},
    "description": {},
    "file": {},
    "reposdir": {"type": "path", "default": "/etc/yum.repos.d"},
    "state": {"default": "present", "choices": ["present", "absent"]},
    "password": {"no_log": True},
    "proxy_password": {"no_log": True},
}
ARGUMENTS.update({name: {} for name in _TEXTS})
ARGUMENTS.update({name: {"type": "bool"} for name in _FLAGS})
ARGUMENTS.update({name: {"type": "list", "elements": "str"} for name in _LISTS})
ARGUMENTS.update({name: {"choices": choices} for name, choices in _CHOICES.items()})
for _name, _others in _ALIASES.items():
    ARGUMENTS[_name]["aliases"] = _others
_OPTIONS = sorted(set(ARGUMENTS) - set(_NOT_WRITTEN))
ARGUMENTS.update(attributes.FILE_ARGUMENTS)
ARGUMENTS["_rules"] = {
    "required_if": [["state", "present", ["baseurl", "mirrorlist", "metalink"], True], ["state", "present", ["description"]]]
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if not os.path.isdir(args["reposdir"]):
        raise ModuleFailed("Repo directory '%s' does not exist." % args["reposdir"])
    path = os.path.join(args["reposdir"], "%s.repo" % (args["file"] or args["name"]))
    sections = configparser.RawConfigParser()
    if os.path.isfile(path):
        sections.read(path)
    before = dump(sections)
    sections.remove_section(args["name"])
    if args["state"] == "present":
        sections[args["name"]] = dict(sorted(options(args).items()))
    after = dump(sections)
    changed = before != after
    if changed and not context.check:
        _save(path, sections)
    if os.path.isfile(path):
        changed = attributes.apply(path, args, context) or changed
    diff = {"before_header": path, "before": _hidden(before, args), "after_header": path, "after": _hidden(after, args)}
    return {"changed": changed, "repo": args["name"], "state": args["state"], "diff": diff}


def options(args: Dict[str, Any]) -> Dict[str, str]:
    """What the section holds, by the file's names and in its form."""
    found: Dict[str, Optional[Any]] = {name: args[name] for name in _OPTIONS}
    found["name"] = args["description"]
    for name, between in _LISTS.items():
        if found[name] is not None:
            found[name] = between.join(args[name])
    return {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in found.items() if value is not None}


def dump(sections: configparser.RawConfigParser) -> str:
    """The file for a comparison, in order of names."""
    shown = []
    for section in sorted(sections.sections()):
        lines = ["%s = %s\n" % item for item in sorted(sections.items(section))]
        shown.append("[%s]\n%s\n" % (section, "".join(lines)))
    return "".join(shown)


def _hidden(text: str, args: Dict[str, Any]) -> str:
    for secret in (args["password"], args["proxy_password"]):
        text = text.replace(secret, "********") if secret else text
    return text


def _save(path: str, sections: configparser.RawConfigParser) -> None:
    """A file without a section goes."""
    if not sections.sections():
        os.unlink(path)
        return
    written = io.StringIO()
    sections.write(written)
    contents.write(path, written.getvalue().encode())
