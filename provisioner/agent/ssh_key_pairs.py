"""Key pairs that ssh-keygen makes for an account (the user module's generate_ssh_key)."""

import os
import pwd
from typing import Any, Dict

from provisioner.agent.context import Context, ModuleFailed


def generate(args: Dict[str, Any], found: pwd.struct_passwd, context: Context, result: Dict[str, Any]) -> bool:
    """Makes the pair when it is not there, or by force; notes it in the result. Whether something changed."""
    path = args["ssh_key_file"] or ".ssh/id_%s" % args["ssh_key_type"]
    path = path if os.path.isabs(path) else os.path.join(found.pw_dir, path)
    exists = os.path.exists(path)
    changed = not exists or args["force"]
    if changed and not context.check:
        _make(args, found, path, context)
    public, fingerprint = None, ""
    if os.path.exists(path + ".pub"):
        with open(path + ".pub", encoding="utf-8", errors="replace") as file:
            public = file.read().strip()
    if os.path.exists(path):
        code, out, err = context.run([context.which("ssh-keygen"), "-l", "-f", path])
        fingerprint = out.strip() if code == 0 else err.strip()
    result.update(ssh_fingerprint=fingerprint, ssh_key_file=path, ssh_public_key=public)
    return changed


def _make(args: Dict[str, Any], found: pwd.struct_passwd, path: str, context: Context) -> None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        try:
            os.makedirs(folder, 0o700)
            os.chown(folder, found.pw_uid, found.pw_gid)
        except OSError as error:
            raise ModuleFailed("Failed to create %s: %s" % (folder, error.strerror), name=args["name"])
    for name in (path, path + ".pub"):
        if os.path.exists(name):
            os.unlink(name)
    command = [context.which("ssh-keygen"), "-q", "-t", args["ssh_key_type"]]
    command += ["-b", str(args["ssh_key_bits"])] if args["ssh_key_bits"] > 0 else []
    command += ["-C", args["ssh_key_comment"] or "ansible-generated on %s" % os.uname().nodename, "-f", path]
    # Without a terminal, ssh-keygen reads the passphrase, twice, from its input: there nobody else sees it.
    passphrase = (args["ssh_key_passphrase"] or "") + "\n"
    code, out, err = context.run(command, data=(passphrase * 2).encode())
    if code != 0:
        raise ModuleFailed(err or out, name=args["name"], rc=code)
    for name in (path, path + ".pub"):
        os.chown(name, found.pw_uid, found.pw_gid)
