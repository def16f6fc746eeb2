"""SSH keys of the lab: one for the operator, one for each host, made before the host first boots.

Because the host's key is made here, it is pinned in known_hosts before the first connection: no connection is ever made on trust.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_ssh_private_key


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Atomically, and never readable by others in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.chmod(mode)
    temporary.replace(path)


def ensure_key(path: Path, comment: str) -> str:
    """The public half (one line, no newline) of the Ed25519 key at `path`, which is made when absent or empty; `path`.pub goes with it."""
    if path.exists() and path.stat().st_size:
        key = load_ssh_private_key(path.read_bytes(), password=None)
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    else:
        fresh = Ed25519PrivateKey.generate()
        write_private(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        public = fresh.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    line = f"{public} {comment}"
    companion = path.with_name(path.name + ".pub")
    if not companion.exists() or companion.read_text().strip() != line:
        write_private(companion, f"{line}\n".encode(), 0o644)
    return line


def known_hosts_line(name: str, address: str, public: str) -> str:
    """OpenSSH's format; the host is known by its name and its address, the key without its comment."""
    kind, blob = public.split()[:2]
    return f"{name},{address} {kind} {blob}"


def pin(path: Path, lines: dict[str, str]) -> None:
    """Make the known_hosts file hold exactly `lines` (by host name) for these hosts, and keep what else is in it."""
    kept = []
    pinned = {label for line in lines.values() for label in _labels(line)}
    if path.exists():
        kept = [line for line in path.read_text().splitlines() if not _labels(line) & pinned]
    text = "\n".join([*kept, *lines.values()]) + "\n"
    if not path.exists() or path.read_text() != text:
        write_private(path, text.encode())


def _labels(line: str) -> set[str]:
    """The names and addresses that a known_hosts line is about."""
    return set(line.split(" ", 1)[0].split(","))
