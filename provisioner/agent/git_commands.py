"""What the git module asks of the program git: hashes, branches, fetching, submodules; ssh with the task's options."""

import os
import re
from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed, shown

_HASH = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")


def git_folder(dest: str, bare: bool) -> str:
    """Where a working copy's repository is: .git, or what the file .git names."""
    if bare:
        return dest
    path = os.path.join(dest, ".git")
    if not os.path.isfile(path):
        return path
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        named = file.read().strip()
    return os.path.join(dest, named[len("gitdir:") :].strip()) if named.startswith("gitdir:") else path


class Git:
    def __init__(self, args: Dict[str, Any], context: Context) -> None:
        self._args, self._context = args, context
        self._program = args["executable"] or context.which("git")
        self._environment = {"GIT_TERMINAL_PROMPT": "0"}
        words = ["ssh", "-o", "BatchMode=yes"]
        if args["accept_hostkey"]:
            words += ["-o", "StrictHostKeyChecking=no"]
        if args["accept_newhostkey"]:
            words += ["-o", "StrictHostKeyChecking=accept-new"]
        if args["key_file"]:
            words += ["-i", "'%s'" % args["key_file"].replace("'", "'\\''"), "-o", "IdentitiesOnly=yes"]
        if len(words) > 3 or args["ssh_opts"]:
            self._environment["GIT_SSH_COMMAND"] = " ".join(words + [args["ssh_opts"] or ""]).strip()

    def ask(self, words: List[str], where: Optional[str] = None) -> Any:
        """(exit code, output, errors)"""
        dest = self._args["dest"]
        folder = where or (dest if dest and os.path.isdir(dest) else None)
        return self._context.run([self._program, *words], cwd=folder, env=self._environment)

    def run(self, words: List[str], where: Optional[str] = None, msg: str = "") -> str:
        """The output. Raises ModuleFailed."""
        code, out, err = self.ask(words, where)
        if code != 0:
            raise ModuleFailed(
                msg or (err or out).strip(),
                cmd=shown([self._program, *words]), rc=code, stdout=out, stderr=err,
                stdout_lines=out.splitlines(), stderr_lines=err.splitlines(),
            )  # fmt: skip
        return str(out)

    def head(self) -> Optional[str]:
        """None in a repository without commits."""
        code, out, _ = self.ask(["rev-parse", "HEAD"])
        return out.strip() if code == 0 else None

    def is_modified(self) -> bool:
        """Untracked files are nobody's business."""
        return bool(self.run(["status", "--porcelain", "--untracked-files=no"]).strip())

    def remote_hash(self, version: str) -> Optional[str]:
        """What the version is in the remote repository: a branch first, then a tag (what an annotated one points at), else a hash."""
        repo = self._args["repo"]
        if version != "HEAD" and _HASH.match(version):
            return version
        names = ["HEAD"] if version == "HEAD" else ["refs/heads/" + version, "refs/tags/" + version + "^{}", "refs/tags/" + version]
        out = self.run(["ls-remote", repo] + (["HEAD"] if version == "HEAD" else [names[0], names[1], names[2]]))
        found = {name: found for found, name in (line.split("\t", 1) for line in out.splitlines() if "\t" in line)}
        for name in names:
            if name in found:
                return str(found[name])
        if re.match(r"^[0-9a-f]{7,}$", version):
            return version
        raise ModuleFailed("Could not determine remote revision for %s" % version)

    def is_remote_branch_or_tag(self, version: str) -> bool:
        out = self.run(["ls-remote", self._args["repo"], "refs/heads/" + version, "refs/tags/" + version])
        return bool(out.strip())

    def remote_differs(self) -> bool:
        code, out, _ = self.ask(["config", "--get", "remote.%s.url" % self._args["remote"]])
        return code == 0 and _plain(out.strip()) != _plain(self._args["repo"])

    def set_remote(self) -> None:
        """A remote that this copy doesn't have is an error."""
        remote, repo = self._args["remote"], self._args["repo"]
        if self.ask(["config", "--get", "remote.%s.url" % remote])[1].strip() != repo:
            code, out, err = self.ask(["remote", "set-url", remote, repo])
            if code != 0:
                raise ModuleFailed("Failed to set a new url %s for %s: %s %s" % (repo, remote, out, err))

    def fetch(self, refspec: Optional[str] = None) -> None:
        remote, version = self._args["remote"], self._args["version"]
        # A tag that moved is an error, but with force.
        words = ["fetch"] + (["--force"] if self._args["force"] else [])
        words += ["--depth", str(self._args["depth"])] if self._args["depth"] else []
        specs = ["+refs/heads/*:refs/heads/*"] if self._args["bare"] else ["+refs/heads/*:refs/remotes/%s/*" % remote]
        specs.append("refs/tags/*:refs/tags/*")
        if self._args["depth"] and version != "HEAD" and self.is_remote_branch_or_tag(version):
            branch = bool(self.run(["ls-remote", self._args["repo"], "refs/heads/" + version]).strip())
            specs = (
                ["+refs/heads/%s:refs/remotes/%s/%s" % (version, remote, version)]
                if branch
                else ["refs/tags/%s:refs/tags/%s" % (version, version)]
            )
        specs += [refspec] if refspec else []
        words += [remote, *specs]
        code, out, err = self.ask(words)
        if code != 0:
            raise ModuleFailed("Failed to download remote objects and refs: %s %s" % (out, err), cmd=[self._program, *words])
        if version == "HEAD" and not self._args["bare"]:
            self.ask(["remote", "set-head", remote, "--auto"])

    def checkout(self, version: str) -> None:
        """The working copy to the version: branches follow the remote's, all else is a detached head."""
        remote = self._args["remote"]
        if version == "HEAD":
            code, out, _ = self.ask(["symbolic-ref", "--short", "refs/remotes/%s/HEAD" % remote])
            if code != 0:
                return
            version = out.strip().split("/", 1)[1]
        failed = "Failed to checkout %s" % version
        upstream = "refs/remotes/%s/%s" % (remote, version)
        if self.ask(["rev-parse", "--verify", "--quiet", upstream])[0] == 0:
            if self.ask(["rev-parse", "--verify", "--quiet", "refs/heads/" + version])[0] == 0:
                self.run(["checkout", "--force", version], msg="Failed to checkout branch %s" % version)
            else:
                self.run(["checkout", "--force", "-b", version, "%s/%s" % (remote, version)], msg=failed)
            self.run(["reset", "--hard", "%s/%s" % (remote, version), "--"], msg=failed)
        else:
            self.run(["checkout", "--force", version], msg=failed)

    def submodules(self, track: bool) -> bool:
        """Brings them to what the commit wants (or to their branches' ends); whether one changed."""
        if not os.path.exists(os.path.join(self._args["dest"], ".gitmodules")):
            return False
        status = ["submodule", "status", "--recursive"]
        before = self.run(status, msg="Unable to determine hashes of submodules")
        self.run(["submodule", "sync"])
        words = ["submodule", "update", "--init", "--recursive"] + (["--remote"] if track else [])
        self.run(words + (["--force"] if self._args["force"] else []), msg="Failed to init/update submodules")
        return self.run(status, msg="Unable to determine hashes of submodules") != before

    def verify(self, version: str, allowed: List[str]) -> None:
        """The signature of a tag or commit, by one of the keys where a list of them is given. Raises ModuleFailed."""
        is_tag = self.ask(["cat-file", "-t", "refs/tags/" + version])[1].strip() == "tag"
        words = ["verify-tag" if is_tag else "verify-commit"] + (["--raw"] if allowed else []) + [version]
        code, out, err = self.ask(words)
        if code != 0:
            raise ModuleFailed(
                'Failed to verify GPG signature of commit/tag "%s"' % version,
                rc=code, stdout=out, stderr=err, stdout_lines=out.splitlines(), stderr_lines=err.splitlines(),
            )  # fmt: skip
        if allowed:
            keys = re.findall(r"^\[GNUPG:\] VALIDSIG (\S+)(?:.* (\S+))?$", err, re.MULTILINE)
            if not {key for pair in keys for key in pair if key} & set(allowed):
                signer = keys[0][0] if keys else "nobody known"
                raise ModuleFailed('The gpg_allowlist does not include the public key "%s" for this commit' % signer, rc=code)


def _plain(url: str) -> str:
    return url[len("file://") :] if url.startswith("file://") else url.rstrip("/")
