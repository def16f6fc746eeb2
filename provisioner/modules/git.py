"""git: a working copy at the wanted version of a repository."""

import os
import shutil
from typing import Any, Dict

from provisioner.agent import git_archive, git_commands
from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.git_commands import Git

ARGUMENTS: Dict[str, Any] = {
    "dest": {"type": "path"},
    "repo": {"required": True, "aliases": ["name"]},
    "version": {"default": "HEAD"},
    "remote": {"default": "origin"},
    "refspec": {},
    "reference": {},
    "force": {"type": "bool", "default": False},
    "depth": {"type": "int"},
    "clone": {"type": "bool", "default": True},
    "update": {"type": "bool", "default": True},
    "verify_commit": {"type": "bool", "default": False},
    "gpg_allowlist": {"type": "list", "elements": "str", "default": [], "aliases": ["gpg_whitelist"]},
    "accept_hostkey": {"type": "bool", "default": False},
    "accept_newhostkey": {"type": "bool", "default": False},
    "key_file": {"type": "path"},
    "ssh_opts": {},
    "executable": {"type": "path"},
    "bare": {"type": "bool", "default": False},
    "recursive": {"type": "bool", "default": True},
    "single_branch": {"type": "bool", "default": False},
    "track_submodules": {"type": "bool", "default": False},
    "umask": {"type": "raw"},
    "archive": {"type": "path"},
    "archive_prefix": {},
    "separate_git_dir": {"type": "path"},
    "_rules": {
        "mutually_exclusive": [["separate_git_dir", "bare"], ["accept_hostkey", "accept_newhostkey"]],
        "required_by": {"archive_prefix": ["archive"]},
    },
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    dest = args["dest"]
    if args["clone"] and not dest:
        raise ModuleFailed("the destination directory must be specified unless clone=no")
    if args["archive"]:
        git_archive.kind_of(args["archive"])
    if args["umask"] is not None:
        os.umask(_octal(args["umask"]))
    args = dict(args, repo=_address(args["repo"]))
    git = Git(args, context)
    result: Dict[str, Any] = {"changed": False, "before": None}
    folder = git_commands.git_folder(dest, args["bare"]) if dest else ""
    if dest and os.path.exists(os.path.join(folder, "config")):
        if not _work(git, args, context, result, folder):
            return _with_diff(git, args, context, result)
    elif not dest or not args["clone"] or context.check:
        result.update(changed=True, after=git.remote_hash(args["version"]))
        return _with_diff(git, args, context, result)
    else:
        _clone(git, args)
        git.checkout(args["version"]) if not args["bare"] else None
        if not args["bare"] and args["recursive"] and git.submodules(args["track_submodules"]):
            result["submodules_changed"] = True
        result.update(changed=True, after=git.head())
    if args["archive"]:
        changed = git_archive.make(git, args, context)
        result["changed"] = result["changed"] or changed
    return _with_diff(git, args, context, result)


def _with_diff(git: Git, args: Dict[str, Any], context: Context, result: Dict[str, Any]) -> Dict[str, Any]:
    before, after = result["before"], result.get("after")
    if not context.diff or before == after:
        return result
    if before is None:
        told = ">> Newly checked out %s" % after
    else:
        code, out, err = git.ask(["diff", str(before), str(after)], None)
        told = out or ">> No visual differences between %s and %s" % (before, after)
        if code != 0:
            told = ">> Failed to get proper diff between %s and %s:\n>> %s" % (before, after, err)
    return dict(result, diff={"prepared": told})


def _octal(value: Any) -> int:
    if not isinstance(value, str):
        return int(value)
    try:
        return int(value, 8)
    except ValueError as error:
        raise ModuleFailed("umask must be an octal integer", details=str(error))


def _address(repo: str) -> str:
    """Paths of this host are URLs: so a depth holds for them, too."""
    return "file://" + os.path.expanduser(repo) if repo.startswith("/") else repo


def _clone(git: Git, args: Dict[str, Any]) -> None:
    dest, version = args["dest"], args["version"]
    os.makedirs(os.path.dirname(os.path.abspath(dest)), exist_ok=True)
    words = ["clone"] + (["--bare"] if args["bare"] else ["--origin", args["remote"]])
    # Asks for HEAD as well: a repository that isn't there is told of before anything is made.
    branch = git.is_remote_branch_or_tag(version) and version != "HEAD"
    if args["depth"] and (version == "HEAD" or branch or args["refspec"]):
        words += ["--depth", str(args["depth"])]
    if args["single_branch"] and (version == "HEAD" or branch):
        words += ["--single-branch"]
    if branch and not args["refspec"]:
        words += ["--branch", version]
    if args["reference"]:
        words += ["--reference", args["reference"]]
    if args["separate_git_dir"]:
        words += ["--separate-git-dir=" + args["separate_git_dir"]]
    git.run(words + [args["repo"], dest], where=os.path.dirname(os.path.abspath(dest)))
    if args["bare"] and args["remote"] != "origin":
        git.run(["remote", "add", args["remote"], args["repo"]])
    if args["refspec"]:
        git.fetch(args["refspec"])
    if args["verify_commit"]:
        git.verify(version, args["gpg_allowlist"])


def _work(git: Git, args: Dict[str, Any], context: Context, result: Dict[str, Any], folder: str) -> bool:
    """On a copy that is there; whether there is more to do after it."""
    result["before"] = before = git.head()
    if args["separate_git_dir"] and os.path.realpath(args["separate_git_dir"]) != os.path.realpath(folder):
        _relocate(args, folder, context, result)
    modified = not args["bare"] and git.is_modified()
    if modified:
        if not args["force"]:
            raise ModuleFailed("Local modifications exist in the destination: %s (force=no)." % args["dest"], **result)
        if not context.check:
            result.update(changed=True, msg="Local modifications exist in the destination: %s" % args["dest"])
    if not args["update"]:
        result["after"] = before
        return bool(args["archive"])
    if modified and not context.check:
        git.run(["reset", "--hard", "HEAD", "--"])
    result["remote_url_changed"] = git.remote_differs()
    if context.check:
        after = git.remote_hash(args["version"])
        result.update(changed=result["changed"] or before != after or result["remote_url_changed"], after=after)
        return False
    git.set_remote()
    git.fetch(args["refspec"])
    if args["verify_commit"]:
        git.verify(args["version"], args["gpg_allowlist"])
    if not args["bare"]:
        git.checkout(args["version"])
        if args["recursive"] and git.submodules(args["track_submodules"]):
            result.update(changed=True, submodules_changed=True)
    result["after"] = git.head()
    if before != result["after"] or result["remote_url_changed"]:
        result["changed"] = True
    return True


def _relocate(args: Dict[str, Any], folder: str, context: Context, result: Dict[str, Any]) -> None:
    """The repository to another folder; the working copy keeps a file that says where it is."""
    new = args["separate_git_dir"]
    result.update(changed=True, git_dir_before=folder, git_dir_now=new)
    if context.check:
        return
    if os.path.exists(new):
        raise ModuleFailed("Unable to move git dir. %s already exists" % new, **result)
    os.makedirs(os.path.dirname(os.path.abspath(new)), exist_ok=True)
    shutil.move(folder, new)
    with open(os.path.join(args["dest"], ".git"), "w") as out:
        out.write("gitdir: %s" % os.path.abspath(new))
