"""How an agent is started on a host: the command line, the source archive, and becoming another user on the way.

The command carries a stub of a few lines. It looks for the source under its hash in a folder of the user's own (0700), asks for it when it
is not there, unpacks it beside and renames, so that a cut connection leaves nothing half; then it hands standard input and output over.
"""

from __future__ import annotations

import functools
import hashlib
import io
import shlex
import zipfile
from pathlib import Path

from provisioner.transport.settings import Become

PACKAGE = Path(__file__).resolve().parent.parent
SUDO_PROMPT = "provision-sudo-password:"
STUB = """
import sys, os
i, o = sys.stdin.buffer, sys.stdout.buffer
def say(t):
    o.write(b"PROVISION " + t + b"\\n"); o.flush()
if sys.version_info < (3, 7):
    say(b"OLD " + sys.version.split()[0].encode()); sys.exit(1)
home = os.path.expanduser("~%s" % ("" if os.environ.get("HOME") and os.getuid() else __import__("pwd").getpwuid(os.getuid())[0]))
base = os.path.join(home, ".cache", "provision")
path = os.path.join(base, "agent-HASH")
try:
    if not os.path.isdir(path):
        say(b"NEED")
        size = int.from_bytes(i.read(8), "big")
        import io, zipfile, tempfile
        data = i.read(size)
        os.makedirs(base, mode=0o700, exist_ok=True)
        fresh = tempfile.mkdtemp(dir=base)
        zipfile.ZipFile(io.BytesIO(data)).extractall(fresh)
        try:
            os.rename(fresh, path)
        except OSError:
            if not os.path.isdir(path):
                raise
except OSError as error:
    say(b"FAIL " + str(error.errno).encode() + b" " + str(error).encode()); sys.exit(1)
sys.path.insert(0, path)
from provisioner.agent.server import serve
say(b"READY")
serve(i, o)
"""


@functools.cache
def source_archive() -> tuple[str, bytes]:
    """(hash, zip) of agent and modules, the same bytes for the same source."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        files = [PACKAGE / "__init__.py", *sorted((PACKAGE / "agent").rglob("*.py")), *sorted((PACKAGE / "modules").rglob("*.py"))]
        for file in files:
            info = zipfile.ZipInfo(f"provisioner/{file.relative_to(PACKAGE).as_posix()}", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())
    data = packed.getvalue()
    return hashlib.sha256(data).hexdigest()[:24], data


def agent_command(interpreter: str, become: Become | None, user: str) -> str:
    """The shell command that starts an agent as the wanted user."""
    stub = STUB.replace("HASH", source_archive()[0])
    if interpreter == "auto":
        # Login shells of some hosts have no /usr/bin in PATH for commands over SSH.
        inner = (
            'p=$(command -v python3 || command -v /usr/bin/python3 || command -v /usr/local/bin/python3) || { echo "PROVISION NOPYTHON"; exit 127; }; exec "$p" -I -S -c '
            + shlex.quote(stub)
        )
        command = f"/bin/sh -c {shlex.quote(inner)}"
    else:
        command = f"{shlex.quote(interpreter)} -I -S -c {shlex.quote(stub)}"
    return as_user(command, become, user)


def as_user(command: str, become: Become | None, user: str) -> str:
    """The command, run as somebody else where that is asked for and we aren't that already."""
    if become is None or become.user == user:
        return command
    if become.method == "su":
        return f"su {shlex.quote(become.user)} -s /bin/sh -c {shlex.quote(command)}"
    flags = f"-S -p {SUDO_PROMPT}" if become.password is not None else "-n"
    return f"sudo -H {flags} -u {shlex.quote(become.user)} -- {command}"
