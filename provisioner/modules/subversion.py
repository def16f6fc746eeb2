"""subversion: a working copy (or an export) of a repository at a revision."""

import os
import re
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "dest": {"type": "path"},
    "repo": {"required": True, "aliases": ["name", "repository"]},
    "revision": {"default": "HEAD", "aliases": ["rev", "version"]},
    "force": {"type": "bool", "default": False},
    "username": {},
    "password": {"no_log": True},
    "executable": {"type": "path"},
    "export": {"type": "bool", "default": False},
    "checkout": {"type": "bool", "default": True},
    "update": {"type": "bool", "default": True},
    "switch": {"type": "bool", "default": True},
    "in_place": {"type": "bool", "default": False},
    "validate_certs": {"type": "bool", "default": False},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    dest, svn = args["dest"], Svn(args, context)
    if not (args["checkout"] or args["update"] or args["export"]):
        return {"changed": False, "after": svn.remote_revision()}
    if not dest:
        raise ModuleFailed("the destination directory must be specified unless checkout=no, update=no, and export=no")
    if args["export"] or not os.path.exists(dest):
        if not (args["checkout"] or args["export"]):
            return {"changed": False}
        if context.check:
            return {"changed": True, "after": svn.remote_revision()}
        if args["export"]:
            svn.run(["export"] + (["--force"] if args["force"] else []) + ["-r", args["revision"], args["repo"], dest])
            return {"changed": True}
        svn.run(["checkout", "-r", args["revision"], args["repo"], dest])
        return {"changed": True, "before": None, "after": svn.revision()}
    if not svn.is_copy():
        if not args["in_place"]:
            raise ModuleFailed("ERROR: %s folder already exists, but its not a subversion repository." % dest)
        svn.run(["checkout", "--force", "-r", args["revision"], args["repo"], dest])
        return {"changed": True, "before": None, "after": svn.revision()}
    return _existing(args, svn, context)


def _existing(args: Dict[str, Any], svn: "Svn", context: Context) -> Dict[str, Any]:
    if not args["update"]:
        return {"changed": False}
    before = svn.revision()
    if svn.is_modified() and not args["force"]:
        raise ModuleFailed("ERROR: modified files exist in the repository.", before=before)
    changed = svn.is_modified()
    if context.check:
        return {"changed": changed or svn.behind() or svn.url() != args["repo"], "before": before, "after": svn.remote_revision()}
    if changed:
        svn.run(["revert", "-R", args["dest"]])
    if args["switch"] and svn.url() != args["repo"].rstrip("/"):
        svn.run(["switch", "--ignore-ancestry", "-r", args["revision"], args["repo"], args["dest"]])
    svn.run(["update", "-r", args["revision"], args["dest"]])
    after = svn.revision()
    return {"changed": changed or before != after, "before": before, "after": after}


class Svn:
    """The program; a password goes by its standard input, where it can be read so."""

    def __init__(self, args: Dict[str, Any], context: Context) -> None:
        self._args, self._context = args, context
        self._program = args["executable"] or context.which("svn")

    def ask(self, words: List[str], ok: Optional[List[int]] = None) -> Tuple[int, str, str]:
        command = [self._program, "--non-interactive", "--no-auth-cache"]
        if not self._args["validate_certs"]:
            command.append("--trust-server-cert")
        data: Optional[bytes] = None
        if self._args["username"]:
            command += ["--username", self._args["username"]]
        if self._args["password"]:
            command.append("--password-from-stdin")
            data = self._args["password"].encode()
        return self._context.run(command + words, data=data, ok=ok)

    def run(self, words: List[str]) -> str:
        return self.ask(words, ok=[0])[1]

    def is_copy(self) -> bool:
        return self.ask(["info", self._args["dest"]])[0] == 0

    def _field(self, name: str, of: str, words: List[str]) -> str:
        found = re.search(r"^%s: (.*)$" % name, self.run(["info", *words, of]), re.MULTILINE)
        return found.group(1) if found else ""

    def url(self) -> str:
        return self._field("URL", self._args["dest"], [])

    def revision(self) -> List[str]:
        """As svn shows them: `Revision: 1889134` and `URL: …`."""
        dest = self._args["dest"]
        return ["Revision: " + self._field("Revision", dest, []), "URL: " + self._field("URL", dest, [])]

    def remote_revision(self) -> str:
        return "Revision: " + self._field("Revision", self._args["repo"], ["-r", self._args["revision"]])

    def is_modified(self) -> bool:
        """Files nobody knows (?) and externals (X) don't count."""
        out = self.run(["status", "--quiet", "--ignore-externals", self._args["dest"]])
        return any(line and line[0] not in "?X" for line in out.splitlines())

    def behind(self) -> bool:
        mine = self._field("Revision", self._args["dest"], [])
        theirs = self._field("Revision", self._args["dest"], ["-r", self._args["revision"]])
        return mine.isdigit() and theirs.isdigit() and int(mine) != int(theirs)
