"""Ansible's vault format 1.1 and 1.2: AES256-CTR with an HMAC, keys by PBKDF2.

An envelope is one header line (`$ANSIBLE_VAULT;1.2;AES256;label`) and the hexlified payload in lines of 80 characters.
"""

from __future__ import annotations

import binascii
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HEADER = b"$ANSIBLE_VAULT;"
_ROUNDS = 10_000  # fixed by the format
_LINE = 80


class VaultError(Exception):
    """An envelope that is damaged, of another format, or not openable with the secrets at hand."""


@dataclass(frozen=True)
class VaultSecrets:
    """Passwords by vault id; every one is tried, the one whose id the envelope names first, or that one alone (`vault_id_match`)."""

    by_id: Mapping[str, bytes] = field(repr=False)
    match: bool = False

    def decrypt(self, data: bytes) -> bytes:
        return self.opened(data)[1]

    def opened(self, data: bytes) -> tuple[str, bytes]:
        """(Id of the secret that opens it, what is inside). Raises VaultError."""
        if not self.by_id:
            raise VaultError("no vault secrets were found that could decrypt")
        label, payload = _open(data)
        known = [vault_id for vault_id in self.by_id if not self.match or vault_id == label]
        order = sorted(known, key=lambda vault_id: vault_id != label)
        for vault_id in order:
            plain = _decrypt(payload, self.by_id[vault_id])
            if plain is not None:
                return vault_id, plain
        raise VaultError("no vault secrets were found that could decrypt")

    def encrypt(self, plain: bytes, vault_id: str | None = None, *, salt: bytes | None = None) -> bytes:
        """An envelope for the secret named, or the first one. Salt is random unless it is given."""
        if not self.by_id:
            raise VaultError("no vault secret given")
        name = vault_id if vault_id is not None else next(iter(self.by_id))
        if name not in self.by_id:
            raise VaultError(f"no vault secret with id {name!r}")
        header = b"$ANSIBLE_VAULT;1.1;AES256" if name == "default" else f"$ANSIBLE_VAULT;1.2;AES256;{name}".encode()
        body = _encrypt(plain, self.by_id[name], salt)
        lines = [body[i : i + _LINE] for i in range(0, len(body), _LINE)]
        return b"\n".join([header, *lines]) + b"\n"


def _open(data: bytes) -> tuple[str, bytes]:
    lines = data.strip().splitlines()
    parts = lines[0].strip().split(b";") if lines else []
    if len(parts) < 3 or parts[0] != b"$ANSIBLE_VAULT":
        raise VaultError("not a vault envelope")
    if parts[1] not in (b"1.1", b"1.2"):
        raise VaultError(f"vault format {parts[1].decode(errors='replace')} is not known (1.1 and 1.2 are)")
    if parts[2] != b"AES256":
        raise VaultError(f"vault cipher {parts[2].decode(errors='replace')} is not known (AES256 is)")
    try:
        payload = binascii.unhexlify(b"".join(line.strip() for line in lines[1:]))
    except binascii.Error as e:
        raise VaultError("the payload is damaged") from e
    return (parts[3].decode() if len(parts) > 3 else "default"), payload


def _keys(password: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    derived = pbkdf2_hmac("sha256", password, salt, _ROUNDS, 80)
    return derived[:32], derived[32:64], derived[64:80]


def _decrypt(payload: bytes, password: bytes) -> bytes | None:
    """None when the password is not the one."""
    try:
        salt, digest, body = (binascii.unhexlify(part) for part in payload.split(b"\n", 2))
    except (ValueError, binascii.Error) as e:
        raise VaultError("the payload is damaged") from e
    key, mac_key, iv = _keys(password, salt)
    if not hmac.compare_digest(hmac.new(mac_key, body, sha256).digest(), digest):
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).decryptor()
    padded = decryptor.update(body) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _encrypt(plain: bytes, password: bytes, salt: bytes | None = None) -> bytes:
    salt = salt or os.urandom(32)
    key, mac_key, iv = _keys(password, salt)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    body = encryptor.update(padded) + encryptor.finalize()
    digest = hmac.new(mac_key, body, sha256).digest()
    return binascii.hexlify(b"\n".join(binascii.hexlify(part) for part in (salt, digest, body)))


def plain(data: bytes, path: Path, secrets: object) -> bytes:
    """A file's content, decrypted when it is a vault. Raises VaultError, also where no secret was given."""
    if not data.startswith(HEADER):
        return data
    if not isinstance(secrets, VaultSecrets):
        raise VaultError(f"{path} is encrypted and no vault secret was given")
    try:
        return secrets.decrypt(data)
    except VaultError as e:
        raise VaultError(f"{path}: {e}") from e
