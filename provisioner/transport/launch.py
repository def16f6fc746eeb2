"""How an agent is started on a host: the script that finds Python, and the source that it asks for once.

The script carries a stub of a few lines. It looks for the source under its hash in a folder of the user's own (0700), asks for it when it
is not there, unpacks it beside and renames, so that a cut connection leaves nothing half; then it hands standard input and output over.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import shlex
import threading
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
# In Ansible's order: its name stands in files that roles write. Commands over SSH get a short PATH on some hosts.
_PYTHONS = (
    *(f"python3.{minor}" for minor in range(13, 7, -1)),
    "/usr/bin/python3",
    "python3",
    "/usr/local/bin/python3",
    "/usr/libexec/platform-python",
)
# A home that can't be written (read-only, or none) is no reason to fail; a full disk is, and says so. Elsewhere the system clears away
# single files that nobody has read for a month: what is not whole there is sent again.
STUB = """
import sys, os
i, o = sys.stdin.buffer, sys.stdout.buffer
def say(t):
    o.write(b"PROVISION " + t + b"\\n"); o.flush()
if sys.version_info < (3, 7):
    say(b"OLD " + sys.version.split()[0].encode()); sys.exit(1)
import errno, stat
me = os.getuid()
try:
    home = __import__("pwd").getpwuid(me)[5]
except KeyError:
    home = "/nonexistent"
bases = [os.path.join(home, ".cache", "provision"), "/var/tmp/provision-%d" % me, "/dev/shm/provision-%d" % me]
def own(base):
    s = os.lstat(base)
    if not stat.S_ISDIR(s.st_mode) or s.st_uid != me or s.st_mode & 0o022:
        raise OSError(errno.EPERM, "is not a folder of our own", base)
def find():
    for base in bases:
        path = os.path.join(base, "agent-HASH")
        if os.path.isdir(path):
            own(base)
            if base == bases[0] or sum(f.endswith(".py") for _, _, files in os.walk(path) for f in files) == COUNT:
                return path
            __import__("shutil").rmtree(path)
def unpack(data):
    import io, zipfile, tempfile, shutil
    trouble = None
    for base in bases:
        try:
            if base == bases[0]:
                os.makedirs(base, 0o700, exist_ok=True)
            elif not os.path.isdir(base):
                os.mkdir(base, 0o700)
            own(base)
            fresh = tempfile.mkdtemp(dir=base, prefix="new-")
        except OSError as e:
            if e.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            trouble = trouble or e
            continue
        path = os.path.join(base, "agent-HASH")
        try:
            zipfile.ZipFile(io.BytesIO(data)).extractall(fresh)
            os.rename(fresh, path)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            if not os.path.isdir(path):
                raise
        return path
    raise trouble
try:
    path = find()
    fresh = path is None
    if fresh:
        say(b"NEED")
        path = unpack(i.read(int.from_bytes(i.read(8), "big")))
    sys.path.insert(0, path)
    from provisioner.agent.server import serve
    if fresh:
        from provisioner.agent.cache import prune
        prune(path)
except OSError as e:
    say(b"FAIL %d %s" % (e.errno or 0, str(e).encode())); sys.exit(1)
say(b"READY")
serve(i, o)
"""


_ONCE = threading.Lock()
"""Hosts ask at the same time: the first one reads, and packs, for all."""


@functools.cache
def _sources() -> list[tuple[str, bytes]]:
    files = [PACKAGE / "__init__.py", *sorted((PACKAGE / "agent").rglob("*.py")), *sorted((PACKAGE / "modules").rglob("*.py"))]
    return [(f"provisioner/{file.relative_to(PACKAGE).as_posix()}", file.read_bytes()) for file in files]


@functools.cache
def _hash() -> str:
    digest = hashlib.sha256()
    for name, data in _sources():
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(data), data))
    return digest.hexdigest()[:24]


@functools.cache
def _archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _sources():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return packed.getvalue()


def source_hash() -> str:
    """By which hosts know the source of agent and modules."""
    with _ONCE:
        return _hash()


def source_archive() -> bytes:
    """The source as a zip, made only when a host asks: most have it."""
    with _ONCE:
        return _archive()


def agent_script(interpreter: str) -> str:
    """The shell script that becomes the agent. `interpreter`: a command line, or auto."""
    # One word without quotes, line ends and exclamation marks: it passes any login shell.
    stub = base64.b64encode(STUB.replace("HASH", source_hash()).replace("COUNT", str(len(_sources()))).encode()).decode()
    program = shlex.quote(f'import base64;exec(base64.b64decode("{stub}"))')
    if interpreter != "auto":
        command = shlex.join(shlex.split(interpreter))
        first = shlex.quote(shlex.split(interpreter)[0])
        return f'command -v {first} >/dev/null || {{ echo "PROVISION NOPYTHON"; exit 127; }}; exec {command} -I -S -c {program}'
    places = " || ".join(f"command -v {place}" for place in _PYTHONS)
    return f'p=$({places}) || {{ echo "PROVISION NOPYTHON"; exit 127; }}; exec "$p" -I -S -c {program}'
